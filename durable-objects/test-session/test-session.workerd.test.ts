import { env } from 'cloudflare:workers';
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { beforeEach, it } from 'vitest';
import { issuedSession, laboratorySession, SESSION_LIFETIME_SECONDS } from '../../domain/session.ts';
import type { TestSession } from './test-session.ts';

const bindings = env as unknown as { readonly TEST_SESSION: DurableObjectNamespace<TestSession> };
const START = 1_790_000_000;
const SEED = new Uint8Array(32).fill(7);
const GUID = 'ab'.repeat(32);

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

  rows(): Promise<number> {
    return runInDurableObject(
      this.stub,
      (_object, state) => state.storage.sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM session').one().n,
    );
  }
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
      await shard.stub.register('00', SEED, laboratorySession(GUID, null, START));
      let livesUntil = START + SESSION_LIFETIME_SECONDS;
      for (const { wait, keptFor } of steps) {
        shard.now += wait;
        const wasLive = shard.now < livesUntil;
        const keptUntil = shard.now + keptFor;
        // Both at once, in either order: the alarm must take nothing that the poll has just prolonged.
        await Promise.all([
          shard.stub.polled('00', keptUntil),
          runDurableObjectAlarm(shard.stub),
          shard.stub.polled('00', keptUntil),
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
  await shard.stub.register('00', SEED, laboratorySession(GUID, null, START));
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
  expect(await shard.stub.clockStatus('session-0', null)).toMatchObject({ confirmed: START, held: true });
  expect(await shard.stub.clockStatus('session-0', shard.now)).toMatchObject({ confirmed: shard.now, held: false });
  expect(await runDurableObjectAlarm(shard.stub)).toBe(true);
  expect(await shard.rows()).toBe(0);
});
