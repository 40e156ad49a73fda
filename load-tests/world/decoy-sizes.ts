/**
 * @module How large decoys are, measured by drawing them with the rules of the backend (domain/decoys.ts), and how many keys they add until a set or a part of it holds its minima.
 */
import { drawDecoy } from '../../domain/decoys.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { countUploads, nothingReceived, shapeOf, type Received } from '../../domain/received.ts';
import { INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** What a backend has received that has been there for long: as many as its counts hold (domain/received.ts). */
const RECEIVED = 399;
const DRAWN = 4_000;

/** Sizes of whole decoys. */
export interface DecoySizes {
  /** Chance that a decoy has n keys which go out with the set, by n. */
  readonly chances: readonly number[];
  /** Mean of these. */
  readonly mean: number;
  /** Share of decoys that leave a key for the next day. */
  readonly leavesRest: number;
}

/**
 * @param random for key bytes
 * @param hour of the upload (hours since the Unix epoch)
 * @param days whole days before it
 * @returns a person's keys, of levels that are published
 */
export function keysOfPerson(random: RandomBytes, hour: number, days: number): TemporaryExposureKey[] {
  const today = Math.floor(hour / 24);
  const onset = 1 + (random(1)[0]! % 7);
  return Array.from({ length: days }, (_, index) => ({
    keyData: random(16),
    transmissionRiskLevel: Math.max(3, 8 - Math.abs(onset - index - 1)),
    rollingStartIntervalNumber: (today - index - 1) * INTERVALS_PER_DAY,
    rollingPeriod: INTERVALS_PER_DAY,
    reportType: REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: onset - index - 1,
  }));
}

/** @returns what a backend knows of the shape of uploads after {@link RECEIVED} of them that came evenly over the day */
export function receivedBefore(random: RandomBytes, hour: number, days: number): Received {
  const today = Math.floor(hour / 24);
  const uploads = Array.from({ length: RECEIVED }, (_, index) => {
    const came = hour - 24 + (index % 24);
    return { shape: shapeOf(keysOfPerson(random, came, days), came), hour: came };
  });
  return countUploads(random, nothingReceived(random, today), uploads);
}

/** @returns sizes of decoys that are drawn from what was received */
export function measureSizes(random: RandomBytes, received: Received, hour: number): DecoySizes {
  const today = Math.floor(hour / 24) * INTERVALS_PER_DAY;
  const counts = Array.from({ length: 16 }, () => 0);
  let rests = 0;
  for (let n = 0; n < DRAWN; n++) {
    const planned = { asOf: hour, rest: false, leavesRest: false, sealed: hour, retentionDays: 14 };
    const keys = drawDecoy(random, { ...planned, received });
    const left = keys.filter(({ rollingStartIntervalNumber }) => rollingStartIntervalNumber === today).length;
    counts[keys.length - left]! += 1;
    rests += left;
  }
  const chances = counts.map((count) => count / DRAWN);
  return {
    chances,
    mean: chances.reduce((sum, chance, size) => sum + chance * size, 0),
    leavesRest: rests / DRAWN,
  };
}

/** What decoys add, on average. */
export interface Fill {
  readonly keys: number;
  readonly uploads: number;
}

/**
 * @param sizes of decoys
 * @returns what whole decoys add until so many keys and uploads are there; each answer is remembered
 */
export function fillBy({ chances }: DecoySizes): (keys: number, uploads: number) => Fill {
  const known = new Map<number, Fill>();
  const empty = chances[0]!;
  const fill = (lackingKeys: number, lackingUploads: number): Fill => {
    const [keys, uploads] = [Math.max(0, Math.ceil(lackingKeys)), Math.max(0, Math.ceil(lackingUploads))];
    if (keys === 0 && uploads === 0) return { keys: 0, uploads: 0 };
    const name = keys * 64 + uploads;
    const before = known.get(name);
    if (before !== undefined) return before;
    // One that has nothing for this set is drawn and stored all the same, and leaves things as they were.
    const sum = { keys: 0, uploads: 1 };
    for (let size = 1; size < chances.length; size++) {
      if (chances[size] === 0) continue;
      const rest = fill(keys - size, uploads - 1);
      sum.keys += chances[size]! * (size + rest.keys);
      sum.uploads += chances[size]! * rest.uploads;
    }
    const found = { keys: sum.keys / (1 - empty), uploads: sum.uploads / (1 - empty) };
    known.set(name, found);
    return found;
  };
  return fill;
}
