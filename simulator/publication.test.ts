import { describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../domain/chunk-policy.ts';
import { testRandom } from '../phone/testing/random.ts';
import { INTERVALS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { REPORT_TYPE } from '../protocol/gaen/keys.ts';
import type { Upload } from './cases.ts';
import { publish } from './publication.ts';
import { Random } from './random.ts';

/** Noon of a UTC day. */
const NOON = 20_600 * 24 + 12;
const WITHOUT = { ...DEFAULT_CHUNK_POLICY, reserveUploads: 0 };
const [SEED, STREAM, EACH] = [7, 9, 14];

/** Uploads of so many keys, within the hour. */
function uploadsOf(count: number): Upload[] {
  const random = testRandom('publication');
  const today = (NOON / 24 - 0.5) * INTERVALS_PER_DAY;
  return Array.from({ length: count }, (_, n) => ({
    at: NOON * 3600 + n,
    keys: Array.from({ length: EACH }, (_key, i) => ({
      keyData: Uint8Array.from(random(16)),
      rollingStartIntervalNumber: today - (i + 1) * INTERVALS_PER_DAY,
      rollingPeriod: INTERVALS_PER_DAY,
      transmissionRiskLevel: 5,
      reportType: REPORT_TYPE.CONFIRMED_TEST,
      daysSinceOnsetOfSymptoms: 0,
    })),
    days: new Set<number>(),
  }));
}

const published = (uploads: number, policy = DEFAULT_CHUNK_POLICY, last = NOON) =>
  publish(uploadsOf(uploads), { first: NOON, last }, new Random(SEED, STREAM), policy);

describe('an hour', () => {
  it('that holds the minima is published with what it sets aside, and no decoy', ({ expect }) => {
    const { keysOf, realKeys, decoyKeys, reserveKeys } = published(10);
    expect([realKeys, decoyKeys]).toEqual([10 * EACH, 0]);
    // Whole uploads: of the profile's sizes, one key at least.
    expect(reserveKeys).toBeGreaterThanOrEqual(DEFAULT_CHUNK_POLICY.reserveUploads);
    expect(keysOf(NOON).length).toBeGreaterThan(realKeys);
    expect(keysOf(NOON).length).toBeLessThanOrEqual(realKeys + reserveKeys);
  });

  it('sets nothing aside where the policy says so', ({ expect }) => {
    const { keysOf, reserveKeys } = published(10, WITHOUT);
    expect([keysOf(NOON).length, reserveKeys]).toEqual([10 * EACH, 0]);
  });

  it('that is held sets nothing aside; that is padded holds the minima without what it sets aside', ({ expect }) => {
    const last = NOON + DEFAULT_CHUNK_POLICY.maxHoldHours;
    const with3 = published(1, DEFAULT_CHUNK_POLICY, last);
    for (let hour = NOON; hour < last; hour++) expect(with3.keysOf(hour)).toEqual([]);
    // The same draws up to there: what is more is set aside.
    const none = published(1, WITHOUT, last);
    expect(none.decoyKeys).toBe(with3.decoyKeys);
    expect(none.keysOf(last).length).toBeGreaterThanOrEqual(DEFAULT_CHUNK_POLICY.minKeys);
    expect(with3.keysOf(last).slice(0, none.keysOf(last).length)).toEqual(none.keysOf(last));
    expect(with3.keysOf(last).length).toBeGreaterThan(none.keysOf(last).length);
  });

  it('that is padded leaves a key for the next day, as the buffer’s does', ({ expect }) => {
    // One key is missing, so that hardly any decoy leaves one by itself.
    const policy = { ...WITHOUT, minKeys: EACH + 1, minUploads: 1 };
    const days = [...Array(20).keys()].map((seed) => {
      const { keysOf } = publish(uploadsOf(1), { first: NOON, last: NOON + 30 }, new Random(seed, STREAM), policy);
      return [...Array(31).keys()].filter((n) => keysOf(NOON + n).length > 0).length;
    });
    expect(days).toEqual(days.map(() => 2));
  });
});
