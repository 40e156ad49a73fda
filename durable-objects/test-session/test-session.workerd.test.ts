import { env } from 'cloudflare:workers';
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { beforeEach, describe, it } from 'vitest';
import { MAX_BIRTH_DATE_GUESSES } from '../../domain/birth-date.ts';
import {
  ended,
  issuedSession,
  laboratorySession,
  type Session,
  SESSION_LIFETIME_SECONDS,
} from '../../domain/session.ts';
import { birthDateName } from '../../domain/test-result.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import { UNPOSTED_ROWS_PER_HOUR } from './registration-pace.ts';
import { SCHEMA } from './schema.ts';
import type { TestSession } from './test-session.ts';

const bindings = env as unknown as { readonly TEST_SESSION: DurableObjectNamespace<TestSession> };
const START = 1_790_000_000;
const hour = (at: number): number => at - (at % 3600);
const SEED = new Uint8Array(32).fill(7);
const GUID = 'ab'.repeat(32);
/** Its laboratory has posted nothing yet. */
const UNPOSTED = { replaces: null, isPosted: false };
const UNTIL_OLD = START + SESSION_LIFETIME_SECONDS;

/** The object with a clock that the test moves. */
class Shard {
  now = START;
  /** What the second source of time says; null: the same. */
  second: number | null = null;
  readonly stub = bindings.TEST_SESSION.getByName('s0');

  async useClock(): Promise<void> {
    await runInDurableObject(this.stub, (object) => {
      Object.assign(object, { clock: () => this.now, secondClock: async () => this.second ?? this.now });
    });
  }

  rows(table: 'test_session' | 'test_claim' = 'test_session'): Promise<number> {
    return runInDurableObject(
      this.stub,
      (_object, state) => state.storage.sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    );
  }
}

async function started(): Promise<Shard> {
  const shard = new Shard();
  await shard.useClock();
  return shard;
}

beforeEach(() => reset());

