/**
 * @module CWA's risk calculation on exposure windows (docs/spec/gaen.md §11): normalized minutes a window, then a day, then a
 * total. "Dropped" windows count nowhere; windows of a day without a level count nowhere either.
 */
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { RISK_LEVEL, type RiskLevel } from '../../protocol/parameters/levels.ts';
import type { RiskCalculationParameters } from '../../protocol/parameters/risk-calculation.ts';
import type { ExposureWindow, ScanInstance } from './exposure-windows.ts';
import { contains } from './range.ts';

const SECONDS_PER_MINUTE = 60;
const MS_PER_DAY = 86_400_000;
const DEFAULT_MAX_AGE_DAYS = 14;
const HIGH_INFECTIOUSNESS = 2;

export interface WindowRisk {
  readonly window: ExposureWindow;
  /** 1..8 */
  readonly transmissionRiskLevel: number;
  readonly transmissionRiskValue: number;
  readonly weightedMinutes: number;
  /** transmissionRiskValue × weightedMinutes, not rounded. */
  readonly normalizedTime: number;
  readonly riskLevel: RiskLevel;
}

interface DayRisk {
  /** UTC midnight, ms since the Unix epoch. */
  readonly dateMillisSinceEpoch: number;
  /** Sum over the day, to one decimal. */
  readonly normalizedTime: number;
  readonly riskLevel: RiskLevel;
  /** Different pairs of transmission risk level and calibration confidence among the day's windows of a level. */
  readonly minimumDistinctEncounters: Readonly<Record<RiskLevel, number>>;
}

export interface RiskResult {
  /** HIGH if any day is HIGH, else LOW: never unknown, even without windows. */
  readonly totalRiskLevel: RiskLevel;
  readonly totalMinimumDistinctEncounters: Readonly<Record<RiskLevel, number>>;
  /** UTC midnight in ms, null if no day has the level. */
  readonly mostRecentDate: Readonly<Record<RiskLevel, number | null>>;
  readonly numberOfDays: Readonly<Record<RiskLevel, number>>;
  /** Oldest first. */
  readonly days: readonly DayRisk[];
}

/** The client's clock can jump, which makes negative times (docs/spec/gaen.md §11 step 2). */
const secondsOf = (instance: ScanInstance): number => Math.max(0, instance.secondsSinceLastScan);

/**
 * Transmission risk level that a window's report type and infectiousness encode.
 * @returns 1..8 with CWA's offsets
 * @throws {RangeError} for report types outside 1..4, which no window has
 */
export function transmissionRiskLevel(
  encoding: RiskCalculationParameters['trlEncoding'],
  window: Pick<ExposureWindow, 'reportType' | 'infectiousness'>,
): number {
  const infectiousness =
    window.infectiousness === HIGH_INFECTIOUSNESS
      ? encoding.infectiousnessOffsetHigh
      : encoding.infectiousnessOffsetStandard;
  switch (window.reportType) {
    case REPORT_TYPE.RECURSIVE:
      return encoding.reportTypeOffsetRecursive + infectiousness;
    case REPORT_TYPE.SELF_REPORT:
      return encoding.reportTypeOffsetSelfReport + infectiousness;
    case REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS:
      return encoding.reportTypeOffsetConfirmedClinicalDiagnosis + infectiousness;
    case REPORT_TYPE.CONFIRMED_TEST:
      return encoding.reportTypeOffsetConfirmedTest + infectiousness;
    default:
      throw new RangeError(`reportType: ${window.reportType} is not a report type of exposure windows, 1..4`);
  }
}

/**
 * Seconds × weight by minimum attenuation; the first range that holds it decides, without one it counts nothing.
 * @returns minutes
 */
function weightedMinutes(parameters: RiskCalculationParameters, instances: readonly ScanInstance[]): number {
  const seconds = instances.reduce((sum, instance) => {
    const entry = parameters.minutesAtAttenuationWeights.find(({ attenuationRange }) =>
      contains(attenuationRange, instance.minAttenuationDb),
    );
    return sum + secondsOf(instance) * (entry?.weight ?? 0);
  }, 0);
  return seconds / SECONDS_PER_MINUTE;
}

function isDroppedByAttenuation(parameters: RiskCalculationParameters, window: ExposureWindow): boolean {
  return parameters.minutesAtAttenuationFilters.some(({ attenuationRange, dropIfMinutesInRange }) => {
    const seconds = window.scanInstances
      .filter((instance) => contains(attenuationRange, instance.minAttenuationDb))
      .reduce((sum, instance) => sum + secondsOf(instance), 0);
    return contains(dropIfMinutesInRange, seconds / SECONDS_PER_MINUTE);
  });
}

/**
 * Steps 2 to 7 of docs/spec/gaen.md §11 for one window.
 * @returns null if the window is dropped
 * @throws {RangeError} for report types outside 1..4
 */
