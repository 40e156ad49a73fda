/** @module What peers had been given, from the event log: feeds go on with the next number, and no batch is numbered anew (docs/restore.md). */
import type { Fold, LogEvent } from '../../../domain/event-log/entry.ts';
import type { FeedBatch } from '../../../domain/publication/fed.ts';
import { feedKey, JWKS_KEY } from '../../../protocol/feed/names.ts';
import type { FeedState, FeedStore } from '../feed-store.ts';

/** Rows of the tables of feeds. */
export interface RestoredFeeds {
  readonly states: readonly FeedState[];
  readonly batches: readonly FeedBatch[];
}

/**
 * @param fold of the whole log: a feed that was quiet for weeks has its number there alone
 * @param events that are kept, ascending
 * @param cut batches that go at this midnight or went before are left out: days since the Unix epoch
 */
export function restoredFeeds(fold: Fold, events: readonly LogEvent[], cut: number): RestoredFeeds {
  return {
    states: Object.entries(fold.feeds ?? {}).map(([feed, { batch, hour }]) => ({
      feed,
      lastBatch: batch,
      throughHour: hour,
      shownHour: -1,
    })),
    batches: events.flatMap((event) => {
      if (event.kind !== 'fed' || event.until <= cut) return [];
      const { feed, hour, until, batch: first } = event;
      return event.files.map((file, n) => ({ feed, batch: first + n, hour, until, file }));
    }),
  };
}

/** Part of the caller's transaction. */
export function writeFeeds(feeds: FeedStore, { states, batches }: RestoredFeeds): void {
  for (const state of states) {
    feeds.putState(state);
    for (const view of ['keys', 'gaen'] as const) feeds.adoptObject(feedKey(state.feed, view, null));
  }
  if (states.length > 0) feeds.adoptObject(JWKS_KEY);
  for (const batch of batches) {
    feeds.putBatch(batch);
    for (const view of ['keys', 'gaen'] as const) feeds.adoptObject(feedKey(batch.feed, view, batch.batch));
  }
}
