/** @module Staff sessions as a browser meets them: the cookie, idling, revocation, the chosen language. */
import { describe, it } from 'vitest';
import { sameToken } from './session.ts';
import { Browser, ENV } from './test-rig.ts';

/** A later time than the object's own clock, which these tests use: an authentication in the future is a fresh one. */
const soon = (): number => Math.floor(Date.now() / 1000) + 10;

describe('the session', () => {
  it('has a cookie that only this host’s TLS pages send, and a script never reads', async ({ expect }) => {
    const response = await new Browser({ subject: 'cookie@example.org', roles: [] }).send('/staff');
    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-staff=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
  });

  it('goes on with its cookie, and no other person can use it', async ({ expect }) => {
    const anna = new Browser({ subject: 'anna-1@example.org', roles: [] });
    await anna.send('/staff');
    expect((await anna.send('/staff')).headers.has('set-cookie')).toBe(false);
    const berta = new Browser({ subject: 'berta-1@example.org', roles: [] });
    berta.cookie = anna.cookie;
    expect((await berta.send('/staff')).headers.has('set-cookie')).toBe(true);
    expect(await berta.csrf()).not.toBe(await anna.csrf());
  });

  it('ends by signing out: neither the cookie nor its loss opens another one before a new sign-in', async ({
    expect,
  }) => {
    const subject = 'signs-out@example.org';
    const browser = new Browser({ subject, roles: [], authenticatedAt: 1 });
    const out = await browser.post('/staff/sign-out');
    expect([out.status, await out.text()]).toEqual([401, expect.stringContaining('href="/cdn-cgi/access/logout"')]);
    expect((await browser.send('/staff')).status).toBe(401);
    browser.cookie = '';
    expect((await browser.send('/staff')).status).toBe(401);
    expect((await new Browser({ subject, roles: [], authenticatedAt: soon() }).send('/staff')).status).toBe(200);
  });

  it('is revoked by an operator', async ({ expect }) => {
    const subject = 'revoked@example.org';
    const browser = new Browser({ subject, roles: ['hotline'], authenticatedAt: 1 });
    expect((await browser.send('/staff/teletan')).status).toBe(200);
    const operator = new Browser({ subject: 'operator-1@example.org', roles: ['operator'] });
    expect(await (await operator.send('/staff/sessions')).text()).toContain(subject);
    const page = await (await operator.post('/staff/sessions/revoke', { subject })).text();
    expect(page).not.toContain(subject);
    expect((await browser.send('/staff/teletan')).status).toBe(401);
    expect((await browser.post('/staff/teletan')).status).toBe(401);
  });

  it('keeps the language that was chosen, and takes no other', async ({ expect }) => {
    const browser = new Browser({ subject: 'speaks@example.org', roles: ['hotline'] });
    await browser.post('/staff/language', { language: 'nl' });
    const page = await (await browser.send('/staff')).text();
    expect(page).toContain('<html lang="nl">');
    expect(page).toContain('Een teleTAN uitgeven');
    await browser.post('/staff/language', { language: 'constructor' });
    expect(await (await browser.send('/staff')).text()).toContain('<html lang="en">');
  });

  it('that was revoked stays ended without the cookie, and for commands', async ({ expect }) => {
    const subject = 'no-cookie@example.org';
    const browser = new Browser({ subject, roles: ['operator'], authenticatedAt: 1 });
    expect((await browser.send('/staff')).status).toBe(200);
    await ENV.STAFF_ROOM.getByName('room').revoke(subject);
    for (const cookie of ['', browser.cookie, `__Host-staff=${'A'.repeat(43)}`]) {
      browser.cookie = cookie;
      expect((await browser.send('/staff')).status).toBe(401);
      expect((await browser.send('/operator/status')).status).toBe(401);
    }
  });

  it('of a card begins again when its holder says so on a page of this origin, and never by itself', async ({
    expect,
  }) => {
    const subject = 'card:0011223344556677:9';
    const card = new Browser({ subject, roles: ['provider'], signInAgain: null });
    const out = await card.post('/staff/sign-out');
    expect(await out.text()).toContain('<form method="post" action="/staff/sign-in">');
    const cookies = ['', card.cookie];
    for (const cookie of cookies) {
      card.cookie = cookie;
      expect((await card.send('/staff')).status).toBe(401);
    }
    const signIn = (headers: Record<string, string>) => card.send('/staff/sign-in', { method: 'POST', headers });
    expect((await signIn({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await card.send('/staff')).status).toBe(401);
    expect((await signIn({ 'sec-fetch-site': 'same-origin' })).status).toBe(303);
    expect((await card.send('/staff')).status).toBe(200);
  });

  it('of Access does not begin again that way', async ({ expect }) => {
    const subject = 'access@example.org';
    const browser = new Browser({ subject, roles: [], authenticatedAt: 1 });
    await browser.post('/staff/sign-out');
    const headers = { 'sec-fetch-site': 'same-origin' };
    // Commented by its page: there is none of this name for them, and their session has ended.
    expect((await browser.send('/staff/sign-in', { method: 'POST', headers })).status).toBe(404);
    expect((await browser.send('/staff')).status).toBe(401);
  });

  it('whose cookie never comes back leaves no entry in the audit log, and thirty a minute are enough', async ({
    expect,
  }) => {
    const subject = 'no-jar@example.org';
    const statuses = [];
    for (let i = 0; i < 70; i++) statuses.push((await new Browser({ subject, roles: [] }).send('/staff')).status);
    expect(statuses).toContain(429);
    const search = { text: subject, from: null, to: null, before: null };
    expect((await ENV.STAFF_ROOM.getByName('room').search(search)).entries).toEqual([]);
  });
});

it('tokens are compared whatever their length', ({ expect }) => {
  expect(['abc', 'abd', 'ab', '', 'abcd'].map((given) => sameToken(given, 'abc'))).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