it('a session lives as long as its result, however often the cleanup alarm races with polls', async ({ expect }) => {
  const step = fc.record({
    wait: fc.integer({ min: 1, max: 20 * 86_400 }),
    keptFor: fc.integer({ min: 0, max: 60 * 86_400 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      await reset();
      const shard = new Shard();
      await shard.useClock();
      await shard.stub.register('00', laboratorySession(GUID, null, START), UNPOSTED);
      let livesUntil = START + SESSION_LIFETIME_SECONDS;
      for (const { wait, keptFor } of steps) {
        shard.now += wait;
        const wasLive = shard.now < livesUntil;
        const keptUntil = shard.now + keptFor;
        // Both at once, in either order: the alarm must take nothing that the poll has just prolonged.
        await Promise.all([
          shard.stub.keep('00', keptUntil),
          runDurableObjectAlarm(shard.stub),
          shard.stub.keep('00', keptUntil),
          runDurableObjectAlarm(shard.stub),
        ]);
        if (wasLive) livesUntil = Math.max(livesUntil, keptUntil);
        const stored = await shard.stub.read('00');
        expect(stored !== null, `at ${shard.now}, lives until ${livesUntil}`).toBe(shard.now < livesUntil);
      }
    }),
    { seed: 1, numRuns: 25 },
  );
});

it('the alarm forgets what has expired and nothing else, and comes back while rows are left', async ({ expect }) => {
  const shard = new Shard();
  await shard.useClock();
  await shard.stub.issue([
    { tokenHash: '01', seed: SEED, session: issuedSession('teletan', null, START + 3600) },
    { tokenHash: '02', seed: SEED, session: issuedSession('card', 'batch', START + 90 * 86_400) },
  ]);
  shard.now += 3601;
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  expect(await shard.rows()).toBe(1);
  shard.now += 90 * 86_400;
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  expect(await shard.rows()).toBe(0);
  expect(await runDurableObjectAlarm(shard.stub)).toBe(false);
});

it('a clock that jumps ahead forgets nothing until another clock confirms it, and the alarm doesn’t loop', async ({
  expect,
}) => {
  const shard = new Shard();
  await shard.useClock();
  await shard.stub.register('00', laboratorySession(GUID, null, START), UNPOSTED);
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  shard.second = START;
  shard.now += 2 * SESSION_LIFETIME_SECONDS;
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  expect(await shard.rows()).toBe(1);
  const wait = await runInDurableObject(
    shard.stub,
    async (_object, { storage }) => (await storage.getAlarm())! - Date.now(),
  );
  expect(wait).toBeGreaterThan(1_000_000);
  expect(await shard.stub.clockStatus('session-0', null)).toMatchObject({ confirmed: hour(START), held: true });
  expect(await shard.stub.clockStatus('session-0', shard.now)).toMatchObject({
    confirmed: hour(shard.now),
    held: false,
  });
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  expect(await shard.rows()).toBe(0);
});

describe('claims', () => {
  const ID = '0a'.repeat(32);
  const ANNA = '1b'.repeat(32);
  const BEN = '2c'.repeat(32);
  const UNTIL = START + SESSION_LIFETIME_SECONDS;

  it("one owner, who may ask again and prolongs; somebody else's neither takes nor gives up", async ({ expect }) => {
    const { stub } = await started();
    expect(await stub.claim(ID, ANNA, UNTIL, UNPOSTED)).toEqual({ kind: 'new' });
    expect(await stub.claim(ID, ANNA, UNTIL + 5, UNPOSTED)).toEqual({ kind: 'held' });
    expect(await stub.claim(ID, BEN, UNTIL, UNPOSTED)).toEqual({ kind: 'taken', by: ANNA });
    await stub.unclaim(ID, BEN);
    expect(await stub.claim(ID, BEN, UNTIL, UNPOSTED)).toEqual({ kind: 'taken', by: ANNA });
    expect(await stub.claim(ID, BEN, UNTIL, { ...UNPOSTED, replaces: ANNA })).toEqual({ kind: 'new' });
    await stub.unclaim(ID, BEN);
    expect(await stub.claim(ID, ANNA, UNTIL, UNPOSTED)).toEqual({ kind: 'new' });
  });

  it('a session without a date of birth holds its test, and is held off by one with', async ({ expect }) => {
    const { stub } = await started();
    const session = laboratorySession(GUID, null, START);
    expect(await stub.register('0d', session, UNPOSTED)).toEqual({ kind: 'granted' });
    expect(await stub.claim('0d', ANNA, UNTIL, UNPOSTED)).toEqual({ kind: 'taken', by: '0d' });
    await stub.claim(ID, ANNA, UNTIL, UNPOSTED);
    expect(await stub.register(ID, session, UNPOSTED)).toEqual({ kind: 'taken', by: ANNA });
    expect(await stub.register(ID, session, { ...UNPOSTED, replaces: ANNA })).toEqual({ kind: 'granted' });
  });

  it('five dates of birth are compared, however many are tried at once, and never one more', async ({ expect }) => {
    const { stub } = await started();
    const asked = await Promise.all(
      Array.from({ length: 40 }, (_, i) => stub.guessBirthDate(ID, String(i).padEnd(64, 'f'))),
    );
    expect(asked.filter(Boolean)).toHaveLength(MAX_BIRTH_DATE_GUESSES);
    await stub.unclaim(ID, ANNA);
    expect(await stub.guessBirthDate(ID, ANNA)).toBe(false);
  });

  it('what never was right becomes void; what had a TAN, or was deleted, does not', async ({ expect }) => {
    const { stub } = await started();
    const session = laboratorySession(GUID, `x${'1'.repeat(63)}`, START);
    expect(await stub.makeVoid(ANNA, UNTIL)).toBe(true);
    expect(await stub.register(ANNA, session, UNPOSTED)).toEqual({ kind: 'refused' });
    await stub.register(BEN, session, UNPOSTED);
    await stub.takeTan(BEN, 0, 'gone', { lifetimeSeconds: 86_400, followUpDays: 0 });
    expect(await stub.makeVoid(BEN, UNTIL)).toBe(false);
    await stub.forget(BEN, 'deleted');
    expect(await stub.makeVoid(BEN, UNTIL)).toBe(false);
  });

  it('go when they expire', async ({ expect }) => {
    const shard = await started();
    await shard.stub.claim(ID, ANNA, START + 60, UNPOSTED);
    shard.now += 60;
    expect(await shard.stub.claim(ID, BEN, START + 120, UNPOSTED)).toEqual({ kind: 'new' });
    shard.now += 60;
    await runDurableObjectAlarm(shard.stub);
    expect(await shard.rows('test_claim')).toBe(0);
  });
});

describe('a TAN', () => {
  it('asked for by twenty at once has one number, before it is in the ledger and after', async ({ expect }) => {
    const { stub } = await started();
    const rules = { lifetimeSeconds: 86_400, followUpDays: 0 };
    await stub.register('00', laboratorySession(GUID, null, START), UNPOSTED);
    const ask = (status: 'gone' | 'live') => stub.takeTan('00', 0, status, rules);
    const taken = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => ({ ...((await ask(i % 3 === 2 ? 'live' : 'gone')) as object) })),
    );
    expect(new Set(taken.map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify({ n: 0, expiresAt: START + rules.lifetimeSeconds })]),
    );
  });
});

