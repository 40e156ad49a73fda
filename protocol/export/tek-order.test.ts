import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import type { TemporaryExposureKey } from '../gaen/keys.ts';
import { compareKeys } from './tek-order.ts';
import { anyKey } from '../../test/support/protocol-arbitraries.ts';

const BASE: TemporaryExposureKey = {
  keyData: new Uint8Array(16).fill(0x7f),
  transmissionRiskLevel: 4,
  rollingStartIntervalNumber: 2_700_000,
  rollingPeriod: 100,
  reportType: 1,
  daysSinceOnsetOfSymptoms: 0,
};

describe('order of keys', () => {
  it('any arrival order gives the same order', ({ expect }) => {
    fc.assert(
      fc.property(
        fc
          .uniqueArray(anyKey, { maxLength: 40, selector: ({ keyData }) => keyData.join() })
          .chain((keys) => fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys, { minLength: keys.length }))),
        ([keys, shuffled]) => {
          expect(shuffled.toSorted(compareKeys)).toEqual(keys.toSorted(compareKeys));
        },
      ),
      { seed: 7 },
    );
  });

  it('fields weigh in this order, and key bytes are unsigned', ({ expect }) => {
    const key = (first: number): Uint8Array => Uint8Array.of(first, ...new Uint8Array(15));
    // Each is greater in one field and smaller in all that weigh less.
    const ascending: TemporaryExposureKey[] = [
      { ...BASE, keyData: key(0x7f) },
      { ...BASE, keyData: key(0x80) },
      { ...BASE, keyData: key(0), daysSinceOnsetOfSymptoms: 1 },
      { ...BASE, keyData: key(0), daysSinceOnsetOfSymptoms: -14, reportType: 2 },
      { ...BASE, keyData: key(0), daysSinceOnsetOfSymptoms: -14, reportType: 0, transmissionRiskLevel: 5 },
      { ...BASE, keyData: key(0), reportType: 0, transmissionRiskLevel: 0, rollingPeriod: 101 },
      { ...BASE, keyData: key(0), transmissionRiskLevel: 0, rollingPeriod: 1, rollingStartIntervalNumber: 2_700_001 },
    ];
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(Math.sign(compareKeys(a, b))).toBe(Math.sign(i - j));
    }
  });
});
