import {
  createScheduledController,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, it } from 'vitest';
import type { PortalEnv } from './bindings.ts';
import worker from './main.ts';

const ENV = env as unknown as PortalEnv;

beforeEach(() => reset());

it('the cron tells the staff room the time, and brings back its clean-up when the alarm was lost', async ({
  expect,
}) => {
  const now = Math.floor(Date.now() / 1000);
  const room = ENV.STAFF_ROOM.getByName('room');
  await room.open({ idHash: null, subject: 'anna', authenticatedAt: now, newIdHash: '0a'.repeat(32) });
  await runInDurableObject(room, async (_room, { storage }) => {
    storage.sql.exec('UPDATE session SET begun_at = 1, last_seen = 1');
    await storage.deleteAlarm();
  });
  await evictDurableObject(room);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date(now * 1000) }), ENV);
  expect((await room.clockStatus('staff-room', null)).confirmed).toBeGreaterThan(now - 3_601);
  expect(await runDurableObjectAlarm(room)).toBe(true);
  const left = await runInDurableObject(room, (_room, { storage: { sql } }) =>
    sql.exec('SELECT * FROM session').toArray(),
  );
  expect(left).toEqual([]);
});
