/**
 * @module How a dry run says how many keys it found (docs/rollback.md, decision 054): never how many, since a source may be one person. Pure.
 *
 * Exact counts from some size on would not do: who compares the dry runs of two periods, or of a provider and of its batches, has the difference, which may be one upload. So each count is "fewer
 * than" a multiple of a step, and where one multiple follows another lies at random for each cell of each target: who adds keys of their own until the number changes learns nothing of the others'.
 * It is drawn from the target's issue ids, which are random and shown to nobody, so that the same question always has the same answer and asking again tells nothing more.
 */
import { RETENTION_DAYS } from '../protocol/gaen/intervals.ts';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import type { ChunkPolicy } from './chunk-policy.ts';
import { MAX_KEYS_PER_UPLOAD } from './keys/limits.ts';
import { uint32 } from './publication/packed-keys.ts';
import type { CoarseCount, CountedDay, RollbackDay } from './rollback.ts';

const LABEL = 'exposure-edge/rollback-count/v1';
const RANGE = 2 ** 32;

/**
 * @param policy whose minima hold
 * @returns keys: as many as a chunk has at least, also where each of its uploads has a key a day; and no fewer than one upload may have
 */
export function countStep({ minKeys, minUploads }: Pick<ChunkPolicy, 'minKeys' | 'minUploads'>): number {
  return Math.max(minKeys, minUploads * RETENTION_DAYS, MAX_KEYS_PER_UPLOAD);
}

/**
 * @param days as they were counted
 * @param issueIds of the target
 * @param step from {@link countStep}
 * @returns the same days, as anybody may know them; everything below a step looks alike
 */
export function coarseDays(
  days: readonly CountedDay[],
  issueIds: readonly string[],
  step: number,
): readonly RollbackDay[] {
  const ids = [...new Set(issueIds)].toSorted().join(' ');
  return days.map((line) => {
    const { day, region, ofDay } = line;
    const coarse = (column: 'unpublished' | 'published' | 'mixed' | 'gone'): CoarseCount => {
      const count = line[column];
      if (count === 0) return 0;
      const drawn = uint32(sha256(utf8([LABEL, ids, day, region, column].join('\0'))), 0);
      const edge = Math.floor((drawn / RANGE) * step);
      return { fewerThan: (2 + Math.floor(Math.max(0, count - edge) / step)) * step };
    };
    const published = coarse('published');
    return {
      day,
      region,
      unpublished: coarse('unpublished'),
      published,
      // Never more than those that they are of.
      mixed: lesser(coarse('mixed'), published),
      gone: coarse('gone'),
      ofDay,
    };
  });
}

const lesser = (a: CoarseCount, b: CoarseCount): CoarseCount =>
  a === 0 || b === 0 || a.fewerThan <= b.fewerThan ? a : b;

/** @returns a count as people read it, the same in every language */
export const countText = (count: CoarseCount): string => (count === 0 ? '0' : `< ${count.fewerThan}`);

/**
 * @returns what share of what the day has published it may be at most, in percent; made of the number that is shown and of one that everybody can count, so that it says no more than they
 */
export function shareText({ published, ofDay }: Pick<RollbackDay, 'published' | 'ofDay'>): string {
  if (published === 0 || ofDay === 0) return '–';
  const percent = Math.ceil((100 * published.fewerThan) / ofDay);
  return percent > 100 ? '≤ 100 %' : `< ${percent} %`;
}
