/** @module Staff pages in workerd with the real StaffRoom: roles, forms, headers, what is said and what is kept. */
import { describe, it } from 'vitest';
import { SCRIPT_ASSET, STYLE_ASSET } from './assets/assets.ts';
import { PAGE_ROLES, type Page, PAGES, type Role, ROLES } from './roles.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { newOnce } from './form.ts';
import { Browser, ENV, NOW } from './test-rig.ts';

let people = 0;
/** Somebody whom no other test knows. */
const somebody = (): string => `person-${++people}@example.org`;
const browserOf = (...roles: Role[]): Browser => new Browser({ subject: somebody(), roles });
/** What a hotline says before it issues. */
const ASKED = { reason: 'lost', asked: 'yes' };
const entriesOf = async (who: string) =>
  (await ENV.STAFF_ROOM.getByName('room').search({ text: who, from: null, to: null, before: null })).entries.map(
    ({ what, detail }) => [what, detail] as const,
  );

/** Each POST of the portal → the page it belongs to. */
const ACTIONS: readonly [path: string, page: Page][] = [
  ['/staff/teletan', 'teletan'],
  ['/staff/teletan/ask', 'teletan'],
  ['/staff/codes/revoke', 'codes'],
  ['/staff/issue', 'issue'],
  ['/staff/issued/end', 'issued'],
  ['/staff/bulk', 'bulk'],
  ['/staff/bulk/issue', 'bulk'],
  ['/staff/api-keys', 'api-keys'],
  ['/staff/api-keys/revoke', 'api-keys'],
  ['/staff/cards', 'cards'],
  ['/staff/batches/withdraw/confirm', 'batches'],
  ['/staff/flyers', 'flyers'],
  ['/staff/laboratories', 'laboratories'],
  ['/staff/quotas', 'quotas'],
  ['/staff/parameters/agree', 'parameters'],
  ['/staff/parameters/decline', 'parameters'],
  ['/staff/quotas/release', 'quotas'],
  ['/staff/quotas/codes', 'quotas'],
  ['/staff/holders', 'holders'],
  ['/staff/holders/remove', 'holders'],
  ['/staff/holders/readmit', 'holders'],
  ['/staff/sessions/revoke', 'sessions'],
  ['/staff/sessions/certificate', 'sessions'],
];

describe('the role matrix', () => {
  it.for(ROLES.flatMap((role) => PAGES.map((page) => [role, page] as const)))(
    '%s opens %s only if the table says so',
    async ([role, page], { expect }) => {
      const allowed = (PAGE_ROLES[page] as readonly Role[]).includes(role);
      const response = await browserOf(role).send(`/staff/${page}`);
      expect(response.status).toBe(allowed ? 200 : 403);
    },
  );

  it.for(ACTIONS)('%s acts for nobody without a role of its page', async ([path, page], { expect }) => {
    const others = ROLES.filter((role) => !(PAGE_ROLES[page] as readonly Role[]).includes(role));
    const browser = new Browser({ subject: somebody(), roles: others });
    expect((await browser.post(path, { count: '1', label: 'x' })).status).toBe(403);
    expect((await new Browser({ subject: somebody(), roles: [] }).post(path)).status).toBe(403);
  });

  it('the menu shows the pages of a role and no other', async ({ expect }) => {
    const home = await (await browserOf('hotline').send('/staff')).text();
    const shown = PAGES.filter((page) => home.includes(`href="/staff/${page}"`));
    expect(shown).toEqual(['teletan', 'codes', 'issue', 'issued']);
  });
});

