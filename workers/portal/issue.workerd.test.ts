/** @module Pages about verification codes, in workerd: one code to read out, to scan, by SMS; a table of them; quotas; and API keys. No code or number is in an address or an audit line. */
import { describe, it } from 'vitest';
import { newOnce } from './form.ts';
import { Browser, ENV } from './test-rig.ts';

const FORM = { type: 'confirmed', test: '2026-09-20', symptom: '', way: 'code', asked: 'yes' };
const DIGITS = />\s*(\d{4} \d{4})\s*</;

let people = 0;
const hotline = (roles: ('hotline' | 'health-authority' | 'operator')[] = ['hotline']): Browser =>
  new Browser({ subject: `issuer-${(people += 1)}@example.org`, roles });

const auditOf = async (subject: string): Promise<string[]> => {
  const { entries } = await ENV.STAFF_ROOM.getByName('room').search({
    text: subject,
    from: null,
    to: null,
    before: null,
  });
  return entries.map(({ what, detail }) => `${what} ${detail}`.trim()).filter((line) => line.startsWith('code'));
};

describe('one code', () => {
  it('is shown on a page of its own, the same however often it is looked at, and is in no address', async ({
    expect,
  }) => {
    const anna = hotline();
    const answer = await anna.submit('/staff/issue', FORM);
    const location = answer.headers.get('location') ?? '';
    const [page, again] = [await (await anna.send(location)).text(), await (await anna.send(location)).text()];
    const code = DIGITS.exec(page)?.[1] ?? '';
    expect(code).not.toBe('');
    expect(DIGITS.exec(again)?.[1]).toBe(code);
    expect(location).not.toContain(code.replace(' ', ''));
    expect(page).toContain('You issued 1 of 3 codes');
    expect(await auditOf(anna.subject)).toEqual(['code.issue type confirmed by code']);
    // Somebody else's session, or another kind, finds nothing there.
    const ben = hotline();
    expect(await (await ben.send(location)).text()).toContain('cannot be shown again');
    expect(await (await anna.send(location.replace('confirmed', 'likely'))).text()).toContain('cannot be shown again');
    expect(await (await ben.send('/staff/issued')).text()).toContain('No verification code was issued');
  });

  it('by link has a QR code and the link, which leads to the region’s host', async ({ expect }) => {
    const anna = hotline();
    const page = await (await anna.post('/staff/issue', { ...FORM, way: 'link', symptom: '2026-09-19' })).text();
    expect(page).toMatch(/https:\/\/de\.en\.example\/v\?c=[a-z0-9]{16}/);
    expect(page).toContain('<svg');
    expect(page).not.toMatch(DIGITS);
  });

  it('by SMS is shown to nobody, and its number is neither kept nor audited', async ({ expect }) => {
    const anna = hotline();
    const sms = { ...FORM, way: 'sms', phone: '+49 170 1234567', template: 'Other' };
    const answer = await anna.submit('/staff/issue', sms);
    expect(answer.headers.get('location')).toBe('/staff/issue?notice=issueSent');
    expect(await auditOf(anna.subject)).toEqual(['code.issue type confirmed by sms']);
    expect(await (await anna.send('/staff/issued')).text()).not.toContain('1234567');
  });

  it.for<[name: string, fields: Record<string, string>, notice: string]>([
    ['nothing is chosen', { type: '' }, 'issueIncomplete'],
    ['it is a report of one’s own', { type: 'user-report' }, 'issueIncomplete'],
    ['nobody was asked', { asked: '' }, 'issueIncomplete'],
    ['there is no day', { test: '' }, 'issueIncomplete'],
    ['a day is none', { test: '20.9.2026' }, 'issueIncomplete'],
    ['a day is to come', { test: '2026-10-01' }, 'issueDate'],
    ['there is no number', { way: 'sms' }, 'issueNumber'],
    ['the number has no country', { way: 'sms', phone: '0170 1234567' }, 'issueNumber'],
    ['the SMS does not leave', { way: 'sms', phone: '+491701234560' }, 'issueSmsFailed'],
  ])('isn’t issued when %s', async ([, fields, notice], { expect }) => {
    const anna = hotline();
    const answer = await anna.submit('/staff/issue', { ...FORM, ...fields });
    expect(answer.headers.get('location')).toBe(`/staff/issue?notice=${notice}`);
    expect(await (await anna.send('/staff/issue')).text()).toContain('You issued 0 of 3 codes');
  });

  it('isn’t issued beyond the quota, and the page says so in place of a form', async ({ expect }) => {
    const anna = hotline();
    await ENV.VERIFICATION.setCodeQuota(anna.subject, 1);
    await anna.submit('/staff/issue', FORM);
    expect((await anna.submit('/staff/issue', FORM)).headers.get('location')).toBe(
      '/staff/issue?notice=issueQuotaOver',
    );
    expect(await (await anna.send('/staff/issue')).text()).not.toContain('name="type"');
    expect(await auditOf(anna.subject)).toContain('code.refused quota_exceeded');
  });

  it('of a form that was sent before is that form’s answer, and says so', async ({ expect }) => {
    const anna = hotline();
    const once = newOnce();
    const first = await anna.submit('/staff/issue', { ...FORM, once });
    const second = await anna.submit('/staff/issue', { ...FORM, once, type: 'likely' });
    expect(second.headers.get('location')).toBe(`${first.headers.get('location')}&notice=sentBefore`);
  });
});

