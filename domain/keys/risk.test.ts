import { describe, it } from 'vitest';
import { ONSET_TO_RISK, encodeRiskLevel, riskLevelOfOnset } from './risk.ts';

/** Last value of each table, as docs/spec/cwa.md §2.2 prints them: a digit too many or too few would show here. */
const LAST = [
  6, 205, 306, 404, 504, 603, 703, 803, 902, 1002, 1102, 1201, 1301, 1400, 1500, 1599, 1699, 1799, 2000, 3000, 4000,
];

describe('transmission risk level from days since onset (docs/spec/cwa.md §2.2)', () => {
  it('the tables have the extent that CWA’s have, and none overlaps the next', ({ expect }) => {
    expect(ONSET_TO_RISK.map(([first, levels]) => first + levels.length - 1)).toEqual(LAST);
    ONSET_TO_RISK.slice(1).forEach(([first], i) => expect(first).toBeGreaterThan(LAST[i] as number));
  });

  it.for([
    ['day of onset', 0, 8],
    ['two days before onset', -2, 7],
    ['five days before', -5, 2],
    ['six days before: no table', -6, 1],
    ['six days after', 6, 2],
    ['seven days after: no table', 7, 1],
    ['onset within the last week, today', 701, 3],
    ['onset within the last week, five days ago', 696, 7],
    ['symptoms without a date, today', 2000, 5],
    ['no symptoms, today', 3000, 4],
    ['no symptoms, three days ago', 2997, 2],
    ['no information, today', 4000, 5],
    ['no information, nine days ago: no table', 3991, 1],
  ] as const)('%s', ([, onset, level], { expect }) => {
    expect(riskLevelOfOnset(onset)).toBe(level);
  });
});

describe('what phones read in place of the level (docs/spec/cwa.md §2.4)', () => {
  it('gives back the level by CWA’s risk configuration (docs/spec/cwa.md §4.2: TRL encoding)', ({ expect }) => {
    // infectiousness standard 1, high 2; recursive 0, self-report 2, clinical 4, confirmed 6; the level is their sum.
    const offset: Record<number, number> = { 4: 0, 3: 2, 2: 4, 1: 6 };
    for (let level = 1; level <= 8; level++) {
      const { daysSinceOnsetOfSymptoms, reportType } = encodeRiskLevel(level);
      expect(daysSinceOnsetOfSymptoms + (offset[reportType] ?? Number.NaN)).toBe(level);
    }
  });

  it.for([0, 9, 2.5, -1, Number.NaN])('no other level exists: %s', (level, { expect }) => {
    expect(() => encodeRiskLevel(level)).toThrow(RangeError);
  });
});