it('sessions of the first version go on; those that abused a date of birth end', async ({ expect }) => {
  const { stub } = await started();
  const kept = { ...laboratorySession(GUID, `x${'1'.repeat(63)}`, START), firstTanAt: START };
  const hashed = (digits: string): string => digits.repeat(32);
  const old = {
    [hashed('01')]: kept,
    [hashed('02')]: { ...kept, firstTanAt: null },
    [hashed('03')]: { ...kept, hashedGuidWithBirthDate: 'cd'.repeat(32) },
    [hashed('04')]: { ...kept, hashedGuid: `x${'2'.repeat(63)}`, hashedGuidWithBirthDate: null },
  };
  await runInDurableObject(stub, (_object, { storage: { sql } }) => {
    sql.exec(
      'DROP TABLE test_session; DROP TABLE test_claim; DROP TABLE test_credential; DROP TABLE registration_pace',
    );
    sql.exec(`${SCHEMA[0]}; UPDATE schema_version SET version = 1`);
    for (const [hash, { tanExpiresAt: _, isForgetting: __, ...session }] of Object.entries(old)) {
      const document = JSON.stringify(session);
      sql.exec("INSERT INTO session VALUES (?, ?, 'registered', NULL, ?, ?)", hash, SEED, UNTIL_OLD, document);
    }
  });
  await evictDurableObject(stub);
  const shard = await started();
  const named = Object.keys(old).map((hash) => hash.slice(0, 32));
  const [first, second, third, fourth] = await Promise.all(named.map((id) => shard.stub.peek(id)));
  expect(first).toEqual({ ...kept, tanExpiresAt: 0, isForgetting: false });
  expect(second).toEqual({ ...kept, firstTanAt: null, tanExpiresAt: null, isForgetting: false });
  for (const over of [third, fourth]) expect(over).toMatchObject({ state: 'deleted', hashedGuid: null });
  expect(await shard.stub.read(named[2] ?? '')).toBeNull();
  // Its TANs are derived from the seed that it had, whatever a new session's would be.
  expect((await shard.stub.read(named[0] ?? ''))?.seed).toEqual(SEED);
});

