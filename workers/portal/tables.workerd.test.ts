/** @module Tables of the staff pages, page by page, and the times in them, in workerd with the real StaffRoom. */
import { describe, it } from 'vitest';
import type { Role } from './roles.ts';
import { Browser, ENV, NOW } from './test-rig.ts';

let people = 0;
/** Somebody whom no other test knows. */
const somebody = (): string => `reader-${++people}@example.org`;
const browserOf = (...roles: Role[]): Browser => new Browser({ subject: somebody(), roles });
const entriesOf = async (who: string) =>
  (await ENV.STAFF_ROOM.getByName('room').search({ text: who, from: null, to: null, before: null })).entries.map(
    ({ what, detail }) => [what, detail] as const,
  );

describe('a table', () => {
  it('has pages: 25 rows each, the others by links, and nonsense is the first one', async ({ expect }) => {
    const authority = browserOf('health-authority');
    const marker = somebody();
    const issuers = Array.from({ length: 60 }, (_, i) => `${marker}-${String(i).padStart(2, '0')}`);
    for (const issuer of issuers) await ENV.VERIFICATION.setTeleTanQuota(issuer, 7);
    // The neighbour remembers what other tests set, too.
    const all = (await ENV.VERIFICATION.teleTanQuotas()).length;
    const pages = Math.ceil(all / 25);
    const seen: string[] = [];
    let next: string | undefined = '/staff/quotas';
    for (let page = 1; next !== undefined; page++) {
      const text = await (await authority.send(next)).text();
      expect(text).toContain(`Page ${page} of ${pages}`);
      expect(text.match(/<tr/g)?.length).toBeLessThanOrEqual(26);
      seen.push(...issuers.filter((issuer) => text.includes(`${issuer}<`)));
      next = /href="([^"]+)"[^>]*>Next page/.exec(text)?.[1];
    }
    expect(seen.toSorted()).toEqual(issuers);
    for (const query of ['page=x', 'page=0', 'page=-1', 'page=1.5', 'page=%3Cb%3E']) {
      expect(await (await authority.send(`/staff/quotas?${query}`)).text()).toContain(`Page 1 of ${pages}`);
    }
    // What was set just now is on the page that answers.
    const zoe = `zoe-${somebody()}`;
    expect(await (await authority.post('/staff/quotas', { issuer: zoe, perHour: '5' })).text()).toContain(`${zoe}<`);
    const last = await (await authority.send('/staff/quotas?page=999')).text();
    expect(last).toContain(`Page ${pages} of ${pages}`);
    expect(last).toContain('>Previous page');
    expect(last).not.toContain('>Next page');
  });

  it('is turned over beside another one, which stays where it is', async ({ expect }) => {
    const room = ENV.STAFF_ROOM.getByName('room');
    const marks = Array.from({ length: 60 }, (_, i) => `key:${i.toString(16).padStart(64, '0')}`);
    for (const mark of marks) await room.block([mark]);
    const text = await (await browserOf('operator').send('/staff/sessions?page=1&blocked=2&other=x')).text();
    expect(text).toMatch(/href="\/staff\/sessions\?page=1&amp;blocked=3"/);
    expect(text.match(/key:[0-9a-f]{64}/g)).toHaveLength(25);
  });

  it('of authorities has pages, beside those of holders', async ({ expect }) => {
    const room = ENV.STAFF_ROOM.getByName('room');
    const names = Array.from({ length: 30 }, (_, i) => `CN=Authority ${String(i).padStart(2, '0')}`);
    for (const [i, name] of names.entries()) {
      const authority = i.toString(16).padStart(64, '0');
      const facts = { authority, name, nameHash: authority, number: '0'.repeat(40), thisUpdate: NOW, entries: 0 };
      const list = { ...facts, nextUpdate: NOW + 86_400 };
      await room.finishList((await room.beginList(list)) ?? -1, list);
    }
    const staff = browserOf('operator');
    const all = (await room.authorities()).length;
    const pages = Math.ceil(all / 25);
    const after = 'card:' + '0'.repeat(64);
    const seen: string[] = [];
    let next: string | undefined = `/staff/holders?after=${encodeURIComponent(after)}`;
    for (let page = 1; next !== undefined; page++) {
      const text = await (await staff.send(next)).text();
      expect(text).toContain(`Page ${page} of ${pages}`);
      // The list to choose from, above, has all of them.
      const [, table = ''] = text.split('role="table" aria-label="Authorities and their lists');
      seen.push(...names.filter((name) => table.includes(`${name}<`)));
      next = /href="([^"]+)"[^>]*>Next page/.exec(table)?.[1]?.replaceAll('&amp;', '&');
    }
    expect(seen.toSorted()).toEqual(names);
  });
});

describe('times', () => {
  const at = (instant: string) => ({ now: () => Date.parse(instant) / 1000 });

  it.for<[language: string, until: string]>([
    ['en', 'Valid until 17:13 CEST.'],
    ['de', 'Gültig bis 17:13 MESZ.'],
    ['nl', 'Geldig tot 17:13 CEST.'],
  ])('are those of the stage’s zone, in %s, without a script', async ([language, until], { expect }) => {
    // The neighbour's teleTANs live until an hour after NOW, which is a September's day in Berlin.
    const browser = new Browser({ subject: somebody(), roles: ['hotline', 'auditor'] });
    await browser.post('/staff/language', { language });
    const text = await (await browser.post('/staff/teletan', { reason: 'lost', asked: 'yes' })).text();
    expect(text).toContain(until);
    expect(text).not.toContain('UTC');
    expect(await (await browser.send('/staff/codes')).text()).toMatch(
      /2026-09-21 17:13 (CEST|MESZ)[\s\S]*Europe\/Berlin/,
    );
    expect(await (await browser.send('/staff/audit')).text()).toMatch(/UTC[\s\S]*teletan\.issue/);
  });

  it('a withdrawal is in the audit log in UTC, and says so', async ({ expect }) => {
    const subject = somebody();
    const provider = new Browser({ subject, roles: ['provider'], provider: subject }, at('2026-09-21T22:30Z'));
    await provider.post('/staff/cards', { label: 'Night', count: '20' });
    const page = await (await provider.send('/staff/batches')).text();
    const batch = /name="batch" value="([^"]+)"/.exec(page)?.[1] ?? '';
    const done = await (await provider.post('/staff/batches/withdraw/confirm', { batch, when: 'now' })).text();
    expect(done).toContain('withdrawn from 2026-09-22 00:30 CEST');
    expect(await entriesOf(subject)).toContainEqual(['batch.withdraw', `batch ${batch} from 2026-09-21 22:30 UTC`]);
  });
});
