/** @module Each form is acted on once (decision 033); teleTANs with reasons, revoked, released by a second person. */
import { runInDurableObject } from 'cloudflare:test';
import { describe, it } from 'vitest';
import { FORM_LEASE_SECONDS } from '../../durable-objects/staff-room/form-ops.ts';
import { newOnce } from './form.ts';
import type { Role } from './roles.ts';
import { Browser, ENV } from './test-rig.ts';

let people = 0;
/** Somebody whom no other test knows. */
const somebody = (): string => `once-${++people}@example.org`;
const browserOf = (...roles: Role[]): Browser => new Browser({ subject: somebody(), roles });
const room = ENV.STAFF_ROOM.getByName('room');
const actionsOf = async (who: string): Promise<string[]> =>
  (await room.search({ text: who, from: null, to: null, before: null })).entries
    .filter((entry) => entry.who === who)
    .map(({ what, detail }) => `${what} ${detail}`.trim());
const ASKED = { reason: 'lost', asked: 'yes' };
const locationOf = (answer: Response): string => answer.headers.get('location') ?? '';

/** A verification that is slow, and counts what it is asked for. */
function slowVerification(waitMs: number) {
  const calls: string[] = [];
  const VERIFICATION = new Proxy(ENV.VERIFICATION, {
    get:
      (target, name: string) =>
      async (...args: unknown[]) => {
        calls.push(name);
        if (name === 'makeCards' || name === 'issueTeleTan') await scheduler.wait(waitMs);
        return (target as unknown as Record<string, (...given: unknown[]) => unknown>)[name]?.(...args);
      },
  });
  return { VERIFICATION, asked: (name: string): number => calls.filter((call) => call === name).length };
}

