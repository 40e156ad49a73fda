/**
 * @module The chain of the event log: each entry holds the hash of the one before it, and a checkpoint a fold of all of them, so that
 * the log still verifies when entries before the last fortnight are gone (docs/event-log.md).
 */
import { signDocument } from '../../protocol/index/signed-document.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { Signer } from '../../protocol/signing.ts';
import { LOG_TYPE, type EventOf, type Fold, type LogEntry, type LogEvent } from './entry.ts';

/** Where the chain ends. */
export interface LogHead {
  /** Of the last entry; 0 before the first. */
  readonly sequence: number;
  /** base64url of SHA-256 of its payload; null before the first. */
  readonly sha256: string | null;
  readonly fold: Fold;
}

export const EMPTY_LOG: LogHead = {
  sequence: 0,
  sha256: null,
  fold: { counts: {}, recordedHour: null, regions: {}, parameters: 0, purgedDay: null },
};

/** Why an event can't follow what was before it. */
export interface FoldError {
  readonly rule:
    | 'recorded-hour'
    | 'head-sequence'
    | 'head-chain'
    | 'region'
    | 'parameters'
    | 'purged-day'
    | 'feed-batch';
  readonly expected: string;
}

/**
 * @param before of all entries before
 * @param event the next one
 * @returns the fold with it
 */
export function foldEvent(before: Fold, event: LogEvent): Fold {
  const counts = { ...before.counts, [event.kind]: (before.counts[event.kind] ?? 0) + 1 };
  const after = { ...before, counts };
  switch (event.kind) {
    case 'recorded':
      return { ...after, recordedHour: event.hour };
    case 'region': {
      const added = { since: event.hour, sequence: 0, payloadSha256: null, hour: null };
      return { ...after, regions: { ...before.regions, [event.region]: added } };
    }
    case 'published': {
      const { sequence, payloadSha256, hour } = event;
      const region = { since: before.regions[event.region]?.since ?? hour, sequence, payloadSha256, hour };
      return { ...after, regions: { ...before.regions, [event.region]: region } };
    }
    case 'parameters':
      return { ...after, parameters: event.version };
    case 'fed': {
      const last = { batch: event.batch + event.files.length - 1, hour: event.hour };
      return { ...after, feeds: { ...before.feeds, [event.feed]: last } };
    }
    case 'purge':
      return { ...after, purgedDay: event.day };
    default:
      return after;
  }
}

/**
 * @param before of all entries before
 * @param event the next one
 * @returns the rule that it breaks, or null
 */
export function foldError(before: Fold, event: LogEvent): FoldError | null {
  switch (event.kind) {
    case 'recorded': {
      const next = before.recordedHour === null ? event.hour : before.recordedHour + 1;
      return event.hour === next ? null : { rule: 'recorded-hour', expected: `hour ${next}` };
    }
    case 'region':
      return event.region in before.regions ? { rule: 'region', expected: 'a region that is new' } : null;
    case 'written':
    case 'revoked':
    case 'cut':
    case 'exported':
      return event.region in before.regions ? null : { rule: 'region', expected: 'a region that was added' };
    case 'published':
      return publishedError(before, event);
    case 'parameters':
      if (event.version === before.parameters + 1 || before.parameters === 0) return null;
      return { rule: 'parameters', expected: `version ${before.parameters + 1}` };
    case 'fed': {
      const next = (before.feeds?.[event.feed]?.batch ?? 0) + 1;
      return event.batch === next ? null : { rule: 'feed-batch', expected: `batch ${next} of ${event.feed}` };
    }
    case 'purge':
      if (before.purgedDay === null || event.day > before.purgedDay) return null;
      return { rule: 'purged-day', expected: `a day after ${before.purgedDay}` };
    default:
      return null;
  }
}

function publishedError(before: Fold, event: EventOf<'published'>): FoldError | null {
  const region = before.regions[event.region];
  if (region === undefined) return { rule: 'region', expected: 'a region that was added' };
  // A log that began with the region's head already published takes the first for granted.
  if (region.sequence === 0) return null;
  if (event.sequence !== region.sequence + 1) {
    return { rule: 'head-sequence', expected: `head ${region.sequence + 1} of ${event.region}` };
  }
  if (event.previous === region.payloadSha256) return null;
  return { rule: 'head-chain', expected: `a head after ${region.payloadSha256}` };
}

/**
 * @param before where the chain ends
 * @param event what comes next
 * @param keyId name of the log's key
 * @param signer r‖s
 * @returns the entry's text, the same for the same input, and where the chain ends with it
 */
export function appendEvent(
  before: LogHead,
  event: LogEvent,
  keyId: string,
  signer: Signer,
): { readonly text: string; readonly head: LogHead } {
  const entry: LogEntry = { sequence: before.sequence + 1, previous: before.sha256, event };
  const text = signDocument(LOG_TYPE, keyId, entry, signer);
  const hash = toBase64Url(sha256(utf8(JSON.stringify(entry))));
  return { text, head: { sequence: entry.sequence, sha256: hash, fold: foldEvent(before.fold, event) } };
}

/** @param hashes of objects that go, in the order in which they were recorded @returns the one hash that a purge says */
export function purgeHash(hashes: readonly string[]): string {
  return toBase64Url(sha256(utf8(hashes.join('\n'))));
}
