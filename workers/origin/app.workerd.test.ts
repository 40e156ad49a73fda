import {
  createScheduledController,
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, it } from 'vitest';
import type { OriginEnv } from './bindings.ts';
import worker from './main.ts';

const ENV = env as unknown as OriginEnv;

beforeEach(() => reset());

/** Lets the buffer's alarm be lost, and runs the cron with these bindings. */
async function cronAfterLoss(bindings: OriginEnv): Promise<DurableObjectStub> {
  const buffer = ENV.SUBMISSION_BUFFER.getByName('buffer');
  await buffer.known([]);
  await runInDurableObject(buffer, (_buffer, { storage }) => storage.deleteAlarm());
  await evictDurableObject(buffer);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), bindings);
  return buffer;
}

it('the cron brings back the buffer’s alarm when it was lost', async ({ expect }) => {
  expect(await runDurableObjectAlarm(await cronAfterLoss(ENV))).toBe(true);
});

// Publisher asks the buffer for what waits at each wake, which arms it too: here nobody but the cron reaches it.
it('the cron brings the buffer’s alarm back itself, while Publisher is out of reach', async ({ expect }) => {
  const lost = () => Promise.reject(new Error('out of reach'));
  const unreachable = new Proxy({}, { get: () => lost }) as DurableObjectStub;
  const PUBLISHER = { getByName: () => unreachable } as unknown as OriginEnv['PUBLISHER'];
  expect(await runDurableObjectAlarm(await cronAfterLoss({ ...ENV, PUBLISHER }))).toBe(true);
});