describe('a form', () => {
  it.for<[path: string, role: Role, fields: Record<string, string>]>([
    ['/staff/teletan', 'hotline', ASKED],
    ['/staff/cards', 'provider', { label: 'Twice', count: '20' }],
    ['/staff/flyers', 'provider', { count: '3' }],
    ['/staff/quotas', 'health-authority', { issuer: 'nobody-1', perHour: '5' }],
    ['/staff/sessions/revoke', 'operator', { subject: 'nobody-2' }],
    ['/staff/laboratories', 'lab-admin', { document: 'signed' }],
    ['/staff/laboratories', 'lab-admin', { document: 'unsigned' }],
  ])(
    'of %s that comes twice is answered as the first time, and done once',
    async ([path, role, fields], { expect }) => {
      const browser = browserOf(role);
      const once = newOnce();
      const first = await browser.submit(path, { ...fields, once });
      expect(first.status).toBe(303);
      const before = await actionsOf(browser.subject);
      const again = await browser.submit(path, { ...fields, once });
      const said = /[?&](notice|refused)=/.test(locationOf(first)) ? '' : '&notice=sentBefore';
      expect([again.status, locationOf(again)]).toEqual([303, `${locationOf(first)}${said}`]);
      if (said !== '')
        expect(await (await browser.send(locationOf(again))).text()).toContain('You had sent this form before.');
      expect(await actionsOf(browser.subject)).toEqual(before);
      const page = await (await browser.send(locationOf(first))).text();
      const codes = (text: string) => text.match(/[0-9A-F]{6}-[0-9A-F]{8}-[0-9A-F-]{27}|R3Z-NUE-V9JA/g);
      expect(codes(await (await browser.send(locationOf(first))).text())).toEqual(codes(page));
    },
  );

  it('that comes twice at once waits for the first, and gets its answer', async ({ expect }) => {
    const slow = slowVerification(300);
    const subject = somebody();
    const bindings = { VERIFICATION: slow.VERIFICATION };
    const browser = new Browser({ subject, roles: ['provider'], provider: subject }, { bindings });
    await browser.csrf();
    const fields = { label: 'Double click', count: '20', once: newOnce() };
    const [first, second] = await Promise.all([
      browser.submit('/staff/cards', fields),
      browser.submit('/staff/cards', fields),
    ]);
    expect(locationOf(first)).toMatch(/^\/staff\/cards\/sheet\?form=/);
    expect(locationOf(second)).toBe(locationOf(first));
    expect(slow.asked('makeCards')).toBe(1);
    expect((await ENV.VERIFICATION.cardBatches(subject, null)).batches).toHaveLength(1);
    const sheet = await (await browser.send(locationOf(first))).text();
    expect(sheet.match(/class="card"/g)).toHaveLength(20);
  });

  it('whose fields were refused may be sent again', async ({ expect }) => {
    const browser = browserOf('provider');
    const once = newOnce();
    expect((await browser.submit('/staff/cards', { label: '', count: '20', once })).status).toBe(400);
    expect((await browser.submit('/staff/cards', { label: 'Now', count: '20', once })).status).toBe(303);
  });

  it('whose Worker died is acted on again once its lease is over, with the same codes', async ({ expect }) => {
    const browser = browserOf('hotline');
    const once = newOnce();
    const first = await browser.submit('/staff/teletan', { ...ASKED, once });
    // What the crash left: acted on, and no answer kept.
    const age = (seconds: number) =>
      runInDurableObject(room, (_object, { storage }) => {
        storage.sql.exec(
          'UPDATE form SET answer = NULL, begun_at = begun_at - ? WHERE begun_at = (SELECT MAX(begun_at) FROM form)',
          seconds,
        );
      });
    await age(FORM_LEASE_SECONDS + 1);
    const again = await browser.submit('/staff/teletan', { ...ASKED, once });
    expect(locationOf(again)).toBe(locationOf(first));
    expect((await ENV.VERIFICATION.teleTanBook(browser.subject)).entries).toHaveLength(1);
  });

  it('of another session, or of a tab that was open before it, is that page anew', async ({ expect }) => {
    const subject = somebody();
    const [before, now] = [new Browser({ subject, roles: ['hotline'] }), new Browser({ subject, roles: ['hotline'] })];
    const csrf = await before.csrf();
    const answer = await now.submit('/staff/teletan', { ...ASKED, csrf });
    expect(locationOf(answer)).toBe('/staff/teletan?notice=errorForm');
    const page = await now.send(locationOf(answer));
    expect(page.status).toBe(200);
    expect(await page.text()).toMatch(/role="alert">This form was of an earlier session[\s\S]*Issue a teleTAN/);
  });

  it('of flyers shows what was made, and no more of it', async ({ expect }) => {
    const browser = browserOf('provider');
    const location = locationOf(await browser.submit('/staff/flyers', { count: '2' }));
    for (const path of [location.replace('count=2', 'count=200'), location.replace(/form=.{4}/, 'form=0000')]) {
      expect(await (await browser.send(path)).text()).toContain('These flyers cannot be shown again');
    }
  });
});

describe('addresses', () => {
  it.for(['/staff/', '/staff/teletan/', '/staff/codes/?person=x'])('%s leads to the page', async (path, { expect }) => {
    const answer = await browserOf('hotline').send(path);
    expect(answer.status).toBe(301);
    expect(new URL(locationOf(answer)).pathname).toBe(path.replace(/\/(\?.*)?$/, ''));
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it.for(['errorForm', 'quotasDone'])(
    '?notice=%s says a fixed text, any other name nothing',
    async (name, { expect }) => {
      const browser = browserOf('health-authority');
      const text = async (notice: string) => (await browser.send(`/staff/quotas?notice=${notice}`)).text();
      expect(await text(name)).toContain('class="notice screen');
      for (const other of ['', 'brand', 'toString', '<b>x'])
        expect(await text(other)).not.toContain('class="notice screen');
    },
  );

  it('back after a withdrawal shows that the batch is withdrawn', async ({ expect }) => {
    const provider = new Browser({ subject: somebody(), roles: ['provider'], provider: somebody() });
    await provider.post('/staff/cards', { label: 'Back', count: '20' });
    const batches = await (await provider.send('/staff/batches')).text();
    const batch = /name="batch" value="([^"]+)"/.exec(batches)?.[1] ?? '';
    const preview = `/staff/batches/withdraw/preview?batch=${batch}&when=now`;
    expect((await provider.send(preview)).status).toBe(200);
    const done = await provider.post('/staff/batches/withdraw/confirm', { batch, when: 'now' });
    expect(await done.text()).toContain('The batch is withdrawn from');
    expect(locationOf(await provider.send(preview))).toBe(`/staff/batches/withdrawn?batch=${batch}`);
  });
});

