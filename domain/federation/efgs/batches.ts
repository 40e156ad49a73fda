/**
 * @module Batches of the gateway, asked for one at a time: which it is, and which comes next (docs/spec/europe.md §3.5).
 */
import { PROTOBUF_MEDIA_TYPE } from '../../../protocol/efgs/batch.ts';
import { isLaterTag, readTag } from '../../../protocol/efgs/tags.ts';
import { dateOf, type UtcDate } from '../../../protocol/gaen/intervals.ts';
import { ask, type Trouble, troubleOf } from './ask.ts';
import type { EfgsPorts } from './ports.ts';

/** By which the gateway's clock may be ahead. */
const MAX_SKEW_SECONDS = 300;

/** A batch that the gateway has. */
export interface FoundBatch {
  readonly tag: string;
  /** Null where there is none yet; never final. */
  readonly next: string | null;
  /** Protobuf. */
  readonly body: Uint8Array;
}

export type Found =
  | { readonly kind: 'found'; readonly batch: FoundBatch }
  /** No such batch, or none of that day or later. */
  | { readonly kind: 'none' }
  /** The day is too old to be asked for. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

/**
 * @param date `YYYY-MM-DD`, of the batch or before
 * @param tag the batch to return; null: the first of that date or later
 */
export async function findBatch(ports: EfgsPorts, date: UtcDate, tag: string | null): Promise<Found> {
  const headers = { accept: PROTOBUF_MEDIA_TYPE, ...(tag === null ? {} : { batchTag: tag }) };
  const answer = await ask(ports, { method: 'GET', path: `/download/${date}`, headers });
  if (answer?.status === 404) return { kind: 'none' };
  if (answer?.status === 410) return { kind: 'gone' };
  if (answer?.status !== 200) return { kind: 'trouble', trouble: troubleOf(answer) };
  const found = answer.headers.get('batchTag') ?? '';
  // The day of the gateway's clock, where that is ahead: a date to come would take the cursor past batches that come before it.
  const latest = dateOf(ports.now() + MAX_SKEW_SECONDS);
  const made = readTag(found)?.date ?? '';
  if (tag === null ? made < date || made > latest : found !== tag) return protocol('batchTag');
  const next = nextOf(answer.headers.get('nextBatchTag'));
  // Back to an older one, and we'd go round in circles; a date to come, and we'd wait for it.
  if (next !== null && (!isLaterTag(found, next) || (readTag(next)?.date ?? '') > latest))
    return protocol('nextBatchTag');
  return { kind: 'found', batch: { tag: found, next, body: answer.body } };
}

const protocol = (what: string): Found => ({ kind: 'trouble', trouble: { kind: 'protocol', what } });

/** The word "null", as real gateways write it, is no tag. */
function nextOf(header: string | null): string | null {
  return header === null || header === '' || header === 'null' ? null : header;
}
