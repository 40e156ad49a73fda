/**
 * @module Which parameters the explorer lets a person move, as data: a label, the places in the document that move
 * together, and bounds.
 */
import type { Parameters } from '../protocol/parameters/document.ts';

interface Control {
  readonly label: string;
  /** `a.0.b`; a threshold between two ranges is the end of one and the beginning of the next. */
  readonly paths: readonly string[];
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

export interface Group {
  readonly title: string;
  readonly hint: string;
  readonly controls: readonly Control[];
}

const control = (label: string, paths: string | readonly string[], min: number, max: number, step = 1): Control => ({
  label,
  paths: typeof paths === 'string' ? [paths] : paths,
  min,
  max,
  step,
});

/** @returns the number at a path @throws {RangeError} when there is none */
export function readNumber(document: unknown, path: string): number {
  const value = path
    .split('.')
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], document);
  if (typeof value !== 'number') throw new RangeError(`${path}: no number there`);
  return value;
}

/** Sets the number at a path, in place. */
export function writeNumber(document: unknown, path: string, value: number): void {
  const names = path.split('.');
  const last = names.pop()!;
  const parent = names.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], document);
  (parent as Record<string, number>)[last] = value;
}

const ATTENUATION_SLOTS = ['> 73', '> 63', '> 51', '> 33', '> 27', '> 15', '> 10', '≤ 10'];
const DAYS_SLOTS = ['≥ 14', '≥ 12', '≥ 10', '≥ 8', '≥ 6', '≥ 4', '≥ 2', '< 2'];
const DURATION_SLOTS = ['0', '≤ 5', '≤ 10', '≤ 15', '≤ 20', '≤ 25', '≤ 30', '> 30'];
const TRANSMISSION_SLOTS = ['1', '2', '3', '4', '5', '6', '7', '8'];

/** The four tables of GAEN v1: heading, unit, member of the document, and what each slot stands for. */
export const SCORE_TABLES = [
  { title: 'Attenuation', unit: 'dB', member: 'attenuationScores', slots: ATTENUATION_SLOTS },
  { title: 'Days since', unit: 'days', member: 'daysSinceLastExposureScores', slots: DAYS_SLOTS },
  { title: 'Duration', unit: 'min', member: 'durationScores', slots: DURATION_SLOTS },
  { title: 'Transmission', unit: 'level', member: 'transmissionRiskScores', slots: TRANSMISSION_SLOTS },
] as const;

function riskCalculationGroup(parameters: Parameters): Group {
  const root = 'riskCalculation';
  const weights = parameters.riskCalculation.minutesAtAttenuationWeights;
  const edge = (n: number): readonly string[] => [
    `${root}.minutesAtAttenuationWeights.${n}.attenuationRange.max`,
    ...(n + 1 < weights.length ? [`${root}.minutesAtAttenuationWeights.${n + 1}.attenuationRange.min`] : []),
  ];
  const level = (member: string, n: number): readonly string[] => [
    `${root}.${member}.${n}.normalizedTimeRange.max`,
    `${root}.${member}.${n + 1}.normalizedTimeRange.min`,
  ];
  const perDay = parameters.riskCalculation.normalizedTimePerDayToRiskLevelMapping;
  const perWindow = parameters.riskCalculation.normalizedTimePerEWToRiskLevelMapping;
  return {
    title: 'Windows and days (CWA)',
    hint: 'Minutes weigh by attenuation, then by transmission risk; their sum decides a day’s level.',
    controls: [
      ...weights.flatMap((_, n) => [
        control(`Weight of range ${n + 1}`, `${root}.minutesAtAttenuationWeights.${n}.weight`, 0, 2, 0.1),
        control(`Range ${n + 1} ends at, dB`, edge(n), 30, 100),
      ]),
      ...(perWindow.length > 1
        ? [control('Window HIGH from, min', level('normalizedTimePerEWToRiskLevelMapping', 0), 1, 60)]
        : []),
      control('Day LOW from, min', `${root}.normalizedTimePerDayToRiskLevelMapping.0.normalizedTimeRange.min`, 0, 60),
      ...(perDay.length > 1
        ? [control('Day HIGH from, min', level('normalizedTimePerDayToRiskLevelMapping', 0), 1, 120)]
        : []),
      ...parameters.riskCalculation.transmissionRiskValueMapping.map((entry, n) =>
        control(
          `Risk value, level ${entry.transmissionRiskLevel}`,
          `${root}.transmissionRiskValueMapping.${n}.transmissionRiskValue`,
          0,
          3,
          0.1,
        ),
      ),
    ],
  };
}

