import {
  createScheduledController,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { issuedSession } from '../../domain/session.ts';
import { env } from 'cloudflare:workers';
import { beforeEach, it, vi } from 'vitest';
import type { VerificationEnv } from './bindings.ts';
import { verificationClocks } from './clocks.ts';
import worker from './main.ts';

const ENV = env as unknown as VerificationEnv;

beforeEach(() => reset());

it('the cron tells ledger, desk and all sixteen shards the time of its schedule, and logs those that don’t believe theirs', async ({
  expect,
}) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const now = Math.floor(Date.now() / 1000);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now * 1000) }), ENV);
  const clocks = await verificationClocks(ENV, null);
  expect(clocks.map(({ object }) => object)).toEqual([
    'ledger',
    'desk',
    'credentials',
    'codes',
    ...Array.from('0123456789abcdef', (digit) => `session-${digit}`),
  ]);
  for (const { confirmed, held } of clocks)
    expect([confirmed! <= now + 1 && confirmed! > now - 3601, held]).toEqual([true, false]);
  expect(warn).not.toHaveBeenCalled();
  // By a schedule of three hours ago the objects are ahead.
  await worker.scheduled(createScheduledController({ scheduledTime: new Date((now - 3 * 3600) * 1000) }), ENV);
  expect((await verificationClocks(ENV, null)).every(({ held }) => held)).toBe(true);
  expect(warn.mock.calls.length).toBe(1);
  expect(String(warn.mock.calls[0])).toMatch(/^alert_clock_held: ledger, desk, /);
  warn.mockRestore();
});

it('the cron brings back the clean-up of ledger, desk and sessions whose alarm was lost', async ({ expect }) => {
  const now = Math.floor(Date.now() / 1000);
  const [ledger, desk] = [ENV.TAN_LEDGER.getByName('ledger'), ENV.CODE_DESK.getByName('desk')];
  const [sessions, empty] = [ENV.TEST_SESSION.getByName('s0'), ENV.TEST_SESSION.getByName('s1')];
  await ledger.issue({ hashes: ['ab'.repeat(32)], issueId: null, lifetimeSeconds: 60 });
  await desk.countFailedGuesses(1);
  const codes = ENV.CODE_STORE.getByName('store');
  await codes.addApiKey('ab', 'device', 'app');
  const session = issuedSession('teletan', null, now - 60);
  await sessions.issue([{ tokenHash: '0c'.repeat(16), seed: new Uint8Array(32), session }]);
  // What no pass of a clean-up has taken: each is long over.
  const overdue = [
    [ledger, 'held_tan', 'UPDATE held_tan SET expires_at = 3600'],
    [desk, 'failed_guess', 'UPDATE failed_guess SET hour = 1'],
    [sessions, 'test_session', ''],
    [codes, 'api_key', 'UPDATE api_key SET revoked_at = 1'],
  ] as const;
  const rows = (object: (typeof overdue)[number][0], table: string): Promise<number> =>
    runInDurableObject<DurableObject, number>(
      object as unknown as DurableObjectStub,
      (_object, { storage: { sql } }) => sql.exec<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`).one().n,
    );
  for (const [object, table, makeOld] of overdue) {
    await runInDurableObject<DurableObject, void>(object as unknown as DurableObjectStub, async (_object, state) => {
      if (makeOld !== '') state.storage.sql.exec(makeOld);
      await state.storage.deleteAlarm();
    });
    await evictDurableObject(object);
    expect(await rows(object, table), table).toBe(1);
  }
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now * 1000) }), ENV);
  for (const [object, table] of overdue) {
    // The ledger's is due at once, and may have run by itself.
    if ((await rows(object, table)) > 0) expect(await runDurableObjectAlarm(object), table).toBe(true);
    expect(await rows(object, table), table).toBe(0);
  }
  expect(await runDurableObjectAlarm(empty)).toBe(false);
});
