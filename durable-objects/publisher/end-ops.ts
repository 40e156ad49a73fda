/**
 * @module How publishing ends (docs/sunset.md): once the deployment is stopped and nothing waits any more, heads say *ended*; then each region gets
 * a last one that names nothing, the buckets are emptied beside it, and what is left is proved.
 *
 * Durable order: `ended` (a row), heads as always; at the end the last heads, each fixed with its entry of the log before it is put, then `closed`
 * (a row), after which no step is taken; then the deletions. A crash before `closed` leaves a last head to publish or published; the repeated call
 * finds it. A crash between deletions leaves objects that no head names, which it lists and deletes again.
 */
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { ENDED_MESSAGE, type KeptByPublisher, type OriginEnding } from '../../domain/sunset.ts';
import type { EventLog } from './event-log.ts';
import { composeLastIndex, publishIndex } from './index-ops.ts';
import type { Publication } from './publication.ts';
import type { PublisherStore } from './store.ts';

/** @returns whether the last heads are published: nothing follows them */
export const isClosed = ({ store }: Publication): boolean => store.meta('closed') !== null;

/** When everything that was acknowledged is published, the next heads say that nothing comes any more. */
export async function noteEnd(p: Publication): Promise<void> {
  if (!p.stopped || p.store.meta('ended') !== null || (await waits(p))) return;
  p.store.setMeta('ended', hourOf(p.now));
}

/** Keys wait to be published, or to be taken back: a phone that has seen the end would never hear of either. What is only said anew of a key doesn't put the end off. */
async function waits({ buffer, takings }: Publication): Promise<boolean> {
  return takings.openTo(null).length > 0 || (await buffer.waits());
}

/** @returns how far it has come; see {@link OriginEnding} */
export async function endingOf(p: Publication): Promise<OriginEnding> {
  const { config, store } = p;
  const plans = config.regions.map((region) => store.publishedIndex(region));
  // A deployment that never published has nobody to tell.
  const announced = store.meta('ended') !== null && plans.every((plan) => plan === null || plan.end !== undefined);
  // A buffer that was purged has nothing that waits; of one that can't answer nobody knows.
  const unknown = (error: unknown): boolean => !(error instanceof Error && error.message.includes(ENDED_MESSAGE));
  return { waits: await waits(p).catch(unknown), announced, kept: null };
}

/** Publishes each region's last head. @throws Error while phones haven't been told that the service has ended */
export async function publishLast(p: Publication): Promise<void> {
  if (isClosed(p)) return;
  const ending = await endingOf(p);
  if (ending.waits) throw new Error('keys wait to be published, or to be taken back');
  if (!ending.announced) throw new Error('not every region says that the service has ended');
  for (const region of p.config.regions) {
    const isLast = (): boolean => (p.store.publishedIndex(region)?.end ?? 'last') === 'last';
    while (p.store.pendingIndex(region) !== null || !isLast()) {
      if (p.store.pendingIndex(region) === null) composeLastIndex(p, region);
      await p.log.flush(p.privateBucket);
      await publishIndex(p, p.store.pendingIndex(region)!);
    }
  }
  p.store.setMeta('closed', hourOf(p.now));
}

/** @returns what is kept of the publisher itself: public, all of it, or hashes and counts */
export function keptAtEnd(regions: readonly string[], store: PublisherStore, log: EventLog): KeptByPublisher {
  const { sequence, sha256: hash, fold } = log.head();
  return {
    heads: regions.flatMap((region) => {
      const head = store.head(region);
      return head === null ? [] : [{ region, sequence: head.sequence, payloadSha256: head.payloadSha256 }];
    }),
    log: { sequence, sha256: hash, counts: fold.counts },
  };
}