describe('forms', () => {
  it.for(ACTIONS)(
    '%s is refused without the session’s token or from another site',
    async ([path, page], { expect }) => {
      const role = PAGE_ROLES[page][0];
      const browser = browserOf(role);
      const csrf = await browser.csrf();
      const other = await browserOf(role).csrf();
      const once = newOnce();
      const answer = async (fields: Record<string, string>, headers: Record<string, string>): Promise<Response> =>
        browser.send(path, { method: 'POST', body: new URLSearchParams(fields), headers });
      const attempt = async (headers: Record<string, string>): Promise<number> =>
        (await answer({ csrf, once }, headers)).status;
      const refused = [
        await attempt({ 'sec-fetch-site': 'cross-site' }),
        await attempt({ 'sec-fetch-site': 'same-site' }),
        await attempt({ 'sec-fetch-site': 'none' }),
        await attempt({ origin: 'https://evil.example' }),
        await attempt({ origin: 'null' }),
        await attempt({}),
      ];
      expect(refused).toEqual(refused.map(() => 403));
      // From our own page, but of another session or without its tokens: that page comes again, and nothing is done.
      const ours = { 'sec-fetch-site': 'same-origin' };
      for (const fields of [{ once }, { csrf: '', once }, { csrf: other, once }, { csrf }, { csrf, once: 'x' }]) {
        const again = await answer(fields, ours);
        expect([again.status, again.headers.get('location')]).toEqual([303, `/staff/${page}?notice=errorForm`]);
      }
      expect((await entriesOf(browser.subject)).map(([what]) => what)).toEqual(['session.begin']);
      expect((await browser.send(path, { method: 'PUT' })).status).toBe(404);
    },
  );

  it('a browser without Sec-Fetch-Site is believed by its Origin', async ({ expect }) => {
    const browser = browserOf('hotline');
    const body = new URLSearchParams({ csrf: await browser.csrf(), once: newOnce(), ...ASKED });
    const headers = { origin: 'https://portal.example' };
    const answer = await browser.send('/staff/teletan', { method: 'POST', body, headers });
    expect(answer.headers.get('location')).toMatch(/^\/staff\/teletan\/code\?form=/);
  });

  it.for<[name: string, path: string, role: Role, fields: Record<string, string>]>([
    ['no cards', '/staff/cards', 'provider', { label: 'x', count: '0' }],
    ['so few cards that one is its keys', '/staff/cards', 'provider', { label: 'x', count: '19' }],
    ['too many cards', '/staff/cards', 'provider', { label: 'x', count: '10001' }],
    ['half a card', '/staff/cards', 'provider', { label: 'x', count: '20.5' }],
    ['no label', '/staff/cards', 'provider', { label: ' ', count: '20' }],
    ['a label with a line break', '/staff/cards', 'provider', { label: 'a\nb', count: '20' }],
    ['a label of 61', '/staff/cards', 'provider', { label: 'x'.repeat(61), count: '20' }],
    ['too many flyers', '/staff/flyers', 'provider', { count: '201' }],
    ['a quota below 0', '/staff/quotas', 'health-authority', { issuer: 'a', perHour: '-1' }],
    ['no certificate', '/staff/sessions/certificate', 'operator', { pem: 'reflect' }],
    ['a serial number of nobody', '/staff/sessions/certificate', 'operator', { authority: 'a', serial: 'beef' }],
    [
      'a holder of nobody',
      '/staff/holders',
      'operator',
      { authority: 'ab'.repeat(32), holderId: '1', provider: 'Practice' },
    ],
    ['a holder without a number', '/staff/holders', 'operator', { authority: 'ab'.repeat(32), provider: 'Practice' }],
    ['no card', '/staff/holders/remove', 'operator', { subject: 'anna@example.org' }],
    ['no list', '/staff/laboratories', 'lab-admin', { document: '' }],
  ])('%s is refused, and nothing of it is said again', async ([, path, role, fields], { expect }) => {
    const response = await browserOf(role).post(path, { ...fields, extra: 'reflect-me' });
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).not.toContain('reflect-me');
    for (const value of Object.values(fields).filter((one) => one.length > 3)) expect(text).not.toContain(value);
  });

  it('a form past 512 KB, of another type or not UTF-8 is refused', async ({ expect }) => {
    const browser = browserOf('lab-admin');
    const csrf = await browser.csrf();
    const attempt = async (body: BodyInit, type: string): Promise<number> => {
      const headers = { 'sec-fetch-site': 'same-origin', 'content-type': type };
      return (await browser.send('/staff/laboratories', { method: 'POST', body, headers })).status;
    };
    const form = 'application/x-www-form-urlencoded';
    expect(await attempt(`csrf=${csrf}&document=${'x'.repeat(600_000)}`, form)).toBe(403);
    expect(await attempt(JSON.stringify({ csrf, document: 'signed' }), 'text/plain')).toBe(403);
    expect(await attempt(Uint8Array.of(0xff, 0xfe), form)).toBe(403);
    expect(await attempt(`csrf=${csrf}&once=${newOnce()}&document=signed`, form)).toBe(303);
  });

  it('who acts too fast is told to wait, in another session too, and others are not', async ({ expect }) => {
    const subject = somebody();
    const browsers = [new Browser({ subject, roles: ['hotline'] }), new Browser({ subject, roles: ['hotline'] })];
    const statuses: number[] = [];
    // The limit counts by the minute, so the actions must not straddle two.
    const leftMs = 60_000 - (Date.now() % 60_000);
    if (leftMs < 5_000) await scheduler.wait(leftMs);
    const act = async (browser: Browser | undefined) =>
      statuses.push((await browser?.submit('/staff/language', { language: 'en' }))?.status ?? 0);
    // That a session begins is an action as well.
    for (let i = 0; i < 30; i++) await act(browsers[i % 2]);
    expect(statuses).toEqual([...Array.from({ length: 28 }, () => 303), 429, 429]);
    expect((await browserOf('hotline').submit('/staff/language', { language: 'en' })).status).toBe(303);
  });
});

