/**
 * @module How the scoring parameters must fit together (docs/spec/cwa.md §4, docs/spec/gaen.md §7–§11). Each rule is a function from the
 * document to violations; structure and single values are checked before (protocol/parameters/document.ts).
 */
import type { Parameters } from '../../protocol/parameters/document.ts';
import { MAX_CLASS_SCORE } from '../../protocol/parameters/exposure-configuration.ts';
import { TRANSMISSION_RISK_LEVELS } from '../../protocol/parameters/levels.ts';
import type { RiskCalculationParameters } from '../../protocol/parameters/risk-calculation.ts';
import { type Violation, violation } from '../../protocol/parameters/violation.ts';
import { type Coverage, checkRanges, isEmptyRange, rangeText } from './ranges.ts';

/** Top of CWA's ranges of normalized minutes (docs/spec/cwa.md §4.2): one window can't reach it, a day of a thousand could. */
const MAX_NORMALIZED_MINUTES = 9999;
const MAX_SUM_SCORE = 8;
const MIN_SUM_SCORE = 1;

/** v1: the two thresholds are ordered, the classes follow each other from 0 to the top. */
export function v1Rules({ v1 }: Parameters): Violation[] {
  const found: Violation[] = [];
  const [low, high] = v1.exposureConfiguration.durationAtAttenuationThresholds;
  if (low > high) {
    const path = 'v1.exposureConfiguration.durationAtAttenuationThresholds';
    found.push(violation(path, [low, high], 'the low threshold must not be above the high one'));
  }
  const { riskClasses } = v1.combinedRisk;
  const at = (n: number, field: string): string => `v1.combinedRisk.riskClasses[${n}].${field}`;
  for (const [n, { label, min, max }] of riskClasses.entries()) {
    const expected = n === 0 ? 0 : riskClasses[n - 1]!.max;
    if (min > expected) {
      found.push(violation(at(n, 'min'), min, 'leaves a gap: must be {expected}', { expected }));
    }
    if (min < expected) {
      found.push(violation(at(n, 'min'), min, 'overlaps the class before: must be {expected}', { expected }));
    }
    if (max <= min) found.push(violation(at(n, 'max'), max, 'must be above min, {min}', { min }));
    if (riskClasses.findIndex((other) => other.label === label) !== n) {
      found.push(violation(at(n, 'label'), label, 'is the label of another class too'));
    }
  }
  const last = riskClasses.length - 1;
  const top = riskClasses[last]!.max;
  if (top !== MAX_CLASS_SCORE) {
    found.push(violation(at(last, 'max'), top, 'the last class must end at {top}', { top: MAX_CLASS_SCORE }));
  }
  return found;
}

/** v2: bucket thresholds rise, and at least one onset day leads to a warning. */
export function v2Rules({ v2 }: Parameters): Violation[] {
  const thresholds = [
    ['v2.dailySummaries.attenuationBucketThresholdDb', v2.dailySummaries.attenuationBucketThresholdDb],
    [
      'v2.iosExposureConfiguration.attenuationDurationThresholds',
      v2.iosExposureConfiguration.attenuationDurationThresholds,
    ],
  ] as const;
  const found: Violation[] = thresholds
    .filter(([, [a, b, c]]) => !(a < b && b < c))
    .map(([path, value]) => violation(path, value, 'thresholds must rise strictly'));
  const maps = [
    [
      'v2.diagnosisKeysDataMapping.daysSinceOnsetToInfectiousness',
      v2.diagnosisKeysDataMapping.daysSinceOnsetToInfectiousness,
    ],
    [
      'v2.iosExposureConfiguration.infectiousnessForDaysSinceOnsetOfSymptoms',
      v2.iosExposureConfiguration.infectiousnessForDaysSinceOnsetOfSymptoms,
    ],
  ] as const;
  for (const [path, slots] of maps) {
    if (slots.every((slot) => slot === 0)) {
      found.push(violation(path, slots, 'must not map every day to NONE, which drops every exposure'));
    }
  }
  return found;
}

/** CWA's risk calculation: ranges without gap or overlap, levels that rise, every transmission risk level mapped. */
export function riskCalculationRules(path: string, parameters: RiskCalculationParameters): Violation[] {
  return [
    ...filterRules(path, parameters),
    ...checkRanges(
      parameters.minutesAtAttenuationWeights.map(({ attenuationRange: range }, n) => ({
        path: `${path}.minutesAtAttenuationWeights[${n}].attenuationRange`,
        range,
      })),
      { from: 0, to: null, whole: false },
    ),
    ...levelRules(`${path}.normalizedTimePerEWToRiskLevelMapping`, parameters.normalizedTimePerEWToRiskLevelMapping, 0),
    // A day may carry no risk: its first range begins where the first level does.
    ...levelRules(
      `${path}.normalizedTimePerDayToRiskLevelMapping`,
      parameters.normalizedTimePerDayToRiskLevelMapping,
      null,
    ),
    ...transmissionRules(path, parameters),
  ];
}

function filterRules(path: string, parameters: RiskCalculationParameters): Violation[] {
  const ranges = [
    ...parameters.minutesAtAttenuationFilters.flatMap(({ attenuationRange, dropIfMinutesInRange }, n) => [
      { path: `${path}.minutesAtAttenuationFilters[${n}].attenuationRange`, range: attenuationRange, whole: false },
      {
        path: `${path}.minutesAtAttenuationFilters[${n}].dropIfMinutesInRange`,
        range: dropIfMinutesInRange,
        whole: false,
      },
    ]),
    ...parameters.trlFilters.map(({ dropIfTrlInRange: range }, n) => ({
      path: `${path}.trlFilters[${n}].dropIfTrlInRange`,
      range,
      whole: true,
    })),
  ];
  return ranges
    .filter(({ range, whole }) => isEmptyRange(range, whole))
    .map((at) => ({ path: at.path, value: rangeText(at.range), rule: 'holds no value', values: {} }));
}

