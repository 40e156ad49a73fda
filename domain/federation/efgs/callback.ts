/**
 * @module Callbacks: the gateway says that there is a batch (docs/spec/europe.md §3.6). A hint and no more: it brings the next poll
 * forward, and what is polled is judged as always. The gateway drops whoever misses six calls, without a word, so the subscription
 * is put anew each day; that changes nothing where it still stands.
 */
import { isLaterTag, readTag } from '../../../protocol/efgs/tags.ts';
import { dateOf, type UtcDate } from '../../../protocol/gaen/intervals.ts';
import { ask, type Trouble, troubleOf } from './ask.ts';
import type { DownloadState } from './download.ts';
import type { EfgsPorts } from './ports.ts';

/** Where `federation` takes the gateway's calls, by GET. */
export const CALLBACK_PATH = '/efgs/callback';

/** Where the gateway should call. */
export interface Subscription {
  /** Our own name for it; the same one again replaces it. */
  readonly callbackId: string;
  /** https, without a query (docs/spec/europe.md §3.6). */
  readonly url: string;
}

/** Plain JSON. */
export interface CallbackState {
  /** The day on which it was put last. */
  readonly putOn: UtcDate | null;
}

/** Before the first step. */
export const CALLBACK_START: CallbackState = { putOn: null };

export interface CallbackStep {
  readonly state: CallbackState;
  readonly trouble: Trouble | null;
}

/** @returns whether the gateway would take it, as far as can be told without its resolver, and we would hear it there */
export function isCallbackUrl(text: string): boolean {
  if (!URL.canParse(text) || text.includes('?') || text.includes('#')) return false;
  const { protocol, username, pathname } = new URL(text);
  return protocol === 'https:' && username === '' && pathname === CALLBACK_PATH;
}

/**
 * Puts the subscription, once a day. Durable: written before an answer came it would be forgotten for a day; written after, a crash
 * between puts it twice, which is the same as once.
 */
export async function callbackStep(state: CallbackState, ports: EfgsPorts, own: Subscription): Promise<CallbackStep> {
  const today = dateOf(ports.now());
  if (state.putOn === today) return { state, trouble: null };
  const path = `/callback/${encodeURIComponent(own.callbackId)}?url=${encodeURIComponent(own.url)}`;
  const answer = await ask(ports, { method: 'PUT', path });
  return answer?.status === 200 ? { state: { putOn: today }, trouble: null } : { state, trouble: troubleOf(answer) };
}

/** @param url of the gateway's call @returns the batch it names, or null when it names none */
export function readHint(url: URL): string | null {
  const names = [...url.searchParams.keys()].toSorted();
  if (names.join() !== 'batchTag,date') return null;
  const tag = url.searchParams.get('batchTag') ?? '';
  return readTag(tag)?.date === url.searchParams.get('date') ? tag : null;
}

/** @returns whether a hint is news: then the next poll is due, after the wait that all pollers draw */
export function isNews(tag: string, { lastTag }: DownloadState): boolean {
  return lastTag === null ? readTag(tag) !== null : isLaterTag(lastTag, tag);
}
