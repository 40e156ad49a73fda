/**
 * @module Hints, both ways (docs/spec/europe.md §2.1, §3.6): a peer or the gateway says that there is a batch, and we say so to a peer that wants to hear it. A hint carries no key and is believed in nothing: it brings a poll
 * forward that would have come anyway, by at most what the jitter leaves, and not again for a while.
 *
 * Durable writes, in: one transaction of when the next poll is due and when a hint moved it; a crash before it is a hint that was lost, which the poll makes up for. Out: the number that is told, before it is told; a crash
 * between tells it never, and no batch is told twice.
 */
import { encodeHint, isLaterBatch } from '../../domain/federation/hint.ts';
import { DOWNLOAD_START } from '../../domain/federation/efgs/download.ts';
import { isNews } from '../../domain/federation/efgs/callback.ts';
import { MOST_JITTER_SECONDS } from '../../domain/federation/pace.ts';
import type { Format } from '../../domain/federation/peer.ts';
import { below, type RandomBytes } from '../../domain/random.ts';
import { parseFeedLatest } from '../../protocol/feed/latest.ts';
import { ALL_TO_ALL, feedKey } from '../../protocol/feed/names.ts';
import type { DeskPorts } from './contract.ts';
import type { DeskStore } from './desk-store.ts';

/** A peer that calls again and again makes us poll so often and no more: half of the ten minutes of who recommends nothing. */
export const HINT_PACE_SECONDS = 300;

/** What came. */
interface Heard {
  readonly region: string;
  readonly format: Format;
  /** The format's own name of the newest batch. */
  readonly batch: string;
  /** Unix seconds, believed. */
  readonly now: number;
  readonly random: RandomBytes;
}

/** @returns whether the next poll comes sooner by it */
export function takeHint(store: DeskStore, { region, format, batch, now, random }: Heard): boolean {
  const { failures, stopped } = store.state;
  // Not while it fails: a peer must not call us out of our waits.
  if (failures > 0 || stopped.in || !isNewsOf(store, format, batch)) return false;
  if (now - (store.get('hinted') ?? 0) < HINT_PACE_SECONDS) return false;
  const soon = now + below(random, MOST_JITTER_SECONDS + 1);
  if ((store.get('next_poll') ?? 0) <= soon) return false;
  store.transaction(() => {
    store.put('region', region);
    store.put('next_poll', soon);
    store.put('hinted', now);
  });
  return true;
}

/** Files that a list names have no number to be beyond: who has such a feed is polled. */
function isNewsOf(store: DeskStore, format: Format, batch: string): boolean {
  switch (format) {
    case 'exposure-edge':
    case 'dp3t':
      return isLaterBatch(batch, store.state.lastBatchID);
    case 'efgs':
      return isNews(batch, store.get('download') ?? DOWNLOAD_START);
    case 'google':
    case 'cwa':
      return false;
  }
}

/** What is told to whom. */
export interface TellPorts extends Pick<DeskPorts, 'config' | 'fetch' | 'look'> {
  readonly feeds: Pick<R2Bucket, 'get'>;
  /** Ours, as peers have it; empty: it isn't configured. */
  readonly baseURL: string;
}

/** Tells the peer once of the newest batch of the feed that it reads, where it wants to hear of it. What it answers is counted and nothing else; a redirection isn't followed. */
export async function tellPeer(store: DeskStore, { config, fetch, look, feeds, baseURL }: TellPorts): Promise<void> {
  const { HintURL, ReplicationType, RegionID } = config;
  if (HintURL === undefined || baseURL === '' || store.state.stopped.out) return;
  const batchId = await latestOf(feeds, ReplicationType === 'a2a' ? ALL_TO_ALL : RegionID);
  if (batchId <= (store.get('told') ?? 0)) return;
  const { kind } = await look();
  if (kind === 'refused' || kind === 'silenced') return;
  store.put('told', batchId);
  const body = Uint8Array.from(encodeHint({ batchId, baseURL }));
  const headers = { 'content-type': 'application/json' };
  const answered = await fetch(new Request(HintURL, { method: 'POST', redirect: 'manual', headers, body })).catch(
    () => null,
  );
  await answered?.body?.cancel().catch(() => undefined);
  store.count(answered?.ok === true ? 'hints_told' : 'hints_failed');
}

/** @returns number of the newest batch; 0: there is none, or no document that says so */
async function latestOf(feeds: Pick<R2Bucket, 'get'>, feed: string): Promise<number> {
  const document = await feeds.get(feedKey(feed, 'keys', null));
  const latest = document === null ? null : parseFeedLatest(await document.text());
  return latest?.ok === true ? latest.value.latestBatchId : 0;
}
