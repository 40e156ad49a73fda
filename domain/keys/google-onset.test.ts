import { describe, it } from 'vitest';
import { CERTIFIED_REPORTS } from '../../protocol/publish/report-type.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { daysSinceOnset, onsetInterval, publishedLevel } from './google-onset.ts';
import { isLevelOf } from './report-transitions.ts';
import { encodeRiskLevel, riskLevelOfOnset } from './risk.ts';

/** 2020-11-25T13:37:00Z */
const NOW = 1_606_311_420;
const INTERVAL = Math.floor(NOW / 600);
const MIDNIGHT = Math.floor(NOW / 86_400) * 144;
const DEFAULT = INTERVAL - 4 * 144;

describe('onset of symptoms', () => {
  it.for<[name: string, requested: number, certified: number | null, onset: number]>([
    ['the request’s', MIDNIGHT - 144, MIDNIGHT - 288, MIDNIGHT - 144],
    ['the certificate’s where the request says none', 0, MIDNIGHT - 288, MIDNIGHT - 288],
    ['four days ago where nobody says any', 0, null, DEFAULT],
    ['the request’s of the interval before this', INTERVAL - 1, null, INTERVAL - 1],
    ['not the request’s of this interval', INTERVAL, MIDNIGHT - 288, MIDNIGHT - 288],
    ['the request’s of midnight 28 days ago', MIDNIGHT - 28 * 144, MIDNIGHT, MIDNIGHT - 28 * 144],
    ['not one before it', MIDNIGHT - 28 * 144 - 1, MIDNIGHT - 28 * 144, MIDNIGHT - 28 * 144],
    ['not the certificate’s of the future', 0, INTERVAL + 1, DEFAULT],
    ['not a negative one', -5, -5, DEFAULT],
  ])('is %s', ([, requested, certified, onset], { expect }) => {
    expect(onsetInterval(requested, certified, NOW)).toBe(onset);
  });

  it('is counted in whole UTC days', ({ expect }) => {
    expect([0, 143, 144, -1].map((more) => daysSinceOnset(MIDNIGHT + more, MIDNIGHT + 100))).toEqual([0, 0, 1, -1]);
  });
});

describe('what is published of a report', () => {
  const days = Array.from({ length: 29 }, (_, n) => n - 14);
  const near = days.filter((day) => riskLevelOfOnset(day) >= 3);

  it('near the onset says the report type as it is certified', ({ expect }) => {
    const said = {
      confirmed: REPORT_TYPE.CONFIRMED_TEST,
      likely: REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS,
      'user-report': REPORT_TYPE.SELF_REPORT,
    };
    expect(near).toEqual([-4, -3, -2, -1, 0, 1, 2, 3, 4]);
    for (const [report, type] of Object.entries(said)) {
      const types = near.map((day) => encodeRiskLevel(publishedLevel(report as 'likely', day)).reportType);
      expect(new Set(types)).toEqual(new Set([type]));
    }
  });

  it('is high where the day was among the most infectious', ({ expect }) => {
    const high = near.filter((day) => encodeRiskLevel(publishedLevel('confirmed', day)).daysSinceOnsetOfSymptoms === 2);
    expect(high).toEqual(days.filter((day) => riskLevelOfOnset(day) >= 6));
    expect([publishedLevel('confirmed', 0), publishedLevel('likely', 0), publishedLevel('user-report', 0)]).toEqual([
      8, 6, 4,
    ]);
    expect([publishedLevel('confirmed', 4), publishedLevel('likely', 4), publishedLevel('user-report', 4)]).toEqual([
      7, 5, 3,
    ]);
  });

  it('far from it is the lowest level, whatever the report', ({ expect }) => {
    for (const report of CERTIFIED_REPORTS) {
      for (const day of days.filter((one) => !near.includes(one))) expect(publishedLevel(report, day)).toBe(3);
    }
  });

  it('is a level that Corona-Warn-App’s phones send too, 3..8, and that origin takes for its report', ({ expect }) => {
    for (const report of CERTIFIED_REPORTS) {
      for (const day of days) {
        const level = publishedLevel(report, day);
        expect([3, 4, 5, 6, 7, 8]).toContain(level);
        expect(isLevelOf(level, report), `${report} ${day}`).toBe(true);
      }
    }
  });
});
