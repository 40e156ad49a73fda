/**
 * @module fast-check arbitraries of the wire's own things, for property tests of encoders and readers.
 */
import * as fc from 'fast-check';
import type { ExportHeader } from '../../protocol/export/export-file.ts';
import type { ReportType, TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** Any key that an export may hold, the edges of each field included. */
export const anyKey: fc.Arbitrary<TemporaryExposureKey> = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  transmissionRiskLevel: fc.integer({ min: 0, max: 8 }),
  rollingStartIntervalNumber: fc.oneof(
    fc.integer({ min: 2_600_000, max: 3_000_000 }),
    fc.integer({ min: 0, max: 0x7fffffff }),
    fc.constantFrom(0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 0x7fffffff),
  ),
  rollingPeriod: fc.oneof(fc.integer({ min: 1, max: 144 }), fc.constantFrom(1, 127, 128, 144)),
  reportType: fc.integer({ min: 0, max: 5 }).map((value) => value as ReportType),
  daysSinceOnsetOfSymptoms: fc.integer({ min: -14, max: 14 }),
});

/** Any header that an export may have. */
export const anyHeader: fc.Arbitrary<ExportHeader> = fc
  .record({
    startTimestamp: fc.integer({ min: 0, max: 4_000_000_000 }),
    length: fc.integer({ min: 1, max: 86_400 }),
    region: fc.stringMatching(/^[A-Z]{2,3}$/),
    keyId: fc.stringMatching(/^[A-Za-z0-9_.]{1,12}$/),
    keyVersion: fc.stringMatching(/^[A-Za-z0-9_]{1,6}$/),
  })
  .map(({ length, ...header }) => ({ ...header, endTimestamp: header.startTimestamp + length }));