describe('the list of codes', () => {
  it('shows kind and state, never a code, and ends one', async ({ expect }) => {
    const anna = hotline();
    const code = DIGITS.exec(await (await anna.post('/staff/issue', FORM)).text())?.[1] ?? '';
    const list = await (await anna.send('/staff/issued')).text();
    expect(list).toContain('not used yet');
    for (const text of [code, code.replace(' ', '')]) expect(list).not.toContain(text);
    const [, uuid = ''] = /name="code" value="([0-9a-f-]{36})"/.exec(list) ?? [];
    const ended = await (await anna.post('/staff/issued/end', { code: uuid, person: anna.subject })).text();
    expect(ended).toContain('The code has ended.');
    expect(await auditOf(anna.subject)).toContain(`code.end code ${uuid.slice(0, 8)} of ${anna.subject}`);
    expect(
      await (await anna.post('/staff/issued/end', { code: crypto.randomUUID(), person: anna.subject })).text(),
    ).toContain('There is no such code.');
    expect((await anna.post('/staff/issued/end', { code: 'x', person: anna.subject })).status).toBe(400);
  });

  it('is a colleague’s or an API key’s for a health authority alone', async ({ expect }) => {
    const [anna, authority] = [hotline(), hotline(['health-authority'])];
    await anna.post('/staff/issue', FORM);
    const path = `/staff/issued?person=${encodeURIComponent(anna.subject)}`;
    const seen = await (await authority.send(path)).text();
    const [, uuid = ''] = /name="code" value="([0-9a-f-]{36})"/.exec(seen) ?? [];
    expect(uuid).not.toBe('');
    expect(await (await hotline().send(path)).text()).toContain('No verification code was issued');
    // Another of the hotline asks for a code of hers: it is looked for among their own.
    expect(await (await hotline().post('/staff/issued/end', { code: uuid, person: anna.subject })).text()).toContain(
      'no such code',
    );
    const answer = await authority.submit('/staff/issued/end', { code: uuid, person: anna.subject });
    expect(answer.headers.get('location')).toContain('notice=issuedDone&person=');
  });
});

describe('API keys', () => {
  it('are shown once, when they are made; the same form gives the same key', async ({ expect }) => {
    const operator = hotline(['operator']);
    const once = newOnce();
    const fields = { kind: 'device', name: 'App of the region', once };
    const [page, again] = [
      await operator.post('/staff/api-keys', fields),
      await operator.post('/staff/api-keys', fields),
    ];
    expect(await page.text()).toContain('device.App of the region');
    expect(await again.text()).toContain('device.App of the region');
    const list = await (await operator.send('/staff/api-keys')).text();
    expect(list.match(/<div class="long">App of the region<\/div>/g)).toHaveLength(1);
    expect(list).not.toContain('device.App');
    for (const wrong of [{ kind: 'root' }, { name: ' ' }, { name: 'x'.repeat(101) }]) {
      expect((await operator.post('/staff/api-keys', { ...fields, once: newOnce(), ...wrong })).status).toBe(400);
    }
  });

  it('are revoked after a page that says what it means', async ({ expect }) => {
    const operator = hotline(['operator']);
    const { apiKey } = await ENV.VERIFICATION.createApiKey('admin', 'Old system');
    const page = await (await operator.send(`/staff/api-keys/revoke?key=${apiKey.id}`)).text();
    expect(page).toContain('every app or system that has it stops working');
    expect(await (await operator.post('/staff/api-keys/revoke', { key: apiKey.id })).text()).toContain(
      'The key is revoked.',
    );
    expect(await (await operator.send('/staff/api-keys')).text()).toMatch(/Old system[\s\S]*revoked/);
    const missing = await operator.send(`/staff/api-keys/revoke?key=${'0'.repeat(32)}`);
    expect(missing.headers.get('location')).toBe('/staff/api-keys?notice=keysMissing');
  });

  it('have quotas that a health authority sets, told by their names', async ({ expect }) => {
    const authority = hotline(['health-authority']);
    const { apiKey } = await ENV.VERIFICATION.createApiKey('admin', 'Laboratory system');
    const fields = { codesIssuer: `key:${apiKey.id}`, codesPerDay: '50000' };
    const page = await (await authority.post('/staff/quotas/codes', fields)).text();
    expect(page).toMatch(/API key Laboratory system[\s\S]*50000/);
    expect(await auditOf(authority.subject)).toEqual([`code-quota.set key:${apiKey.id} 50000`]);
    expect((await authority.post('/staff/quotas/codes', { ...fields, codesPerDay: '100001' })).status).toBe(400);
  });
});