describe('every answer', () => {
  it.for(['/staff', '/staff/teletan', '/staff/audit', '/staff/nothing', '/', '/nothing', '/operator/nothing'])(
    '%s carries the security headers, is not cached and opens no CORS',
    async (path, { expect }) => {
      const response = await browserOf('hotline').send(path, { headers: { origin: 'https://evil.example' } });
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(response.headers.get(name)).toBe(value);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.has('access-control-allow-origin')).toBe(false);
    },
  );

  it('the policy allows nothing inline, and no page has any', async ({ expect }) => {
    expect(SECURITY_HEADERS['content-security-policy']).not.toContain('unsafe');
    const browser = new Browser({ subject: somebody(), roles: ROLES });
    for (const page of PAGES) {
      const text = await (await browser.send(`/staff/${page}`)).text();
      expect(text).not.toMatch(/\sstyle=|\son\w+=|<style|<script(?![^>]*\ssrc=)/);
      expect(text).toContain(`src="${SCRIPT_ASSET.path}" integrity="${SCRIPT_ASSET.integrity}"`);
      expect(text).toContain(`href="${STYLE_ASSET.path}" integrity="${STYLE_ASSET.integrity}"`);
    }
  });

  it('script and stylesheet are what their integrity says', async ({ expect }) => {
    for (const { path, integrity, type } of [SCRIPT_ASSET, STYLE_ASSET]) {
      const response = await browserOf().send(path);
      expect(response.headers.get('content-type')).toBe(type);
      const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
      expect(`sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`).toBe(integrity);
    }
  });

  it('a back office out of reach is a page without its message', async ({ expect }) => {
    const ORIGIN = { ...ENV.ORIGIN, status: () => Promise.reject(new Error('secret detail')) };
    const browser = new Browser({ subject: somebody(), roles: ['operator'] }, { bindings: { ORIGIN } });
    const response = await browser.send('/staff/status');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret detail');
  });
});

