/** @module A bucket that goes: first what is in it, for R2 deletes none that isn't empty. */
import { inParallel } from '../../support/in-parallel.ts';
import { gone } from './calls.ts';
import type { Context } from './context.ts';
import { JURISDICTIONS } from './names.ts';

/** Objects that are deleted at once; R2's API takes some 1,200 calls in five minutes of a token. */
const WIDTH = 4;

/**
 * @param context see {@link Context}
 * @param name of the bucket, which is there
 */
export async function emptyBucket({ client, accountId, stage }: Context, name: string): Promise<void> {
  const jurisdiction = { 'cf-r2-jurisdiction': JURISDICTIONS[stage.jurisdiction] };
  const account = { account_id: accountId, ...jurisdiction };
  for (;;) {
    // The first page again and again: what was listed is gone by then.
    const { result } = await client.r2.buckets.objects.list(name, account);
    if (result.length === 0) break;
    await inParallel(
      result.map(
        ({ key = '' }) =>
          () =>
            gone(client.r2.buckets.objects.delete(key, { ...account, bucket_name: name })),
      ),
      WIDTH,
    );
  }
  await gone(client.r2.buckets.delete(name, account));
}
