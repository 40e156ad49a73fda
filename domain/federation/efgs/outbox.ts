/**
 * @module The outbox of uploads is the feed that every region of the cluster reads (docs/spec/europe.md §2.2): sealed batches with
 * numbers without gaps, of local keys of people who consented, past their embargo, never a small set alone. So the gateway gets
 * what peers get, no more, and nothing is kept here but which places of which batches wait.
 *
 * Durable: the state is one value, in it the state of the upload, so that what is on its way and what waits can't part. A crash
 * before it is written leaves the one before: the same places, the same batch.
 */
import { UPLOAD_BATCH_LIMIT } from '../../../protocol/efgs/batch.ts';
import type { TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { REPORT_TYPE } from '../../../protocol/gaen/keys.ts';
import type { Trouble } from './ask.ts';
import { toEfgsKey } from './keys.ts';
import type { UploadPorts } from './ports.ts';
import { UPLOAD_START, uploadStep, type UploadState } from './upload.ts';

/** The feed as it is now. */
export interface SealedFeed {
  /** Batches before it are gone, and so are their keys: too old. */
  readonly oldest: number;
  /** 0: none yet. */
  readonly latest: number;
  /** @returns the batch's keys in their order, which never changes; null when it can't be had just now */
  readonly read: (batch: number) => Promise<readonly TemporaryExposureKey[] | null>;
}

/** Neighbouring places of a batch. */
interface Run {
  readonly batch: number;
  readonly from: number;
  readonly count: number;
}

/** Small, and plain JSON. */
export interface OutboxState {
  readonly upload: UploadState;
  /** The first batch that nothing was taken of, from 1. */
  readonly next: number;
  /** What isn't at the gateway yet, in the order in which it is sent. */
  readonly waiting: readonly Run[];
}

/** Before the first step. */
export const OUTBOX_START: OutboxState = { upload: UPLOAD_START, next: 1, waiting: [] };

export interface OutboxStep {
  readonly state: OutboxState;
  /** Keys that the gateway has since this step. */
  readonly uploaded: number;
  /** Keys that became too old before it had them. */
  readonly dropped: number;
  readonly again: boolean;
  readonly trouble: Trouble | null;
}

interface Place {
  readonly batch: number;
  readonly place: number;
}

/**
 * @param state as it was written last; {@link OUTBOX_START} at first
 * @param feed of local keys
 * @param visitedCountries configured, the same for every key
 */
export async function outboxStep(
  state: OutboxState,
  ports: UploadPorts,
  feed: SealedFeed,
  visitedCountries: readonly string[],
): Promise<OutboxStep> {
  const batches = new Map<number, readonly TemporaryExposureKey[]>();
  const kept = state.waiting.filter(({ batch }) => batch >= feed.oldest);
  let dropped = lengthOf(state.waiting) - lengthOf(kept);
  const filled = await fill({ ...state, waiting: kept }, feed, batches);
  const places = filled === null ? [] : filled.waiting.flatMap(placesOf).slice(0, UPLOAD_BATCH_LIMIT);
  const missing = filled === null || !(await load(places, feed, batches));
  if (missing) {
    return { state, uploaded: 0, dropped: 0, again: false, trouble: { kind: 'protocol', what: 'feed' } };
  }
  const keys = places.map(({ batch, place }) => {
    const key = batches.get(batch)?.[place] as TemporaryExposureKey;
    return toEfgsKey(key, ports.settings.country, visitedCountries, key.reportType === REPORT_TYPE.REVOKED);
  });
  const { state: upload, settled, setAside, again, trouble } = await uploadStep(state.upload, ports, keys);
  const left = places.filter((_, index) => !settled.has(index) && index !== setAside);
  const behind = setAside === null ? [] : places.slice(setAside, setAside + 1);
  const rest = filled.waiting.flatMap(placesOf).slice(places.length);
  const waiting = runsOf([...left, ...rest, ...behind]);
  let uploaded = 0;
  for (const how of settled.values()) {
    if (how === 'uploaded') uploaded += 1;
    else dropped += 1;
  }
  return { state: { upload, next: filled.next, waiting }, uploaded, dropped, again, trouble };
}

/** Whole batches, until there is enough for an upload. @returns null when one can't be read */
async function fill(
  state: OutboxState,
  feed: SealedFeed,
  batches: Map<number, readonly TemporaryExposureKey[]>,
): Promise<OutboxState | null> {
  const waiting = [...state.waiting];
  let next = Math.max(state.next, feed.oldest);
  for (; next <= feed.latest && lengthOf(waiting) < UPLOAD_BATCH_LIMIT; next++) {
    const keys = await feed.read(next);
    if (keys === null) return null;
    batches.set(next, keys);
    if (keys.length > 0) waiting.push({ batch: next, from: 0, count: keys.length });
  }
  return { ...state, next, waiting };
}

/** @returns whether every place has its key */
async function load(
  places: readonly Place[],
  feed: SealedFeed,
  batches: Map<number, readonly TemporaryExposureKey[]>,
): Promise<boolean> {
  for (const { batch, place } of places) {
    const keys = batches.get(batch) ?? (await feed.read(batch));
    if (keys === null || keys[place] === undefined) return false;
    batches.set(batch, keys);
  }
  return true;
}

function lengthOf(runs: readonly Run[]): number {
  let length = 0;
  for (const { count } of runs) length += count;
  return length;
}

const placesOf = ({ batch, from, count }: Run): Place[] =>
  Array.from({ length: count }, (_, at) => ({ batch, place: from + at }));

function runsOf(places: readonly Place[]): Run[] {
  const runs: Run[] = [];
  for (const { batch, place } of places) {
    const last = runs.at(-1);
    if (last?.batch === batch && last.from + last.count === place) {
      runs[runs.length - 1] = { ...last, count: last.count + 1 };
    } else {
      runs.push({ batch, from: place, count: 1 });
    }
  }
  return runs;
}
