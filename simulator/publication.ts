/**
 * @module When an uploaded key is published: the embargo, the chunk policy with its minima, its hold, its decoys and its reserve
 * (docs/architecture.md §5.2, §5.3, §5.11), by the domain's own code.
 */
import {
  type ChunkPolicy,
  DEFAULT_CHUNK_POLICY,
  decideChunk,
  holdsMinima,
  uploadsOfSet,
} from '../domain/chunk-policy.ts';
import { type PlannedDecoy, planDecoys } from '../domain/decoy-plan.ts';
import { drawDecoy } from '../domain/decoys.ts';
import { releaseHour } from '../domain/embargo.ts';
import { countUpload, forgetHalf, nothingReceived, shapeOf } from '../domain/received.ts';
import { hourEnd, hourOf } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { REGION } from '../phone/testing/timeline.ts';
import type { Upload } from './cases.ts';
import type { Random } from './random.ts';

/** Seconds from the end of an hour to its files being there (assumption; sealing takes less). */
export const PUBLICATION_LAG_SECONDS = 60;

export interface Publication {
  readonly firstHour: number;
  readonly lastHour: number;
  /** Keys by the hour they are published in, decoys and reserve among them. */
  readonly keysOf: (hour: number) => readonly TemporaryExposureKey[];
  /** Hour of an uploaded key; undefined for one that isn't published before the last hour. */
  readonly hourOfKey: (key: TemporaryExposureKey) => number | undefined;
  readonly realKeys: number;
  readonly decoyKeys: number;
  /** Of whole synthetic uploads that each published hour sets aside, to go with keys that are taken back (decision 040). */
  readonly reserveKeys: number;
}

interface Waiting {
  readonly key: TemporaryExposureKey;
  /** The hour it came in. */
  readonly came: number;
  readonly release: number;
  /** Number of the upload; decoys have numbers of their own. */
  readonly upload: number;
}

/** How many uploads a set has, as the submission buffer counts. */
function uploadsOf(set: readonly Waiting[]): number {
  const hours = new Map<number, { first: number; any: Set<number> }>();
  const seen = new Set<number>();
  for (const { release, upload } of set.toSorted((a, b) => a.release - b.release)) {
    const hour = hours.get(release) ?? { first: 0, any: new Set() };
    hours.set(release, hour);
    hour.any.add(upload);
    if (!seen.has(upload)) hour.first += 1;
    seen.add(upload);
  }
  return uploadsOfSet([...hours.values()].map(({ first, any }) => ({ first, any: any.size })));
}

/** @returns uploads by the hour of their first key */
function uploadsByHour(set: readonly Waiting[]): Map<number, number> {
  const first = new Map<number, number>();
  for (const { release, upload } of set) first.set(upload, Math.min(first.get(upload) ?? release, release));
  const byHour = new Map<number, number>();
  for (const hour of first.values()) byHour.set(hour, (byHour.get(hour) ?? 0) + 1);
  return byHour;
}

/**
 * @param uploads in any order
 * @param hours first and last hour to seal
 * @param random of the decoys
 */
export function publish(
  uploads: readonly Upload[],
  hours: { readonly first: number; readonly last: number },
  random: Random,
  policy: ChunkPolicy = DEFAULT_CHUNK_POLICY,
): Publication {
  let waiting: Waiting[] = uploads.flatMap(({ at, keys }, upload) =>
    keys.map((key) => ({
      key,
      came: hourOf(at),
      upload,
      release: Math.max(hourOf(at), releaseHour(key), hours.first),
    })),
  );
  const real = new Set(waiting.map(({ key }) => key));
  const published = new Map<number, TemporaryExposureKey[]>();
  const hourOfKey = new Map<TemporaryExposureKey, number>();
  let uploadCount = uploads.length;
  let received = nothingReceived(random.bytes, Math.floor(hours.first / 24));
  let decoyKeys = 0;
  let reserveKeys = 0;
  for (let hour = hours.first; hour <= hours.last; hour++) {
    received = forgetHalf(random.bytes, received, Math.floor(hour / 24));
    for (const { at, keys } of uploads) {
      if (hourOf(at) === hour) received = countUpload(received, shapeOf(keys, hour), hour);
    }
    let set = waiting.filter(({ release }) => release <= hour);
    const count = () => ({ region: REGION, keys: set.length, uploads: uploadsOf(set) });
    const oldest = set.length === 0 ? null : Math.min(...set.map(({ release }) => release));
    const decision = decideChunk(policy, hour, oldest, [count()]);
    if (decision === 'hold' || decision === 'empty') continue;
    const facts = {
      first: oldest ?? hour,
      hour,
      uploads: uploadsByHour(set.filter(({ key }) => real.has(key))),
      decoyRests: set.filter(({ key }) => !real.has(key)).length,
    };
    /** @returns how many keys it has */
    const draw = (planned: PlannedDecoy): number => {
      const request = { ...planned, sealed: hour, retentionDays: policy.retentionDays, received };
      const keys = drawDecoy(random.bytes, request);
      const upload = uploadCount++;
      waiting = [
        ...waiting,
        ...keys.map((key) => ({ key, came: hour, upload, release: Math.max(planned.asOf, releaseHour(key)) })),
      ];
      set = waiting.filter(({ release }) => release <= hour);
      return keys.length;
    };
    const next = planDecoys(received, { ...facts, missing: policy.minKeys - set.length });
    // A set that is published as it is holds the minima, so only one that waited too long draws decoys.
    while (!holdsMinima(policy, count())) decoyKeys += draw(next(random.bytes));
    // The chain of days never breaks (durable-objects/submission-buffer/decoy-ops.ts).
    const goesOn = waiting.some(({ came, release }) => came <= hour && release > hour);
    if (decision === 'pad' && !goesOn) decoyKeys += draw({ asOf: hour, rest: false, leavesRest: true });
    // None is missing, so that each of these is whole.
    const aside = planDecoys(received, { ...facts, missing: 0 });
    for (let n = 0; n < policy.reserveUploads; n++) reserveKeys += draw(aside(random.bytes));
    waiting = waiting.filter(({ release }) => release > hour);
    published.set(
      hour,
      set.map(({ key }) => key),
    );
    for (const { key } of set) if (real.has(key)) hourOfKey.set(key, hour);
  }
  return {
    firstHour: hours.first,
    lastHour: hours.last,
    keysOf: (hour) => published.get(hour) ?? [],
    hourOfKey: (key) => hourOfKey.get(key),
    realKeys: hourOfKey.size,
    decoyKeys,
    reserveKeys,
  };
}

/** @param hour hours since the epoch @returns Unix seconds from which phones can fetch it */
export function publishedAt(hour: number): number {
  return hourEnd(hour) + PUBLICATION_LAG_SECONDS;
}
