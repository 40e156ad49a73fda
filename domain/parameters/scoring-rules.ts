/**
 * @module How the scoring parameters must fit together (docs/spec/cwa.md §4, docs/spec/gaen.md §7–§11). Each rule is a function from the
 * document to violations; structure and single values are checked before (protocol/parameters/document.ts).
 */
import type { Parameters, Violation } from '../../protocol/parameters/document.ts';
import { MAX_CLASS_SCORE } from '../../protocol/parameters/exposure-configuration.ts';
import { TRANSMISSION_RISK_LEVELS } from '../../protocol/parameters/levels.ts';
import type { RiskCalculationParameters } from '../../protocol/parameters/risk-calculation.ts';
import { type Coverage, checkRanges, isEmptyRange, rangeText } from './ranges.ts';

/** Top of CWA's ranges of normalized minutes (docs/spec/cwa.md §4.2): one window can't reach it, a day of a thousand could. */
const MAX_NORMALIZED_MINUTES = 9999;
const MAX_SUM_SCORE = 8;
const MIN_SUM_SCORE = 1;

const show = (value: unknown): string => JSON.stringify(value);

/** v1: the two thresholds are ordered, the classes follow each other from 0 to the top. */
export function v1Rules({ v1 }: Parameters): Violation[] {
  const found: Violation[] = [];
  const [low, high] = v1.exposureConfiguration.durationAtAttenuationThresholds;
  if (low > high) {
    found.push({
      path: 'v1.exposureConfiguration.durationAtAttenuationThresholds',
      value: show([low, high]),
      rule: 'the low threshold must not be above the high one',
    });
  }
  const { riskClasses } = v1.combinedRisk;
  const at = (n: number, field: string): string => `v1.combinedRisk.riskClasses[${n}].${field}`;
  for (const [n, { label, min, max }] of riskClasses.entries()) {
    const expected = n === 0 ? 0 : riskClasses[n - 1]!.max;
    if (min > expected) {
      found.push({ path: at(n, 'min'), value: show(min), rule: `leaves a gap: must be ${expected}` });
    }
    if (min < expected) {
      found.push({ path: at(n, 'min'), value: show(min), rule: `overlaps the class before: must be ${expected}` });
    }
    if (max <= min) found.push({ path: at(n, 'max'), value: show(max), rule: `must be above min, ${min}` });
    if (riskClasses.findIndex((other) => other.label === label) !== n) {
      found.push({ path: at(n, 'label'), value: show(label), rule: 'is the label of another class too' });
    }
  }
  const last = riskClasses.length - 1;
  const top = riskClasses[last]!.max;
  if (top !== MAX_CLASS_SCORE) {
    found.push({ path: at(last, 'max'), value: show(top), rule: `the last class must end at ${MAX_CLASS_SCORE}` });
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
    .map(([path, value]) => ({ path, value: show(value), rule: 'thresholds must rise strictly' }));
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
      found.push({ path, value: show(slots), rule: 'must not map every day to NONE, which drops every exposure' });
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
    .map((at) => ({ path: at.path, value: rangeText(at.range), rule: 'holds no value' }));
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
      ? [{ path: `${path}[${n}].riskLevel`, value: show(riskLevel), rule: 'must not be below the level of less time' }]
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
    const rule = count === 0 ? `level ${level} is missing` : `level ${level} is mapped ${count} times`;
    found.push({ path, value: show(levels), rule });
  }
  for (const [n, entry] of mapping.entries()) {
    const lower = mapping.find(
      (other) =>
        other.transmissionRiskLevel < entry.transmissionRiskLevel &&
        other.transmissionRiskValue > entry.transmissionRiskValue,
    );
    if (lower === undefined) continue;
    found.push({
      path: `${path}[${n}].transmissionRiskValue`,
      value: show(entry.transmissionRiskValue),
      rule: `must not be below the value of the lower level ${lower.transmissionRiskLevel}`,
    });
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
      found.push({
        path: `${path}.trlEncoding.${name}`,
        value: show(offset),
        rule: `with infectiousness offset ${infectiousness} gives level ${level}, which is not in 1..8`,
      });
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
      found.push({ path: `${path}.from`, value: show(from), rule: 'the first level must begin at 0' });
    }
    if (before !== undefined && from <= before.from) {
      found.push({ path: `${path}.from`, value: show(from), rule: `must be above the level before, ${before.from}` });
    }
    if (model.riskLevels.findIndex((other) => other.label === label) !== n) {
      found.push({ path: `${path}.label`, value: show(label), rule: 'is the label of another level too' });
    }
  }
  const weights = names.reduce((sum, name) => sum + model[name].weight, 0);
  const [lowest, highest] = [weights * MIN_SUM_SCORE, weights * MAX_SUM_SCORE];
  if (!(model.alertThreshold > lowest && model.alertThreshold <= highest)) {
    found.push({
      path: 'weightedSum.alertThreshold',
      value: show(model.alertThreshold),
      rule: `must be above ${lowest} and at most ${highest}, the sums that these weights allow`,
    });
  }
  return found;
}
