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

it('the cron brings back the buffer’s alarm when it was lost', async ({ expect }) => {
  const buffer = ENV.SUBMISSION_BUFFER.getByName('buffer');
  await buffer.known([]);
  await runInDurableObject(buffer, (_buffer, { storage }) => storage.deleteAlarm());
  await evictDurableObject(buffer);
  await worker.scheduled(createScheduledController({ scheduledTime: new Date() }), ENV);
  expect(await runDurableObjectAlarm(buffer)).toBe(true);
});
