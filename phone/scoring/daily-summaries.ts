/**
 * @module DailySummaries: GAEN's own score of exposure windows by day and report type (docs/spec/gaen.md §9).
 */
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import type { DailySummariesConfig, IosExposureConfiguration } from '../../protocol/parameters/exposure-window-mode.ts';
import type { ExposureWindow, ScanInstance } from './exposure-windows.ts';
import { SECONDS_PER_DAY } from './sighting.ts';

const MS_PER_SECOND = 1000;

interface SummaryData {
  readonly maximumScore: number;
  readonly scoreSum: number;
  /** Weighted seconds. */
  readonly weightedDurationSum: number;
}

export interface DailySummary {
  readonly daysSinceEpoch: number;
  readonly summary: SummaryData;
  /** By report type 1..4; only those with a window that counts. */
  readonly byReportType: Readonly<Partial<Record<SummaryReportType, SummaryData>>>;
}

type SummaryReportType = '1' | '2' | '3' | '4';

const NOTHING: SummaryData = { maximumScore: 0, scoreSum: 0, weightedDurationSum: 0 };

/**
 * A window's time by attenuation bucket; an attenuation equal to a threshold is in the nearer bucket (docs/spec/gaen.md §9).
 * @returns weighted seconds
 */
function weightedDuration(config: DailySummariesConfig, instances: readonly ScanInstance[]): number {
  const [t0, t1, t2] = config.attenuationBucketThresholdDb;
  const [immediate, near, medium, other] = config.attenuationBucketWeights;
  return instances.reduce((seconds, { typicalAttenuationDb: a, secondsSinceLastScan }) => {
    const weight = a <= t0 ? immediate : a <= t1 ? near : a <= t2 ? medium : other;
    return seconds + secondsSinceLastScan * weight;
  }, 0);
}

/** @returns weighted seconds × report type weight × infectiousness weight; NONE and report types outside 1..4 weigh 0 */
export function windowScore(config: DailySummariesConfig, window: ExposureWindow): number {
  const reportWeight = isSummarised(window.reportType) ? config.reportTypeWeights[window.reportType] : 0;
  const infectiousnessWeight = window.infectiousness === 0 ? 0 : config.infectiousnessWeights[window.infectiousness];
  return weightedDuration(config, window.scanInstances) * reportWeight * infectiousnessWeight;
}

function isSummarised(reportType: number): reportType is 1 | 2 | 3 | 4 {
  return reportType >= REPORT_TYPE.CONFIRMED_TEST && reportType <= REPORT_TYPE.RECURSIVE;
}

function add(data: SummaryData, score: number, duration: number): SummaryData {
  return {
    maximumScore: Math.max(data.maximumScore, score),
    scoreSum: data.scoreSum + score,
    weightedDurationSum: data.weightedDurationSum + duration,
  };
}

/**
 * Sums windows by day. A day whose windows all stay below the minimum still appears, with zeros (docs/spec/gaen.md §9).
 * @param today days since the Unix epoch; only used if the configuration has a threshold in days
 * @returns by day, oldest first
 */
export function dailySummaries(
  config: DailySummariesConfig,
  windows: readonly ExposureWindow[],
  today: number,
): DailySummary[] {
  const days = new Map<number, Partial<Record<SummaryReportType, SummaryData>>>();
  for (const window of windows) {
    const { reportType } = window;
    if (!isSummarised(reportType)) continue;
    const day = Math.floor(window.dateMillisSinceEpoch / (SECONDS_PER_DAY * MS_PER_SECOND));
    if (config.daysSinceExposureThreshold > 0 && today - day > config.daysSinceExposureThreshold) continue;
    const byReportType = days.get(day) ?? {};
    days.set(day, byReportType);
    const score = windowScore(config, window);
    if (score < config.minimumWindowScore) continue;
    const duration = weightedDuration(config, window.scanInstances);
    byReportType[reportType] = add(byReportType[reportType] ?? NOTHING, score, duration);
  }
  return [...days]
    .toSorted(([a], [b]) => a - b)
    .map(([daysSinceEpoch, byReportType]) => ({ daysSinceEpoch, summary: sum(byReportType), byReportType }));
}

function sum(byReportType: Partial<Record<SummaryReportType, SummaryData>>): SummaryData {
  return Object.values(byReportType).reduce(
    (total, data) => ({
      maximumScore: Math.max(total.maximumScore, data.maximumScore),
      scoreSum: total.scoreSum + data.scoreSum,
      weightedDurationSum: total.weightedDurationSum + data.weightedDurationSum,
    }),
    NOTHING,
  );
}

const PERCENT = 100;

/**
 * iOS's configuration in Android's terms, so that one code scores both; weights there are per cent (docs/spec/gaen.md §9).
 */
export function fromIos(ios: IosExposureConfiguration): DailySummariesConfig {
  return {
    attenuationBucketThresholdDb: ios.attenuationDurationThresholds,
    attenuationBucketWeights: [
      ios.immediateDurationWeight / PERCENT,
      ios.nearDurationWeight / PERCENT,
      ios.mediumDurationWeight / PERCENT,
      ios.otherDurationWeight / PERCENT,
    ],
    daysSinceExposureThreshold: ios.daysSinceLastExposureThreshold,
    infectiousnessWeights: {
      '1': ios.infectiousnessStandardWeight / PERCENT,
      '2': ios.infectiousnessHighWeight / PERCENT,
    },
    minimumWindowScore: 0,
    reportTypeWeights: {
      '1': ios.reportTypeConfirmedTestWeight / PERCENT,
      '2': ios.reportTypeConfirmedClinicalDiagnosisWeight / PERCENT,
      '3': ios.reportTypeSelfReportedWeight / PERCENT,
      '4': ios.reportTypeRecursiveWeight / PERCENT,
    },
  };
}

const SECONDS_PER_MINUTE = 60;

/** iOS shows a score as "exposure risk value": minutes, rounded to the nearest (docs/spec/gaen.md §9). */
export function exposureRiskValue(score: number): number {
  return Math.round(score / SECONDS_PER_MINUTE);
}
