/**
 * @module What each model makes of an encounter. Pure, and the same scoring code that the reference phone runs; the
 * explorer's page and its tests both call it.
 */
import type { ReportType } from '../protocol/gaen/keys.ts';
import type { Parameters } from '../protocol/parameters/document.ts';
import type { RiskLevel } from '../protocol/parameters/levels.ts';
import { combinedRisk, riskClassOf } from '../phone/scoring/combined-risk.ts';
import { type WindowRisk, riskOf, windowRisk } from '../phone/scoring/cwa-risk-calculation.ts';
import { dailySummaries, exposureRiskValue } from '../phone/scoring/daily-summaries.ts';
import { type ExposureWindow, exposureWindows } from '../phone/scoring/exposure-windows.ts';
import { exposureSummary, keyExposures } from '../phone/scoring/risk-score-android.ts';
import { iosExposureSummary } from '../phone/scoring/risk-score-ios.ts';
import { SECONDS_PER_DAY, type ScoredMatch, type ScoredSighting, dayOf } from '../phone/scoring/sighting.ts';
import { type WeightedSumResult, weightedSum } from '../phone/scoring/weighted-sum.ts';
import type { Encounter } from './encounters.ts';

/** Noon of an arbitrary day: what the page calls today. */
const NOW = 20_600 * SECONDS_PER_DAY + 18 * 3600;
const NOON = 12 * 3600;
const SCAN_SECONDS = 300;
const SECONDS_PER_INTERVAL = 600;
const HIGH_CONFIDENCE = 3;

export interface Evaluation {
  /** Sightings as two phones would make them: one scan every five minutes. */
  readonly match: ScoredMatch;
  readonly v1: {
    readonly androidScore: number;
    readonly iosScore: number;
    /** Minutes by attenuation bucket, as Android's summary has them. */
    readonly minutes: readonly [number, number, number];
    readonly combinedMinutes: number;
    readonly riskClass: string;
  };
  readonly windows: readonly { readonly window: ExposureWindow; readonly risk: WindowRisk | null }[];
  readonly cwa: {
    /** Normalized minutes of the day, before its level is looked up. */
    readonly normalizedMinutes: number;
    /** null: no level, the day carries no risk. */
    readonly level: RiskLevel | null;
  };
  /** Weighted minutes of the day's summary. */
  readonly summaryMinutes: number;
  readonly weightedSum: WeightedSumResult;
}

/** CWA's transport of a transmission risk level in report type and onset (docs/spec/gaen.md §11). */
export function transport(transmissionRiskLevel: number): { reportType: ReportType; daysSinceOnsetOfSymptoms: number } {
  const reportTypes = [4, 4, 3, 3, 2, 2, 1, 1] as const;
  return {
    reportType: reportTypes[transmissionRiskLevel - 1] ?? 1,
    daysSinceOnsetOfSymptoms: transmissionRiskLevel % 2 === 1 ? 1 : 2,
  };
}

/** @returns what the phone heard, and the key it belongs to; at least one scan */
function toMatch(encounter: Encounter): ScoredMatch {
  const day = (dayOf(NOW) - encounter.daysAgo) * SECONDS_PER_DAY;
  const sightings: ScoredSighting[] = [];
  let minute = 0;
  for (const { minutes, attenuation } of encounter.segments) {
    const end = minute + minutes;
    for (; minute < end; minute += SCAN_SECONDS / 60) {
      const timestamp = day + NOON + minute * 60;
      const interval = Math.floor(timestamp / SECONDS_PER_INTERVAL);
      const previousScan = timestamp - SCAN_SECONDS;
      sightings.push({ timestamp, interval, attenuation, calibrationConfidence: HIGH_CONFIDENCE, previousScan });
    }
  }
  const { transmissionRiskLevel } = encounter;
  return {
    key: {
      rollingStartIntervalNumber: day / SECONDS_PER_INTERVAL,
      transmissionRiskLevel,
      ...transport(transmissionRiskLevel),
    },
    sightings,
  };
}

/** @returns what every model says; `parameters` must have passed validation or nearly so */
export function evaluate(parameters: Parameters, encounter: Encounter): Evaluation {
  const match = toMatch(encounter);
  const { exposureConfiguration, combinedRisk: combined } = parameters.v1;
  const summary = exposureSummary(exposureConfiguration, [match], NOW);
  const combinedMinutes = combinedRisk(combined, summary);
  const windows = exposureWindows([match], parameters.v2.diagnosisKeysDataMapping, null).map((window) => ({
    window,
    risk: windowRisk(parameters.riskCalculation, window),
  }));
  const result = riskOf(
    parameters.riskCalculation,
    windows.map(({ window }) => window),
    NOW,
  );
  const [exposure] = keyExposures(exposureConfiguration, match, NOW).exposures;
  const summaries = dailySummaries(
    parameters.v2.dailySummaries,
    windows.map(({ window }) => window),
    dayOf(NOW),
  );
  return {
    match,
    v1: {
      androidScore: summary.maximumRiskScore,
      iosScore: iosExposureSummary(exposureConfiguration, [match], NOW).maximumRiskScore,
      minutes: summary.attenuationDurationsMinutes,
      combinedMinutes,
      riskClass: riskClassOf(combined.riskClasses, combinedMinutes).label,
    },
    windows,
    cwa: {
      normalizedMinutes: windows.reduce((sum, { risk }) => sum + (risk?.normalizedTime ?? 0), 0),
      level: result.days[0]?.riskLevel ?? null,
    },
    summaryMinutes: exposureRiskValue(summaries[0]?.summary.scoreSum ?? 0),
    weightedSum: weightedSum(parameters.weightedSum, {
      daysSinceExposure: encounter.daysAgo,
      exposureDuration: (exposure?.durationSeconds ?? 0) / 60,
      signalAttenuation: exposure?.attenuationValue ?? 0,
      transmissionRisk: encounter.transmissionRiskLevel,
    }),
  };
}

/** @returns CWA's level of a constant encounter: null, 1 LOW or 2 HIGH */
export function levelAt(
  parameters: Parameters,
  minutes: number,
  attenuation: number,
  transmissionRiskLevel: number,
): RiskLevel | null {
  const match = toMatch({ name: 'Your own', segments: [{ minutes, attenuation }], daysAgo: 1, transmissionRiskLevel });
  const windows = exposureWindows([match], parameters.v2.diagnosisKeysDataMapping, null);
  return riskOf(parameters.riskCalculation, windows, NOW).days[0]?.riskLevel ?? null;
}