describe('codes', () => {
  it('a teleTAN is shown on a page of its session, in groups; no address has it', async ({ expect }) => {
    const subject = somebody();
    const browser = new Browser({ subject, roles: ['hotline'] });
    const issued = await browser.submit('/staff/teletan', ASKED);
    const location = issued.headers.get('location') ?? '';
    expect(location).toMatch(/^\/staff\/teletan\/code\?form=[0-9a-f]{32}$/);
    expect(await (await browser.send(location)).text()).toMatch(/R3Z-NUE-V9JA[\s\S]*data-seconds-left="3600"/);
    // The address alone shows it to nobody, the same person in another session included.
    for (const other of [new Browser({ subject, roles: ['hotline'] }), browserOf('hotline')]) {
      const page = await (await other.send(location)).text();
      expect(page).toContain('This code cannot be shown again');
      expect(page).not.toContain('NUE');
    }
    const codes = await (await browser.send('/staff/codes')).text();
    expect(codes).toContain('R3Z…');
    expect(codes).not.toMatch(/NUE/);
    expect(await (await browser.post('/staff/teletan', ASKED)).text()).toContain('You have issued as many codes');
    expect(await entriesOf(subject)).toEqual([
      ['teletan.refused', 'quota'],
      ['teletan.issue', 'reason lost'],
      ['teletan.issue', 'reason lost'],
      ['session.begin', ''],
    ]);
  });

  it('cards are printed on a page of their session; the log knows the batch and the count alone', async ({
    expect,
  }) => {
    const subject = somebody();
    const browser = new Browser({ subject, roles: ['provider'], provider: 'Practice' });
    const text = await (await browser.post('/staff/cards', { label: '<b>Label', count: '20' })).text();
    expect(text.match(/class="card"/g)).toHaveLength(20);
    expect(text).toContain('Practice · &lt;b&gt;Label');
    for (const line of ['Example Health Authority', 'Scan with Example Warn App', '0800\u00a0555\u00a00100']) {
      expect(text.split(line)).toHaveLength(21);
    }
    for (const group of ['ABCDE-', 'FGHJK-', 'MNPQ2']) expect(text).toContain(group);
    expect(text.endsWith('</html>')).toBe(true);
    const batches = await (await browser.send('/staff/batches')).text();
    expect(batches).not.toContain('ABCDE');
    const log = JSON.stringify(await entriesOf(subject));
    expect(log).toMatch(/cards\.made","batch [0-9a-f-]{36} count 20/);
    expect(log).not.toMatch(/Label|ABCDE/);
    const limit = await (await browser.post('/staff/cards', { label: 'x', count: '31' })).text();
    expect(limit).toContain('as many cards as you may in a day');
  });

  it('flyers have a GUID each, of the form that apps take, in no log', async ({ expect }) => {
    const subject = somebody();
    const browser = new Browser({ subject, roles: ['provider'] });
    const text = await (await browser.post('/staff/flyers', { count: '60' })).text();
    const guids = text.match(/[0-9A-F]{6}-[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}/g) ?? [];
    expect([guids.length, new Set(guids).size]).toEqual([120, 60]);
    expect(text.split('Open Example Warn App')).toHaveLength(61);
    expect(text.split('Questions? Example Health Authority, 0800\u00a0555\u00a00100')).toHaveLength(61);
    expect(await entriesOf(subject)).toEqual([
      ['flyers.make', 'count 60'],
      ['session.begin', ''],
    ]);
  });
});

describe('batches', () => {
  it('are turned over by their links, in both directions, to the last one', async ({ expect }) => {
    const provider = new Browser({ subject: somebody(), roles: ['provider'], provider: somebody() });
    const labels = ['one', 'two', 'three', 'four', 'five'];
    for (const label of labels) await provider.post('/staff/cards', { label, count: '20' });
    // The neighbour's pages have two batches each.
    const visit = async (path: string) => {
      const page = await (await provider.send(path)).text();
      const link = (direction: string) =>
        new RegExp(`href="(/staff/batches\\?${direction}=[^"]+)"`).exec(page)?.[1] ?? null;
      return {
        seen: labels.filter((label) => page.includes(`>${label} `)),
        older: link('older'),
        newer: link('newer'),
      };
    };
    const first = await visit('/staff/batches');
    expect(first).toMatchObject({ seen: ['four', 'five'], newer: null });
    const second = await visit(first.older ?? '');
    expect(second.seen).toEqual(['two', 'three']);
    const third = await visit(second.older ?? '');
    expect(third).toMatchObject({ seen: ['one'], older: null });
    expect((await visit(third.newer ?? '')).seen).toEqual(['two', 'three']);
    for (const nonsense of ['older=x', 'older=1.', 'newer=9e9.a', 'older=1.<b>']) {
      expect((await visit(`/staff/batches?${nonsense}`)).seen).toEqual(['four', 'five']);
    }
  });
});