export function windowRisk(parameters: RiskCalculationParameters, window: ExposureWindow): WindowRisk | null {
  if (isDroppedByAttenuation(parameters, window)) return null;
  const trl = transmissionRiskLevel(parameters.trlEncoding, window);
  if (parameters.trlFilters.some(({ dropIfTrlInRange }) => contains(dropIfTrlInRange, trl))) return null;
  const mapped = parameters.transmissionRiskValueMapping.find((entry) => entry.transmissionRiskLevel === trl);
  const transmissionRiskValue = mapped?.transmissionRiskValue ?? 0;
  const minutes = weightedMinutes(parameters, window.scanInstances);
  const normalizedTime = transmissionRiskValue * minutes;
  const level = levelOf(parameters.normalizedTimePerEWToRiskLevelMapping, normalizedTime);
  if (level === null) return null;
  return {
    window,
    transmissionRiskLevel: trl,
    transmissionRiskValue,
    weightedMinutes: minutes,
    normalizedTime,
    riskLevel: level,
  };
}

type TimeToRiskLevel = RiskCalculationParameters['normalizedTimePerEWToRiskLevelMapping'];

function levelOf(mapping: TimeToRiskLevel, normalizedTime: number): RiskLevel | null {
  return mapping.find((entry) => contains(entry.normalizedTimeRange, normalizedTime))?.riskLevel ?? null;
}

const both = <T>(of: (level: RiskLevel) => T): Record<RiskLevel, T> => ({
  [RISK_LEVEL.LOW]: of(RISK_LEVEL.LOW),
  [RISK_LEVEL.HIGH]: of(RISK_LEVEL.HIGH),
});

function dayRisk(parameters: RiskCalculationParameters, date: number, risks: readonly WindowRisk[]): DayRisk | null {
  const exact = risks.reduce((sum, risk) => sum + risk.normalizedTime, 0);
  // To one decimal: 0.6 + 4.8 + 3.6 must reach 9, whatever floating point makes of it.
  const normalizedTime = Math.round(exact * 10) / 10;
  const level = levelOf(parameters.normalizedTimePerDayToRiskLevelMapping, normalizedTime);
  if (level === null) return null;
  const encounters = (of: RiskLevel): number =>
    new Set(
      risks
        .filter((risk) => risk.riskLevel === of)
        .map((risk) => `${risk.transmissionRiskLevel}_${risk.window.calibrationConfidence}`),
    ).size;
  return {
    dateMillisSinceEpoch: date,
    normalizedTime,
    riskLevel: level,
    minimumDistinctEncounters: both(encounters),
  };
}

/**
 * The risk of all windows.
 * @param now Unix seconds; windows of days before now's UTC day − maxEncounterAgeInDays are left out. null: no limit
 * @throws {RangeError} for report types outside 1..4
 */
export function riskOf(
  parameters: RiskCalculationParameters,
  windows: readonly ExposureWindow[],
  now: number | null,
): RiskResult {
  const oldest = now === null ? Number.NEGATIVE_INFINITY : oldestDate(parameters, now);
  const byDate = new Map<number, WindowRisk[]>();
  for (const window of windows) {
    if (window.dateMillisSinceEpoch < oldest) continue;
    const risk = windowRisk(parameters, window);
    if (risk === null) continue;
    const risks = byDate.get(window.dateMillisSinceEpoch);
    if (risks === undefined) byDate.set(window.dateMillisSinceEpoch, [risk]);
    else risks.push(risk);
  }
  const days = [...byDate]
    .map(([date, risks]) => dayRisk(parameters, date, risks))
    .filter((day) => day !== null)
    .toSorted((a, b) => a.dateMillisSinceEpoch - b.dateMillisSinceEpoch);
  const ofLevel = (level: RiskLevel): DayRisk[] => days.filter((day) => day.riskLevel === level);
  return {
    totalRiskLevel: ofLevel(RISK_LEVEL.HIGH).length > 0 ? RISK_LEVEL.HIGH : RISK_LEVEL.LOW,
    totalMinimumDistinctEncounters: both((level) =>
      days.reduce((sum, day) => sum + day.minimumDistinctEncounters[level], 0),
    ),
    mostRecentDate: both((level) => ofLevel(level).at(-1)?.dateMillisSinceEpoch ?? null),
    numberOfDays: both((level) => ofLevel(level).length),
    days,
  };
}

function oldestDate(parameters: RiskCalculationParameters, now: number): number {
  const days = parameters.maxEncounterAgeInDays === 0 ? DEFAULT_MAX_AGE_DAYS : parameters.maxEncounterAgeInDays;
  const today = Math.floor((now * 1000) / MS_PER_DAY) * MS_PER_DAY;
  return today - days * MS_PER_DAY;
}