/**
 * @param path of the mapping
 * @param from lowest time that must have a level; null: the first range may begin anywhere
 * @returns gaps, overlaps, ends too early, levels that fall as time grows
 */
export function levelRules(
  path: string,
  mapping: RiskCalculationParameters['normalizedTimePerEWToRiskLevelMapping'],
  from: number | null,
): Violation[] {
  const ranges = mapping.map(({ normalizedTimeRange: range }, n) => ({
    path: `${path}[${n}].normalizedTimeRange`,
    range,
  }));
  const falling = mapping.flatMap(({ riskLevel }, n) =>
    n > 0 && riskLevel < mapping[n - 1]!.riskLevel
      ? [violation(`${path}[${n}].riskLevel`, riskLevel, 'must not be below the level of less time')]
      : [],
  );
  return [...checkRanges(ranges, { from, to: MAX_NORMALIZED_MINUTES, whole: false }), ...falling];
}

/** @param path of the mapping @returns levels of 1..8 that are missing or doubled, values that fall as levels rise */
export function riskValueRules(
  path: string,
  mapping: RiskCalculationParameters['transmissionRiskValueMapping'],
): Violation[] {
  const found: Violation[] = [];
  const levels = mapping.map((entry) => entry.transmissionRiskLevel);
  for (const level of TRANSMISSION_RISK_LEVELS) {
    const count = levels.filter((other) => other === level).length;
    if (count === 1) continue;
    const rule = count === 0 ? 'level {level} is missing' : 'level {level} is mapped {count} times';
    found.push(violation(path, levels, rule, { level, count }));
  }
  for (const [n, entry] of mapping.entries()) {
    const lower = mapping.find(
      (other) =>
        other.transmissionRiskLevel < entry.transmissionRiskLevel &&
        other.transmissionRiskValue > entry.transmissionRiskValue,
    );
    if (lower === undefined) continue;
    const rule = 'must not be below the value of the lower level {level}';
    const at = `${path}[${n}].transmissionRiskValue`;
    found.push(violation(at, entry.transmissionRiskValue, rule, { level: lower.transmissionRiskLevel }));
  }
  return found;
}

function transmissionRules(path: string, parameters: RiskCalculationParameters): Violation[] {
  const found = riskValueRules(`${path}.transmissionRiskValueMapping`, parameters.transmissionRiskValueMapping);
  const { infectiousnessOffsetStandard, infectiousnessOffsetHigh, ...reportTypes } = parameters.trlEncoding;
  for (const [name, offset] of Object.entries(reportTypes)) {
    for (const infectiousness of [infectiousnessOffsetStandard, infectiousnessOffsetHigh]) {
      const level = offset + infectiousness;
      if (level >= 1 && level <= TRANSMISSION_RISK_LEVELS.length) continue;
      const rule = 'with infectiousness offset {offset} gives level {level}, which is not in 1..8';
      found.push(violation(`${path}.trlEncoding.${name}`, offset, rule, { offset: infectiousness, level }));
    }
  }
  return found;
}

/** What the inputs of figure 12 can be; a category must have a range for each of them. */
const SUM_INPUTS: Readonly<
  Record<'daysSinceExposure' | 'exposureDuration' | 'signalAttenuation' | 'transmissionRisk', Coverage>
> = {
  daysSinceExposure: { from: 0, to: 14, whole: true },
  exposureDuration: { from: 0, to: 1440, whole: false },
  signalAttenuation: { from: 0, to: 255, whole: false },
  transmissionRisk: { from: 1, to: 8, whole: true },
};

/** Figure 12: every input has one value, levels rise from 0, and the alert can go off but not always does. */
export function weightedSumRules({ weightedSum: model }: Parameters): Violation[] {
  const names = Object.keys(SUM_INPUTS) as (keyof typeof SUM_INPUTS)[];
  const found = names.flatMap((name) =>
    checkRanges(
      model[name].ranges.map(({ range }, n) => ({ path: `weightedSum.${name}.ranges[${n}].range`, range })),
      SUM_INPUTS[name],
    ),
  );
  for (const [n, { label, from }] of model.riskLevels.entries()) {
    const path = `weightedSum.riskLevels[${n}]`;
    const before = model.riskLevels[n - 1];
    if (before === undefined && from !== 0) {
      found.push(violation(`${path}.from`, from, 'the first level must begin at 0'));
    }
    if (before !== undefined && from <= before.from) {
      const rule = 'must be above the level before, {before}';
      found.push(violation(`${path}.from`, from, rule, { before: before.from }));
    }
    if (model.riskLevels.findIndex((other) => other.label === label) !== n) {
      found.push(violation(`${path}.label`, label, 'is the label of another level too'));
    }
  }
  const weights = names.reduce((sum, name) => sum + model[name].weight, 0);
  const [lowest, highest] = [weights * MIN_SUM_SCORE, weights * MAX_SUM_SCORE];
  if (!(model.alertThreshold > lowest && model.alertThreshold <= highest)) {
    const rule = 'must be above {lowest} and at most {highest}, the sums that these weights allow';
    found.push(violation('weightedSum.alertThreshold', model.alertThreshold, rule, { lowest, highest }));
  }
  return found;
}
