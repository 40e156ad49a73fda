import {
  createScheduledController,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, it, vi } from 'vitest';
import type { LaboratoryEnv } from './bindings.ts';
import { laboratoryClocks } from './clocks.ts';
import worker from './main.ts';

const ENV = env as unknown as LaboratoryEnv;

beforeEach(() => reset());

it('the cron tells all sixteen objects the time of its schedule, and logs those that don’t believe theirs', async ({
  expect,
}) => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const now = Math.floor(Date.now() / 1000);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now * 1000) }), ENV);
  const clocks = await laboratoryClocks(ENV, null);
  expect(clocks.map(({ object }) => object)).toEqual(Array.from('0123456789abcdef', (digit) => `results-r${digit}`));
  for (const { confirmed, held } of clocks)
    expect([confirmed! <= now + 1 && confirmed! > now - 3601, held]).toEqual([true, false]);
  expect(warn).not.toHaveBeenCalled();
  // By a schedule of three hours ago the objects are ahead.
  await worker.scheduled(createScheduledController({ scheduledTime: new Date((now - 3 * 3600) * 1000) }), ENV);
  expect((await laboratoryClocks(ENV, null)).every(({ held }) => held)).toBe(true);
  expect(warn.mock.calls.length).toBe(1);
  expect(String(warn.mock.calls[0])).toMatch(/^alert_clock_held: results-r0, results-r1, /);
  warn.mockRestore();
});

it('the cron brings back a clean-up whose alarm was lost, and asks for none where there is nothing', async ({
  expect,
}) => {
  const now = Math.floor(Date.now() / 1000);
  const [full, empty] = [ENV.RESULT_STORE.getByName('r0'), ENV.RESULT_STORE.getByName('r1')];
  const row = { id: '00'.repeat(32), result: 2, sampleCollected: null };
  await full.put({ labId: 'harbour', needsBirthDate: false }, [row]);
  await runInDurableObject(full, async (_object, { storage }) => {
    storage.sql.exec('UPDATE result SET posted_at = ?', now - 61 * 86_400);
    await storage.deleteAlarm();
  });
  await evictDurableObject(full);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now * 1000) }), ENV);
  expect(await runDurableObjectAlarm(full)).toBe(true);
  expect(await full.result(row.id)).toBeNull();
  expect(await runDurableObjectAlarm(empty)).toBe(false);
});