it('every kind of session and claim of the second version goes on in bytes, under half the hash', async ({
  expect,
}) => {
  const { stub } = await started();
  const id = (digit: string): string => `0${digit}`.repeat(32);
  const card = issuedSession('card', 'batch', UNTIL_OLD);
  const sessions: [string, Session][] = [
    [
      id('1'),
      { ...laboratorySession(GUID, `x${'1'.repeat(63)}`, START), polled: true, tanNumber: 3, tansCommitted: 1 },
    ],
    [
      id('2'),
      { ...laboratorySession(GUID, null, START), firstTanAt: START, tanExpiresAt: START + 9, isForgetting: true },
    ],
    [id('3'), card],
    [id('4'), { ...card, state: 'registered', registeredAt: START }],
    [id('5'), ended({ ...card, registeredAt: START }, 'deleted')],
    [id('6'), ended(card, 'deleted')],
    [id('7'), ended(laboratorySession(GUID, null, START), 'void')],
    [id('8'), issuedSession('teletan', null, UNTIL_OLD)],
  ];
  await runInDurableObject(stub, (_object, { storage: { sql } }) => {
    sql.exec(
      'DROP TABLE test_session; DROP TABLE test_claim; DROP TABLE test_credential; DROP TABLE registration_pace',
    );
    sql.exec(`${SCHEMA[0]}; ${SCHEMA[1]}; UPDATE schema_version SET version = 2`);
    for (const [hash, session] of sessions) {
      const { state, codeBatchId, expiresAt } = session;
      const document = JSON.stringify(session);
      sql.exec('INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)', hash, SEED, state, codeBatchId, expiresAt, document);
    }
    const [test, owner] = [fromHex(id('a')), fromHex(id('b'))];
    sql.exec("INSERT INTO claim VALUES (?, ?, x'', ?)", test, owner, UNTIL_OLD);
  });
  await evictDurableObject(stub);
  const shard = await started();
  for (const [hash, session] of sessions) {
    expect(await shard.stub.peek(hash.slice(0, 32)), hash).toEqual(session);
    expect((await shard.stub.read(hash.slice(0, 32)))?.seed ?? null).toEqual(
      session.state === 'registered' ? SEED : null,
    );
  }
  expect(await shard.stub.claim(id('a').slice(0, 32), '99', UNTIL_OLD, UNPOSTED)).toEqual({
    kind: 'taken',
    by: id('b').slice(0, 32),
  });
  expect(await shard.stub.batchUses(['batch'])).toEqual([2]);
});

