/**
 * @module The order of keys in a file: a function of the set alone, so that it reveals neither arrival nor who uploaded
 * what (docs/spec/gaen.md §4.5, docs/architecture.md §5.5). Metadata first, then key bytes, since equal neighbours deflate best.
 */
import { compareBytes } from '../primitives/bytes.ts';
import type { TemporaryExposureKey } from '../gaen/keys.ts';

/**
 * By (rollingStartIntervalNumber, rollingPeriod, transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms, keyData
 * unsigned). Total over distinct keys, so any arrival order sorts to the same file.
 *
 * @param a a key
 * @param b a key
 * @returns negative, 0 or positive
 */
export function compareKeys(a: TemporaryExposureKey, b: TemporaryExposureKey): number {
  return (
    a.rollingStartIntervalNumber - b.rollingStartIntervalNumber ||
    a.rollingPeriod - b.rollingPeriod ||
    a.transmissionRiskLevel - b.transmissionRiskLevel ||
    a.reportType - b.reportType ||
    a.daysSinceOnsetOfSymptoms - b.daysSinceOnsetOfSymptoms ||
    compareBytes(a.keyData, b.keyData)
  );
}
