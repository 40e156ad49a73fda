/**
 * @module Set-up file of the Workers' own tests: each file begins with empty objects and buckets. Files of a project share one workerd
 * (vitest.config.ts, `isolate: false`), since to start one for each took a fifth of `npm test`; what a module remembers outlives a file, storage doesn't.
 */
import { reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, beforeAll } from 'vitest';

/** After a story of a thousand objects and more, `reset` leaves a bucket as it is. */
async function empty(): Promise<void> {
  await reset();
  for (const binding of Object.values(env)) if (isBucket(binding)) await emptyBucket(binding);
}

/** By its class: to ask a service binding for a property is a call of it. */
function isBucket(binding: unknown): binding is R2Bucket {
  return Object.getPrototypeOf(Object(binding)).constructor.name === 'R2Bucket';
}

async function emptyBucket(bucket: R2Bucket): Promise<void> {
  for (let left = true; left;) {
    const found = await bucket.list();
    await bucket.delete(found.objects.map(({ key }) => key));
    left = found.truncated;
  }
}

beforeAll(empty);
afterAll(empty);
