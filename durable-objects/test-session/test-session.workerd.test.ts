import { env } from 'cloudflare:workers';
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { beforeEach, describe, it } from 'vitest';
import { MAX_BIRTH_DATE_GUESSES } from '../../domain/birth-date.ts';
import { issuedSession, laboratorySession, SESSION_LIFETIME_SECONDS } from '../../domain/session.ts';
import type { TestSession } from './test-session.ts';

const bindings = env as unknown as { readonly TEST_SESSION: DurableObjectNamespace<TestSession> };
const START = 1_790_000_000;
const hour = (at: number): number => at - (at % 3600);
const SEED = new Uint8Array(32).fill(7);
const GUID = 'ab'.repeat(32);
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

  rows(table: 'session' | 'claim' = 'session'): Promise<number> {
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
      await shard.stub.register('00', SEED, laboratorySession(GUID, null, START), null);
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
  await shard.stub.register('00', SEED, laboratorySession(GUID, null, START), null);
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
    expect(await stub.claim(ID, ANNA, UNTIL, null)).toEqual({ kind: 'new' });
    expect(await stub.claim(ID, ANNA, UNTIL + 5, null)).toEqual({ kind: 'held' });
    expect(await stub.claim(ID, BEN, UNTIL, null)).toEqual({ kind: 'taken', by: ANNA });
    await stub.unclaim(ID, BEN);
    expect(await stub.claim(ID, BEN, UNTIL, null)).toEqual({ kind: 'taken', by: ANNA });
    expect(await stub.claim(ID, BEN, UNTIL, ANNA)).toEqual({ kind: 'new' });
    await stub.unclaim(ID, BEN);
    expect(await stub.claim(ID, ANNA, UNTIL, null)).toEqual({ kind: 'new' });
  });

  it('a session without a date of birth holds its test, and is held off by one with', async ({ expect }) => {
    const { stub } = await started();
    const session = laboratorySession(GUID, null, START);
    expect(await stub.register('0d', SEED, session, null)).toEqual({ kind: 'granted' });
    expect(await stub.claim('0d', ANNA, UNTIL, null)).toEqual({ kind: 'taken', by: '0d' });
    await stub.claim(ID, ANNA, UNTIL, null);
    expect(await stub.register(ID, SEED, session, null)).toEqual({ kind: 'taken', by: ANNA });
    expect(await stub.register(ID, SEED, session, ANNA)).toEqual({ kind: 'granted' });
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
    expect(await stub.register(ANNA, SEED, session, null)).toEqual({ kind: 'refused' });
    await stub.register(BEN, SEED, session, null);
    await stub.takeTan(BEN, 0, 'gone', { lifetimeSeconds: 86_400, followUpDays: 0 });
    expect(await stub.makeVoid(BEN, UNTIL)).toBe(false);
    await stub.forget(BEN, 'deleted');
    expect(await stub.makeVoid(BEN, UNTIL)).toBe(false);
  });

  it('go when they expire', async ({ expect }) => {
    const shard = await started();
    await shard.stub.claim(ID, ANNA, START + 60, null);
    shard.now += 60;
    expect(await shard.stub.claim(ID, BEN, START + 120, null)).toEqual({ kind: 'new' });
    shard.now += 60;
    await runDurableObjectAlarm(shard.stub);
    expect(await shard.rows('claim')).toBe(0);
  });
});

describe('a TAN', () => {
  it('asked for by twenty at once has one number, before it is in the ledger and after', async ({ expect }) => {
    const { stub } = await started();
    const rules = { lifetimeSeconds: 86_400, followUpDays: 0 };
    await stub.register('00', SEED, laboratorySession(GUID, null, START), null);
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
  const old = {
    '01': kept,
    '02': { ...kept, firstTanAt: null },
    '03': { ...kept, hashedGuidWithBirthDate: 'cd'.repeat(32) },
    '04': { ...kept, hashedGuid: `x${'2'.repeat(63)}`, hashedGuidWithBirthDate: null },
  };
  await runInDurableObject(stub, (_object, { storage: { sql } }) => {
    sql.exec('DROP TABLE claim; UPDATE schema_version SET version = 1');
    for (const [hash, { tanExpiresAt: _, isForgetting: __, ...session }] of Object.entries(old)) {
      const document = JSON.stringify(session);
      sql.exec("INSERT INTO session VALUES (?, ?, 'registered', NULL, ?, ?)", hash, SEED, UNTIL_OLD, document);
    }
  });
  await evictDurableObject(stub);
  const shard = await started();
  const [first, second, third, fourth] = await Promise.all(Object.keys(old).map((hash) => shard.stub.peek(hash)));
  expect(first).toEqual({ ...kept, tanExpiresAt: 0, isForgetting: false });
  expect(second).toEqual({ ...kept, firstTanAt: null, tanExpiresAt: null, isForgetting: false });
  for (const over of [third, fourth]) expect(over).toMatchObject({ state: 'deleted', hashedGuid: null });
  expect(await shard.stub.read('03')).toBeNull();
});