function v1Group(): Group {
  const configuration = 'v1.exposureConfiguration';
  const combined = 'v1.combinedRisk';
  return {
    title: 'Scores (GAEN v1)',
    hint: 'Four level values are multiplied; CWA’s first app took the minutes times the highest score.',
    controls: [
      control('Minimum score', `${configuration}.minimumRiskScore`, 1, 512),
      control('Near below, dB', `${configuration}.durationAtAttenuationThresholds.0`, 30, 90),
      control('Far from, dB', `${configuration}.durationAtAttenuationThresholds.1`, 30, 90),
      control('Weight of near minutes', `${combined}.weights.low`, 0, 1, 0.1),
      control('Weight of middle minutes', `${combined}.weights.mid`, 0, 1, 0.1),
      control('Weight of far minutes', `${combined}.weights.high`, 0, 1, 0.1),
      control('Normalization divisor', `${combined}.riskScoreNormalizationDivisor`, 1, 200),
      control('HIGH from, min', [`${combined}.riskClasses.0.max`, `${combined}.riskClasses.1.min`], 1, 120),
      control('Weight: attenuation (iOS)', `${configuration}.attenuationWeight`, 1, 100),
      control('Weight: days (iOS)', `${configuration}.daysSinceLastExposureWeight`, 1, 100),
      control('Weight: duration (iOS)', `${configuration}.durationWeight`, 1, 100),
      control('Weight: transmission (iOS)', `${configuration}.transmissionRiskWeight`, 1, 100),
    ],
  };
}

function summariesGroup(): Group {
  const root = 'v2.dailySummaries';
  const buckets = ['immediate', 'near', 'medium', 'other'];
  const reportTypes = ['confirmed test', 'clinical diagnosis', 'self-report', 'recursive'];
  return {
    title: 'Daily summaries (GAEN v2)',
    hint: 'Seconds weigh by bucket, report type and infectiousness.',
    controls: [
      ...[0, 1, 2].map((n) => control(`Threshold ${n + 1}, dB`, `${root}.attenuationBucketThresholdDb.${n}`, 10, 100)),
      ...buckets.map((name, n) => control(`Weight: ${name}`, `${root}.attenuationBucketWeights.${n}`, 0, 2.5, 0.1)),
      control('Weight: standard', `${root}.infectiousnessWeights.1`, 0, 2.5, 0.1),
      control('Weight: high', `${root}.infectiousnessWeights.2`, 0, 2.5, 0.1),
      ...reportTypes.map((name, n) => control(`Weight: ${name}`, `${root}.reportTypeWeights.${n + 1}`, 0, 2.5, 0.1)),
    ],
  };
}

function weightedSumGroup(parameters: Parameters): Group {
  const names = {
    daysSinceExposure: 'days since exposure',
    exposureDuration: 'duration',
    signalAttenuation: 'attenuation',
    transmissionRisk: 'transmission risk',
  };
  return {
    title: 'Weighted sum (figure 12)',
    hint: 'Each category gives a value of 1 to 8; weighted, they are added.',
    controls: [
      ...Object.entries(names).map(([name, text]) =>
        control(`Weight: ${text}`, `weightedSum.${name}.weight`, 0, 10, 0.5),
      ),
      ...parameters.weightedSum.riskLevels
        .slice(1)
        .map(({ label }, n) => control(`“${label}” from`, `weightedSum.riskLevels.${n + 1}.from`, 1, 64)),
      control('Alert from', 'weightedSum.alertThreshold', 1, 64),
    ],
  };
}

/** @param parameters a valid document, which decides how many ranges and levels there are */
export function groupsOf(parameters: Parameters): readonly Group[] {
  return [riskCalculationGroup(parameters), v1Group(), summariesGroup(), weightedSumGroup(parameters)];
}
