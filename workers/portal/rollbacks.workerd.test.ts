/**
 * @module Rollbacks through the portal, in workerd with the real StaffRoom: one person asks by a command, another confirms within an hour, by page or command; each step is in the audit log; the undo key is
 * stored nowhere.
 */
import { createExecutionContext, runInDurableObject } from 'cloudflare:test';
import { describe, it } from 'vitest';
import { testKeyPem } from '../../test/support/secrets.ts';
import type { RollBackRequest } from '../../domain/rollback-rpc.ts';
import type { Rollback, RollbackOutcome, RollbackWait } from '../../domain/rollback.ts';
import { createApp } from './app.ts';
import type { PortalEnv } from './bindings.ts';
import type { Role } from './roles.ts';
import { Browser, ENV, identityOf, NOW } from './test-rig.ts';

const UNDO_KEY = testKeyPem('UNDO_PRIVATE_KEY');
const TODAY = Math.floor(NOW / 86_400);
const TARGET = { kind: 'laboratory', name: 'lab-1', fromDay: TODAY - 1, toDay: TODAY } as const;
let people = 0;
const somebody = (): string => `roller-${++people}@example.org`;

/** Somebody who gives commands. */
function operator(
  options: { roles?: readonly Role[]; subject?: string; now?: number; bindings?: Partial<PortalEnv> } = {},
) {
  const { roles = ['operator'], subject = somebody(), now = NOW, bindings = {} } = options;
  const app = createApp({ identify: identityOf({ subject, roles }), clock: () => now });
  const call = async (path: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
    const sent =
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const request = new Request(`https://portal.example/operator/rollback${path}`, sent);
    const response = await app.fetch(request, { ...ENV, ...bindings }, createExecutionContext());
    return { status: response.status, body: await response.json() };
  };
  return { subject, call };
}

const idOf = (answer: { body: unknown }): string => (answer.body as { id: string }).id;
const entriesOf = async (who: string) =>
  (await ENV.STAFF_ROOM.getByName('room').search({ text: who, from: null, to: null, before: null })).entries
    .map(({ what, detail }) => [what, detail] as const)
    .toReversed();
const roomClock = (at: number) =>
  runInDurableObject(ENV.STAFF_ROOM.getByName('room'), (room) => void Object.assign(room, { clock: () => at }));

