import * as fc from 'fast-check';
import { it } from 'vitest';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { dealOut } from './replay.ts';

const anyKey = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  transmissionRiskLevel: fc.integer({ min: 1, max: 8 }),
  rollingStartIntervalNumber: fc.integer({ min: 2_650_000, max: 2_652_500 }),
  rollingPeriod: fc.integer({ min: 1, max: 144 }),
  reportType: fc.constant(1 as const),
  daysSinceOnsetOfSymptoms: fc.constant(1),
});

it('deals every key out once, and nobody gets two keys of one time or more than 14', ({ expect }) => {
  fc.assert(
    fc.property(fc.array(anyKey, { minLength: 1, maxLength: 200 }), (keys: TemporaryExposureKey[]) => {
      const patients = dealOut(keys);
      expect(new Set(patients.flat())).toEqual(new Set(keys));
      expect(patients.flat()).toHaveLength(keys.length);
      expect(patients.length).toBeGreaterThanOrEqual(Math.min(10, keys.length));
      for (const own of patients) {
        expect(own.length).toBeGreaterThanOrEqual(1);
        expect(own.length).toBeLessThanOrEqual(14);
        for (const [i, key] of own.entries()) {
          const next = own[i + 1];
          if (next === undefined) continue;
          expect(key.rollingStartIntervalNumber + key.rollingPeriod).toBeLessThanOrEqual(
            next.rollingStartIntervalNumber,
          );
        }
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});
