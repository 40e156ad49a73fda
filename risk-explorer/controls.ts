/**
 * @module Which parameters the explorer lets a person move, as data: a label, the places in the document that move
 * together, and bounds.
 */
import type { Parameters } from '../protocol/parameters/document.ts';
import type { Phrase } from './texts/phrases.ts';
import { say } from './texts/say.ts';

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
  /** Whether the 32 level values of GAEN v1 belong to it. */
  readonly hasScores: boolean;
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
export const SCORE_TABLES: readonly {
  readonly title: Phrase;
  readonly unit: Phrase | 'dB' | 'min';
  readonly member: 'attenuationScores' | 'daysSinceLastExposureScores' | 'durationScores' | 'transmissionRiskScores';
  readonly slots: readonly string[];
}[] = [
  { title: 'Attenuation', unit: 'dB', member: 'attenuationScores', slots: ATTENUATION_SLOTS },
  { title: 'Days since', unit: 'days', member: 'daysSinceLastExposureScores', slots: DAYS_SLOTS },
  { title: 'Duration', unit: 'min', member: 'durationScores', slots: DURATION_SLOTS },
  { title: 'Transmission', unit: 'level', member: 'transmissionRiskScores', slots: TRANSMISSION_SLOTS },
];

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
    title: say('Windows and days (CWA)'),
    hint: say('Minutes weigh by attenuation, then by transmission risk; their sum decides a day’s level.'),
    hasScores: false,
    controls: [
      ...weights.flatMap((_, n) => [
        control(say('Weight of range {n}', { n: n + 1 }), `${root}.minutesAtAttenuationWeights.${n}.weight`, 0, 2, 0.1),
        control(say('Range {n} ends at, dB', { n: n + 1 }), edge(n), 30, 100),
      ]),
      ...(perWindow.length > 1
        ? [control(say('Window HIGH from, min'), level('normalizedTimePerEWToRiskLevelMapping', 0), 1, 60)]
        : []),
      control(
        say('Day LOW from, min'),
        `${root}.normalizedTimePerDayToRiskLevelMapping.0.normalizedTimeRange.min`,
        0,
        60,
      ),
      ...(perDay.length > 1
        ? [control(say('Day HIGH from, min'), level('normalizedTimePerDayToRiskLevelMapping', 0), 1, 120)]
        : []),
      ...parameters.riskCalculation.transmissionRiskValueMapping.map((entry, n) =>
        control(
          say('Risk value, level {n}', { n: entry.transmissionRiskLevel }),
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
    title: say('Scores (GAEN v1)'),
    hint: say('Four level values are multiplied; CWA’s first app took the minutes times the highest score.'),
    hasScores: true,
    controls: [
      control(say('Minimum score'), `${configuration}.minimumRiskScore`, 1, 512),
      control(say('Near below, dB'), `${configuration}.durationAtAttenuationThresholds.0`, 30, 90),
      control(say('Far from, dB'), `${configuration}.durationAtAttenuationThresholds.1`, 30, 90),
      control(say('Weight of near minutes'), `${combined}.weights.low`, 0, 1, 0.1),
      control(say('Weight of middle minutes'), `${combined}.weights.mid`, 0, 1, 0.1),
      control(say('Weight of far minutes'), `${combined}.weights.high`, 0, 1, 0.1),
      control(say('Normalization divisor'), `${combined}.riskScoreNormalizationDivisor`, 1, 200),
      control(say('HIGH from, min'), [`${combined}.riskClasses.0.max`, `${combined}.riskClasses.1.min`], 1, 120),
      control(say('Weight: attenuation (iOS)'), `${configuration}.attenuationWeight`, 1, 100),
      control(say('Weight: days (iOS)'), `${configuration}.daysSinceLastExposureWeight`, 1, 100),
      control(say('Weight: duration (iOS)'), `${configuration}.durationWeight`, 1, 100),
      control(say('Weight: transmission (iOS)'), `${configuration}.transmissionRiskWeight`, 1, 100),
    ],
  };
}

function summariesGroup(): Group {
  const root = 'v2.dailySummaries';
  const buckets = ['Weight: immediate', 'Weight: near', 'Weight: medium', 'Weight: other'] as const;
  const reportTypes = [
    'Weight: confirmed test',
    'Weight: clinical diagnosis',
    'Weight: self-report',
    'Weight: recursive',
  ] as const;
  return {
    title: say('Daily summaries (GAEN v2)'),
    hint: say('Seconds weigh by bucket, report type and infectiousness.'),
    hasScores: false,
    controls: [
      ...[0, 1, 2].map((n) =>
        control(say('Threshold {n}, dB', { n: n + 1 }), `${root}.attenuationBucketThresholdDb.${n}`, 10, 100),
      ),
      ...buckets.map((name, n) => control(say(name), `${root}.attenuationBucketWeights.${n}`, 0, 2.5, 0.1)),
      control(say('Weight: standard'), `${root}.infectiousnessWeights.1`, 0, 2.5, 0.1),
      control(say('Weight: high'), `${root}.infectiousnessWeights.2`, 0, 2.5, 0.1),
      ...reportTypes.map((name, n) => control(say(name), `${root}.reportTypeWeights.${n + 1}`, 0, 2.5, 0.1)),
    ],
  };
}

function weightedSumGroup(parameters: Parameters): Group {
  const names = {
    daysSinceExposure: 'Weight: days since exposure',
    exposureDuration: 'Weight: duration',
    signalAttenuation: 'Weight: attenuation',
    transmissionRisk: 'Weight: transmission risk',
  } as const;
  return {
    title: say('Weighted sum (figure 12)'),
    hint: say('Each category gives a value of 1 to 8; weighted, they are added.'),
    hasScores: false,
    controls: [
      ...Object.entries(names).map(([name, text]) => control(say(text), `weightedSum.${name}.weight`, 0, 10, 0.5)),
      ...parameters.weightedSum.riskLevels
        .slice(1)
        .map(({ label }, n) =>
          control(say('“{label}” from', { label }), `weightedSum.riskLevels.${n + 1}.from`, 1, 64),
        ),
      control(say('Alert from'), 'weightedSum.alertThreshold', 1, 64),
    ],
  };
}

function publicationGroup(): Group {
  return {
    title: say('Publishing'),
    hint: say('How the next document is published. About this one, the document in force decides.'),
    hasScores: false,
    controls: [control(say('Second person above a share of, %'), 'publication.secondPersonAbovePercentage', 0, 100)],
  };
}

/** @param parameters a valid document, which decides how many ranges and levels there are */
export function groupsOf(parameters: Parameters): readonly Group[] {
  return [
    riskCalculationGroup(parameters),
    v1Group(),
    summariesGroup(),
    weightedSumGroup(parameters),
    publicationGroup(),
  ];
}