describe('a teleTAN', () => {
  it.for<Record<string, string>>([{}, { reason: 'lost' }, { asked: 'yes' }, { reason: 'because', asked: 'yes' }])(
    'is not issued for %j',
    async (fields, { expect }) => {
      const browser = browserOf('hotline');
      const answer = await browser.submit('/staff/teletan', fields);
      expect(locationOf(answer)).toBe('/staff/teletan?notice=teletanIncomplete');
      expect((await ENV.VERIFICATION.teleTanBook(browser.subject)).entries).toEqual([]);
    },
  );

  it('is revoked by who issued it, after a page that says what this does', async ({ expect }) => {
    const browser = browserOf('hotline');
    const code = locationOf(await browser.submit('/staff/teletan', ASKED));
    const codes = await (await browser.send('/staff/codes')).text();
    const id = /name="code" value="([0-9a-f]{32})"/.exec(codes)?.[1] ?? '';
    const asked = await (await browser.send(`/staff/codes/revoke?code=${id}`)).text();
    expect(asked).toContain('The code stops working');
    const done = await browser.post('/staff/codes/revoke', { code: id, person: browser.subject });
    expect(await done.text()).toMatch(/The teleTAN is revoked\.[\s\S]*revoked \d/);
    expect(await (await browser.send(code)).text()).toContain('This code cannot be shown again');
    expect(await actionsOf(browser.subject)).toContain(`teletan.revoke code ${id.slice(0, 8)} of ${browser.subject}`);
  });

  it('of a colleague is revoked by the health authority alone', async ({ expect }) => {
    const issuer = browserOf('hotline');
    await issuer.submit('/staff/teletan', ASKED);
    const [entry] = (await ENV.VERIFICATION.teleTanBook(issuer.subject)).entries;
    const fields = { code: entry?.id ?? '', person: issuer.subject };
    const colleague = await browserOf('hotline').submit('/staff/codes/revoke', fields);
    expect(locationOf(colleague)).toBe('/staff/codes?notice=codesMissing');
    const authority = browserOf('health-authority');
    const page = await (await authority.send(`/staff/codes?person=${encodeURIComponent(issuer.subject)}`)).text();
    expect(page).toContain('R3Z…');
    expect(locationOf(await authority.submit('/staff/codes/revoke', fields))).toBe('/staff/codes?notice=codesRevoked');
    expect(await actionsOf(authority.subject)).toContain(
      `teletan.revoke code ${fields.code.slice(0, 8)} of ${issuer.subject}`,
    );
  });

  it('beyond the quota is asked for, and released by somebody else', async ({ expect }) => {
    const asking = browserOf('hotline', 'health-authority');
    await asking.submit('/staff/teletan', ASKED);
    expect(await (await asking.send('/staff/teletan')).text()).toContain('Ask a second person');
    await asking.submit('/staff/teletan/ask', { codes: '3' });
    expect(await (await asking.send('/staff/teletan')).text()).toContain('You asked for 3 more codes');
    const own = await (await asking.send('/staff/quotas')).text();
    expect(own).toContain('yours: somebody else must release it');
    const [request] = (await ENV.VERIFICATION.quotaRequests()).filter(({ issuer }) => issuer === asking.subject);
    const fields = { request: request?.id ?? '' };
    expect(locationOf(await asking.submit('/staff/quotas/release', fields))).toBe('/staff/quotas?notice=quotasOwn');
    const second = browserOf('health-authority');
    expect(locationOf(await second.submit('/staff/quotas/release', fields))).toBe(
      '/staff/quotas?notice=quotasReleased',
    );
    expect(await actionsOf(second.subject)).toContain(`quota.release ${asking.subject} codes 3`);
    expect(await (await asking.send('/staff/teletan')).text()).toContain('Why does this person need a code?');
    expect(locationOf(await second.submit('/staff/quotas/release', fields))).toBe('/staff/quotas?notice=quotasGone');
  });
});