describe('withdrawal', () => {
  const start = async () => {
    const provider = new Browser({ subject: somebody(), roles: ['provider'], provider: somebody() });
    await provider.post('/staff/cards', { label: 'Batch', count: '20' });
    const page = await (await provider.send('/staff/batches')).text();
    return { provider, batch: /name="batch" value="([^"]+)"/.exec(page)?.[1] ?? '' };
  };
  const stateOf = async (batch: string): Promise<number | null | undefined> =>
    (await ENV.VERIFICATION.cardBatch(batch, null))?.withdrawnFrom;
  const today = new Date(NOW * 1000).toISOString().slice(0, 10);

  it('the preview changes nothing; the confirmation withdraws, from now on or back to a date', async ({ expect }) => {
    const { provider, batch } = await start();
    const preview = await provider.send(`/staff/batches/withdraw/preview?batch=${batch}&when=now`);
    expect(await preview.text()).toContain('The 20 cards of batch “Batch” that were not used stop working.');
    expect(await stateOf(batch)).toBeNull();
    await provider.post('/staff/batches/withdraw/confirm', { batch, when: 'now' });
    expect(await stateOf(batch)).toBe(NOW);
    const authority = browserOf('health-authority');
    await authority.post('/staff/batches/withdraw/confirm', { batch, when: 'back', date: today });
    // The day begins in Berlin (STAFF_TIME_ZONE), two hours before it does in UTC.
    expect(await stateOf(batch)).toBe(Date.parse(`${today}T00:00+02:00`) / 1000);
  });

  it('another provider neither sees nor withdraws it', async ({ expect }) => {
    const { batch } = await start();
    const other = new Browser({ subject: somebody(), roles: ['provider'], provider: somebody() });
    expect(await (await other.send('/staff/batches')).text()).not.toContain(batch);
    const missing = '/staff/batches?notice=withdrawMissing';
    for (const step of ['withdraw', 'withdraw/preview', 'withdrawn']) {
      const page = await other.send(`/staff/batches/${step}?batch=${batch}&when=now`);
      expect(page.headers.get('location')).toBe(missing);
    }
    const deed = await other.submit('/staff/batches/withdraw/confirm', { batch, when: 'now' });
    expect(deed.headers.get('location')).toBe(missing);
    expect(await stateOf(batch)).toBeNull();
  });

  it.for(['2026-02-30', '1999-01-01', '2099-01-01', 'yesterday', ''])('not back to %s', async (date, { expect }) => {
    const { provider, batch } = await start();
    const answer = await provider.post('/staff/batches/withdraw/confirm', { batch, when: 'back', date });
    expect(answer.status).toBe(400);
    expect(await stateOf(batch)).toBeNull();
  });
});

describe('oversight', () => {
  it('quotas are set, lists of laboratories taken or refused in the page’s language, without their number', async ({
    expect,
  }) => {
    const authority = browserOf('health-authority');
    expect(await (await authority.post('/staff/quotas', { issuer: 'berta', perHour: '5' })).text()).toContain('berta');
    const admin = browserOf('lab-admin');
    expect(await (await admin.post('/staff/laboratories', { document: 'signed' })).text()).toContain('in force.');
    await admin.post('/staff/language', { language: 'de' });
    const text = await (await admin.post('/staff/laboratories', { document: 'unsigned' })).text();
    expect(text).toContain('Die Liste wurde abgelehnt. Ihre Version ist nicht höher als die geltende.');
    expect(text).not.toMatch(/version 77|unsigned/);
  });

  it('guesses over budget raise an alarm, of teleTANs and of verification codes', async ({ expect }) => {
    const text = await (await browserOf('operator').send('/staff/guesses')).text();
    expect(text).toMatch(/class="notice screen bad" role="alert">Alarm: .*[\s\S]*1001/);
    expect(text).toMatch(/Verification codes<\/h2>.*Alarm: [\s\S]*2002/);
  });

  it('the audit log is searched by person, action and date', async ({ expect }) => {
    const subject = somebody();
    await new Browser({ subject, roles: ['hotline'] }).post('/staff/teletan', ASKED);
    const auditor = browserOf('auditor');
    const find = async (query: string): Promise<string> => (await auditor.send(`/staff/audit?${query}`)).text();
    const who = encodeURIComponent(subject.toUpperCase());
    expect(await find(`text=${who}`)).toMatch(/teletan\.issue/);
    expect(await find(`text=${who}&to=2020-01-01`)).toContain('No entry matches.');
    expect(await find(`text=${who}&from=2020-01-01`)).toMatch(/teletan\.issue/);
    expect(await find('text=%3Cscript%3E')).not.toContain('<script>');
    expect(await find('text=nobody-of-this-name')).toContain('No entry matches.');
  });

  it('operator commands that issue are in it, by name', async ({ expect }) => {
    const subject = somebody();
    const operator = new Browser({ subject, roles: ['operator'] });
    const headers = { 'content-type': 'application/json' };
    await operator.send('/operator/tans', { method: 'POST', headers, body: '{"count":1}' });
    await operator.send('/operator/advance', { method: 'POST', headers, body: '{}' });
    expect(await entriesOf(subject)).toEqual([['operator.tans', '']]);
  });
});