describe('a test that nobody posted', () => {
  const HOUR = Math.floor(START / 3600);
  const random = (bytes: number): string => toHex(crypto.getRandomValues(new Uint8Array(bytes)));

  /** Bytes of the object's store that 10,000 rows take each: pages, indexes, everything. */
  async function bytesARow(withBirthDate: boolean): Promise<{ session: number; claim: number }> {
    await reset();
    const shard = await started();
    return runInDurableObject(shard.stub, async (object, { storage: { sql } }) => {
      const before = sql.databaseSize;
      for (let i = 0; i < 10_000; i++) {
        const birthDate = withBirthDate ? birthDateName(`x${random(32).slice(1)}`) : null;
        await object.register(random(16), laboratorySession(random(32), birthDate, START + i), UNPOSTED);
      }
      const after = sql.databaseSize;
      for (let i = 0; i < 10_000; i++) await object.claim(random(16), random(16), START + i, UNPOSTED);
      return { session: (after - before) / 10_000, claim: (sql.databaseSize - after) / 10_000 };
    });
  }

  it('leaves at most 85 bytes; one with a date of birth 100, and two claims of 55', async ({ expect }) => {
    const { session, claim } = await bytesARow(false);
    expect(session).toBeGreaterThan(60);
    expect(session).toBeLessThanOrEqual(85);
    expect(claim).toBeLessThanOrEqual(55);
    const withBirthDate = (await bytesARow(true)).session;
    expect(withBirthDate).toBeGreaterThan(session + 10);
    expect(withBirthDate).toBeLessThanOrEqual(100);
  });

  it('doesn’t store when it was registered, until its end is another; what is read is the same', async ({ expect }) => {
    const shard = await started();
    const fresh = laboratorySession(GUID, birthDateName(`x${'1'.repeat(63)}`), START);
    const stored = () =>
      runInDurableObject(
        shard.stub,
        (_object, { storage: { sql } }) =>
          sql.exec<{ at: number | null }>('SELECT registered_at AS at FROM test_session').one().at,
      );
    await shard.stub.register('01', fresh, UNPOSTED);
    expect([await stored(), await shard.stub.peek('01')]).toEqual([null, fresh]);
    await shard.stub.keep('01', UNTIL_OLD + 1);
    expect([await stored(), await shard.stub.peek('01')]).toEqual([START, { ...fresh, expiresAt: UNTIL_OLD + 1 }]);
    await shard.stub.forget('01', 'deleted');
    expect(await stored()).toBe(START);
  });

  it('deleted at once leaves at most 65 bytes, for twice as long', async ({ expect }) => {
    const { stub } = await started();
    const bytes = await runInDurableObject(stub, async (object, { storage: { sql } }) => {
      const before = sql.databaseSize;
      for (let i = 0; i < 10_000; i++) {
        const hash = random(16);
        await object.register(hash, laboratorySession(random(32), null, START), UNPOSTED);
        await object.forget(hash, 'void');
      }
      expect(sql.exec<{ t: number }>('SELECT MIN(expires_at) AS t FROM test_session').one().t).toBe(
        START + 2 * SESSION_LIFETIME_SECONDS,
      );
      return (sql.databaseSize - before) / 10_000;
    });
    expect(bytes).toBeGreaterThan(30);
    expect(bytes).toBeLessThanOrEqual(65);
  });

  /** As if so many had been made in the running hour. */
  async function paced(made: number): Promise<Shard> {
    const shard = await started();
    await runInDurableObject(shard.stub, (_object, { storage: { sql } }) => {
      sql.exec('INSERT INTO registration_pace VALUES (?, ?, 0)', HOUR, made);
    });
    await evictDurableObject(shard.stub);
    await shard.useClock();
    return shard;
  }
  const later = (isFirst: boolean) => ({ kind: 'later', isFirst });

  it('waits beyond the pace of an hour, said once; a posted one, a code and who is registered never do', async ({
    expect,
  }) => {
    const shard = await paced(UNPOSTED_ROWS_PER_HOUR - 2);
    const { stub } = shard;
    const session = laboratorySession(GUID, null, START);
    await stub.issue([{ tokenHash: '0c', seed: SEED, session: issuedSession('teletan', null, START + 3600) }]);
    expect(await stub.register('01', session, UNPOSTED)).toEqual({ kind: 'granted' });
    expect(await stub.claim('0a', '0b', UNTIL_OLD, UNPOSTED)).toEqual({ kind: 'new' });
    expect(await stub.register('02', session, UNPOSTED)).toEqual(later(true));
    expect(await stub.register('03', session, UNPOSTED)).toEqual(later(false));
    expect(await stub.claim('0d', '0b', UNTIL_OLD, UNPOSTED)).toEqual(later(false));
    expect(await stub.register('01', session, UNPOSTED)).toEqual({ kind: 'granted' });
    expect(await stub.claim('0a', '0b', UNTIL_OLD, UNPOSTED)).toEqual({ kind: 'held' });
    expect(await stub.register('0c', null, UNPOSTED)).toEqual({ kind: 'granted' });
    expect(await stub.register('02', session, { replaces: null, isPosted: true })).toEqual({ kind: 'granted' });
    expect(await shard.rows()).toBe(3);
    shard.now += 3600;
    expect(await stub.register('03', session, UNPOSTED)).toEqual({ kind: 'granted' });
  });

  it('is counted across a crash, less what came since the last sample', async ({ expect }) => {
    const { stub } = await paced(UNPOSTED_ROWS_PER_HOUR - 500);
    const session = laboratorySession(GUID, null, START);
    for (let i = 0; i < 500; i++) await stub.register(random(16), session, UNPOSTED);
    await evictDurableObject(stub);
    const shard = await started();
    expect(await shard.stub.register('01', session, UNPOSTED)).toEqual(later(true));
    await evictDurableObject(stub);
    await shard.useClock();
    expect(await shard.stub.register('01', session, UNPOSTED), 'logged once').toEqual(later(false));
  });
});

it('a pass of the clean-up goes over as many rows as there are, and others get in between', async ({ expect }) => {
  const shard = await started();
  const id = (i: number): string => i.toString(16).padStart(32, '0');
  await runInDurableObject(shard.stub, async (object) => {
    for (let i = 0; i < 5_001; i++) {
      await object.register(id(i), laboratorySession(GUID, null, i % 3 === 0 ? START : START + 60), UNPOSTED);
    }
  });
  shard.now = UNTIL_OLD;
  await runDurableObjectAlarm(shard.stub);
  expect(await shard.rows()).toBe(5_001 - 1_667);
  shard.now += 60;
  await runDurableObjectAlarm(shard.stub);
  expect(await shard.rows()).toBe(0);
});