describe('a rollback', () => {
  it('is asked for by one and confirmed by another, each step in the audit log, and the key in no store', async ({
    expect,
  }) => {
    await roomClock(NOW);
    const [asker, second] = [operator(), operator({ roles: ['health-authority'] })];
    const planned = await asker.call('/plan', { target: TARGET, undoKey: UNDO_KEY });
    expect([planned.status, planned.body]).toMatchObject([
      200,
      {
        days: [{ region: 'DE', unpublished: { fewerThan: 280 }, published: { fewerThan: 420 } }, { region: 'EUR' }],
        others: [{ source: 'lab-2' }],
      },
    ]);
    const asked = await asker.call('/ask', { target: TARGET, undoKey: UNDO_KEY });
    expect(asked.status).toBe(202);
    const command = { id: idOf(asked), undoKey: UNDO_KEY };
    expect((await asker.call('/confirm', command)).status).toBe(403);
    const done = await second.call('/confirm', command);
    expect([done.status, done.body]).toMatchObject([
      200,
      { confirmedBy: second.subject, outcome: { state: 'done', dropped: 5, taken: 42 } },
    ]);
    // Asked twice it is the same; what was taken stays said.
    expect((await asker.call('/confirm', command)).body).toEqual(done.body);
    const text = `laboratory lab-1 ${new Date((NOW - 86_400) * 1000).toISOString().slice(0, 10)}..${new Date(NOW * 1000).toISOString().slice(0, 10)}`;
    expect(await entriesOf(asker.subject)).toEqual([
      ['operator.rollback.plan', ''],
      ['rollback.ask', `${text} ${command.id}`],
      ['rollback.take-back', `${text} ${command.id}`],
    ]);
    expect(await entriesOf(second.subject)).toEqual([['rollback.take-back', `${text} ${command.id}`]]);
    const stored = await runInDurableObject(ENV.STAFF_ROOM.getByName('room'), (_room, { storage }) =>
      JSON.stringify(
        ['rollback', 'audit', 'form'].map((table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray()),
      ),
    );
    expect(stored).toContain(command.id);
    const secret = UNDO_KEY.split('\n')[1] ?? '';
    expect(stored).not.toContain(secret.slice(0, 24));
  });

  it('reaches as far back as a TAN of today may stand on', async ({ expect }) => {
    await roomClock(NOW);
    const target = { ...TARGET, fromDay: TODAY - 149 };
    expect((await operator().call('/plan', { target, undoKey: UNDO_KEY })).status).toBe(200);
  });

  it('is confirmed within the hour or not at all', async ({ expect }) => {
    await roomClock(NOW);
    const asked = await operator().call('/ask', { target: TARGET, undoKey: UNDO_KEY });
    const command = { id: idOf(asked), undoKey: UNDO_KEY };
    await roomClock(NOW + 3600);
    expect((await operator().call('/confirm', command)).status).toBe(404);
    await roomClock(NOW + 3599);
    expect((await operator().call('/confirm', command)).status).toBe(200);
    // What was confirmed may be gone on with for as long as its keys can be there.
    await roomClock(NOW + 31 * 86_400 - 1);
    expect((await operator().call('/confirm', command)).status).toBe(200);
    await roomClock(NOW + 31 * 86_400);
    expect((await operator().call('/confirm', command)).status).toBe(404);
    await roomClock(NOW);
  });

  it('that dies behind the confirmation has its second person in the audit log, and what was deleted stays said', async ({
    expect,
  }) => {
    await roomClock(NOW);
    const room = ENV.STAFF_ROOM.getByName('room');
    const [asker, second, other, id] = [somebody(), somebody(), somebody(), crypto.randomUUID()];
    await room.askForRollback({ id, target: TARGET, plan: { days: [], others: [] }, by: asker });
    const said = { who: second, what: 'rollback.confirm' };
    expect((await room.confirmRollback(id, asker, { ...said, who: asker })).kind).toBe('own');
    expect((await room.confirmRollback(id, second, said)).kind).toBe('confirmed');
    // Nothing more came of that call; somebody else goes on.
    expect((await room.confirmRollback(id, other, { ...said, who: other })).kind).toBe('confirmed');
    const text = expect.stringMatching(new RegExp(`^laboratory lab-1 .* ${id}$`)) as unknown;
    for (const who of [second, other]) expect(await entriesOf(who)).toEqual([['rollback.confirm', text]]);
    expect(await entriesOf(asker)).toEqual([]);
    // After a restore `origin` knows no more how many it had deleted.
    await room.noteRollback(id, { state: 'key', dropped: 5, taken: 0, waits: null });
    await room.noteRollback(id, { state: 'done', dropped: 0, taken: 42, waits: null });
    const noted = (await room.rollbacks()).find((one) => one.id === id);
    expect(noted).toMatchObject({ confirmedBy: second, outcome: { state: 'done', dropped: 5, taken: 42 } });
  });

  it('that was interrupted anywhere is gone on with by anybody who may ask', async ({ expect }) => {
    await roomClock(NOW);
    const fail = (): never => {
      throw new Error('out of reach');
    };
    const asked = await operator().call('/ask', { target: TARGET, undoKey: UNDO_KEY });
    const command = { id: idOf(asked), undoKey: UNDO_KEY };
    const VERIFICATION = { endIssues: fail } as unknown as PortalEnv['VERIFICATION'];
    const ORIGIN = { rollBack: fail } as unknown as PortalEnv['ORIGIN'];
    expect((await operator({ bindings: { VERIFICATION } }).call('/confirm', command)).status).toBe(500);
    expect((await operator({ bindings: { ORIGIN } }).call('/confirm', command)).status).toBe(500);
    const browser = new Browser({ subject: somebody(), roles: ['health-authority'] });
    expect(await (await browser.send('/staff/rollbacks')).text()).toContain('confirmed and then interrupted');
    expect(await (await operator().call('/confirm', command)).body).toMatchObject({ outcome: { state: 'done' } });
  });

  it.for<[what: string, path: string, body: unknown, status: number, detail: RegExp]>([
    [
      'a key of another deployment',
      '/plan',
      { target: TARGET, undoKey: UNDO_KEY.replace(/[A-Za-z0-9+/]{6}\n/, 'BADKEY\n') },
      422,
      /another key/,
    ],
    [
      'a source without any authorisation',
      '/ask',
      { target: { ...TARGET, name: 'nobody' }, undoKey: UNDO_KEY },
      404,
      /no authorisation/,
    ],
    ['a kind that is none', '/plan', { target: { ...TARGET, kind: 'phone' }, undoKey: UNDO_KEY }, 400, /kind/],
    [
      'a period that ends tomorrow',
      '/plan',
      { target: { ...TARGET, toDay: TODAY + 1 }, undoKey: UNDO_KEY },
      400,
      /toDay/,
    ],
    [
      'a period that is too long ago',
      '/plan',
      { target: { ...TARGET, fromDay: TODAY - 150 }, undoKey: UNDO_KEY },
      400,
      /last 150 days/,
    ],
    ['no key', '/ask', { target: TARGET }, 400, /undoKey/],
    ['an id that is none', '/confirm', { id: 'x', undoKey: UNDO_KEY }, 400, /UUID/],
    [
      'an id that nobody asked for',
      '/confirm',
      { id: crypto.randomUUID(), undoKey: UNDO_KEY },
      404,
      /no such rollback/,
    ],
    ['a field too many', '/confirm', { id: crypto.randomUUID(), undoKey: UNDO_KEY, now: true }, 400, /object/],
  ])('is refused: %s', async ([, path, body, status, detail], { expect }) => {
    const answer = await operator().call(path, body);
    expect([answer.status, (answer.body as { detail: string }).detail]).toEqual([
      status,
      expect.stringMatching(detail),
    ]);
  });

  it('is for operators and health authorities', async ({ expect }) => {
    expect((await operator({ roles: ['provider', 'hotline', 'lab-admin', 'auditor'] }).call('')).status).toBe(403);
    expect((await operator({ roles: ['health-authority'] }).call('')).status).toBe(200);
    const provider = new Browser({ subject: somebody(), roles: ['provider'] });
    expect((await provider.send('/staff/rollbacks')).status).toBe(403);
  });
});

describe('the page', () => {
  it('shows the dry run, lets the second person confirm without the key, and says what waits for it', async ({
    expect,
  }) => {
    await roomClock(NOW);
    const asker = operator({ roles: ['health-authority'] });
    const id = idOf(await asker.call('/ask', { target: TARGET, undoKey: UNDO_KEY }));
    const own = new Browser({ subject: asker.subject, roles: ['health-authority'] });
    const ownPage = await (await own.send('/staff/rollbacks')).text();
    expect(ownPage).toContain('somebody else must confirm');
    expect(await (await own.post('/staff/rollbacks/confirm', { rollback: id })).text()).toContain(
      'You asked for it yourself',
    );
    const second = new Browser({ subject: somebody(), roles: ['operator'] });
    const page = await (await second.send('/staff/rollbacks')).text();
    for (const text of ['lab-1', '>&lt; 420<', '>&lt; 280<', '>&lt; 9 %<', 'lab-2', 'keeps that warning'])
      expect(page).toContain(text);
    expect(await (await second.post('/staff/rollbacks/confirm', { rollback: id })).text()).toContain(
      'The rollback is confirmed.',
    );
    expect(await (await second.send('/staff/rollbacks')).text()).toContain(`npm run rollback -- confirm --id ${id}`);
    expect((await operator().call('/confirm', { id, undoKey: UNDO_KEY })).body).toMatchObject({
      outcome: { state: 'done', taken: 42 },
    });
    expect(await (await second.send('/staff/rollbacks')).text()).toContain('42 published keys are taken back');
  });

  it('says what published keys wait for and until when, as `origin` says it each time, and only then that it is done', async ({
    expect,
  }) => {
    await roomClock(NOW);
    let wait: RollbackWait | null = { for: 'hour', until: NOW + 90_000 - (NOW % 3600), regions: [] };
    const ORIGIN = {
      ...ENV.ORIGIN,
      planRollback: (ids: readonly string[], key: string) => ENV.ORIGIN.planRollback(ids, key),
      rollBack: async ({ undoKey }: RollBackRequest) => ({
        kind: 'rolled-back',
        state: undoKey === null ? 'key' : 'waiting',
        dropped: 5,
        taken: undoKey === null ? 0 : 42,
        waits: undoKey === null ? null : wait,
      }),
      rollbackWaits: async (ids: readonly string[]) => ids.map(() => wait),
    } as unknown as PortalEnv['ORIGIN'];
    const bindings = { ORIGIN };
    const id = idOf(await operator({ bindings }).call('/ask', { target: TARGET, undoKey: UNDO_KEY }));
    const confirmed = await operator({ bindings }).call('/confirm', { id, undoKey: UNDO_KEY });
    expect(confirmed.body).toMatchObject({ outcome: { state: 'waiting', dropped: 5, taken: 42, waits: wait } });
    const second = new Browser({ subject: somebody(), roles: ['operator'] }, { bindings });
    const status = async (): Promise<RollbackOutcome | null | undefined> => {
      const { rollbacks } = (await operator({ bindings }).call('')).body as { rollbacks: readonly Rollback[] };
      return rollbacks.find((one) => one.id === id)?.outcome;
    };
    const page = async (): Promise<string> => {
      const all = (await (await second.send('/staff/rollbacks')).text()).split('<section');
      return all.find((section) => section.includes('can still be read') || section.includes('Waiting for a')) ?? '';
    };
    expect(await page()).toContain('42 published keys can still be read');
    expect(await page()).toMatch(
      /taken back with the next hour if enough others go with them, by 2026-\d\d-\d\d \d\d:00 CES?T/,
    );
    expect(await page()).not.toContain('mended');
    wait = { for: 'company', until: NOW + 86_400, regions: ['FR', 'LU'] };
    expect(await page()).toContain('Waiting for company');
    expect(await page()).toContain('when they are mended (System status), follow: FR, LU.');
    expect(await status()).toMatchObject({ state: 'waiting', waits: wait });
    wait = { for: 'region', regions: ['FR'] };
    expect(await page()).toMatch(/not every region has published it\..* follow: FR\./);
    // Who confirms once more without the key doesn't set it back.
    await second.post('/staff/rollbacks/confirm', { rollback: id });
    expect(await status()).toEqual({ state: 'waiting', dropped: 5, taken: 42, waits: wait });
    wait = null;
    expect(await status()).toEqual({ state: 'done', dropped: 5, taken: 42, waits: null });
    expect(await page()).toBe('');
  });

  it('lets a request be declined or taken back, and nothing that was confirmed', async ({ expect }) => {
    await roomClock(NOW);
    const second = new Browser({ subject: somebody(), roles: ['operator'] });
    const ask = async () => idOf(await operator().call('/ask', { target: TARGET, undoKey: UNDO_KEY }));
    const id = await ask();
    expect(await (await second.post('/staff/rollbacks/decline', { rollback: id })).text()).toContain(
      'Nothing was taken back.',
    );
    expect(await (await second.post('/staff/rollbacks/confirm', { rollback: id })).text()).toContain(
      'There is no such rollback',
    );
    const other = await ask();
    await second.post('/staff/rollbacks/confirm', { rollback: other });
    expect(await (await second.post('/staff/rollbacks/decline', { rollback: other })).text()).toContain(
      'There is no such rollback',
    );
    expect((await second.post('/staff/rollbacks/confirm', { rollback: 'x' })).status).toBe(400);
  });

  it.for([
    ['de', 'Was sie täte'],
    ['nl', 'Wat het zou doen'],
  ] as const)('speaks %s', async ([language, text], { expect }) => {
    await roomClock(NOW);
    await operator().call('/ask', { target: TARGET, undoKey: UNDO_KEY });
    const browser = new Browser({ subject: somebody(), roles: ['operator'] });
    await browser.post('/staff/language', { language });
    expect(await (await browser.send('/staff/rollbacks')).text()).toContain(text);
  });
});
