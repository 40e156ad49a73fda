/**
 * @module How the section for CWA's unmodified apps must fit together: the ranges of what a check-in counts (docs/spec/cwa.md §4.3).
 */
import type { Parameters } from '../../protocol/parameters/document.ts';
import type { Violation } from '../../protocol/parameters/violation.ts';
import { checkRanges, isEmptyRange, rangeText } from './ranges.ts';
import { levelRules, riskValueRules } from './scoring-rules.ts';

const PATH = 'cwaApps.presenceTracingParameters';

/** Levels cover every time above none and don't fall, each transmission risk level has a value, durations follow each other. */
export function cwaAppsRules({ cwaApps: { presenceTracingParameters: events } }: Parameters): Violation[] {
  const decay = events.aerosoleDecayLinearFunctions.map(({ minutesRange: range }, n) => ({
    path: `${PATH}.aerosoleDecayLinearFunctions[${n}].minutesRange`,
    range,
  }));
  const empty = events.durationFilters.flatMap(({ dropIfMinutesInRange: range }, n) =>
    isEmptyRange(range, false)
      ? [
          {
            path: `${PATH}.durationFilters[${n}].dropIfMinutesInRange`,
            value: rangeText(range),
            rule: 'holds no value' as const,
            values: {},
          },
        ]
      : [],
  );
  return [
    ...riskValueRules(`${PATH}.transmissionRiskValueMapping`, events.transmissionRiskValueMapping),
    ...levelRules(
      `${PATH}.normalizedTimePerCheckInToRiskLevelMapping`,
      events.normalizedTimePerCheckInToRiskLevelMapping,
      null,
    ),
    ...levelRules(
      `${PATH}.normalizedTimePerDayToRiskLevelMapping`,
      events.normalizedTimePerDayToRiskLevelMapping,
      null,
    ),
    ...checkRanges(decay, { from: 0, to: null, whole: false }),
    ...empty,
  ];
}
