/**
 * @module Between our keys and the gateway's.
 *
 * Outward a key says no more than its public file does, and less than the gateway would take: symptoms stay here, so its onset is
 * "not known whether symptoms" (docs/spec/europe.md §3.2), and the countries it names are the same for everybody, since a list of
 * one's own tells who one is (docs/spec/europe.md §1.7, §2.4 R15).
 */
import type { EfgsKey } from '../../../protocol/efgs/batch.ts';
import { encodeDsos } from '../../../protocol/efgs/dsos.ts';
import { NO_RISK_LEVEL } from '../../../protocol/efgs/key-rules.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { MAX_RISK_LEVEL, MIN_RISK_LEVEL } from '../../keys/limits.ts';
import { riskLevelOfOnset } from '../../keys/risk.ts';

/** What of a key crosses the border. */
type Carried = Pick<
  TemporaryExposureKey,
  'keyData' | 'rollingStartIntervalNumber' | 'rollingPeriod' | 'transmissionRiskLevel'
>;

/** Not known whether symptoms, on the day of the submission: the same for all. */
const UNTOLD_ONSET = encodeDsos({ kind: 'unknown', offset: 0 });

/**
 * @param key in published form, risk level 1..8
 * @param origin our country
 * @param visitedCountries configured, the same for every key
 * @param revoked the key is taken back: only its origin may
 */
export function toEfgsKey(
  key: Carried,
  origin: string,
  visitedCountries: readonly string[],
  revoked: boolean,
): EfgsKey {
  return {
    keyData: key.keyData,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRiskLevel: key.transmissionRiskLevel,
    visitedCountries,
    origin,
    reportType: revoked ? REPORT_TYPE.REVOKED : REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: UNTOLD_ONSET,
  };
}

/** A key of another country; what it may be is judged by the rules of every peer's keys. */
export interface ForeignKey extends Carried {
  readonly origin: string;
  readonly reportType: number;
}

/**
 * @param key as it came, of a batch whose audit holds
 * @returns it with a risk level 1..8: the one it has, or the one that follows from its onset
 */
export function fromEfgsKey(key: EfgsKey): ForeignKey {
  const { transmissionRiskLevel: level } = key;
  const hasLevel = level !== NO_RISK_LEVEL && level >= MIN_RISK_LEVEL && level <= MAX_RISK_LEVEL;
  return {
    keyData: key.keyData,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRiskLevel: hasLevel ? level : riskLevelOfOnset(key.daysSinceOnsetOfSymptoms),
    origin: key.origin,
    reportType: key.reportType,
  };
}
