/**
 * @module Corona-Warn-App's risk arithmetic: from the days since onset that its apps send to a transmission risk level,
 * and from the level to the two fields phones read (docs/spec/cwa.md §2.2, §2.4; the tables are its server's).
 */
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';

/** Smallest and largest days since onset that CWA's apps send (docs/spec/cwa.md §2.1 rule 7). */
export const CWA_ONSET_MIN = -15;
export const CWA_ONSET_MAX = 4000;
/** Keys below this level are not published (docs/spec/cwa.md §2.4: minimum-trl-value-allowed). */
export const MINIMUM_PUBLISHED_RISK_LEVEL = 3;
/** A days-since-onset value outside all tables (docs/spec/cwa.md §2.2: DEFAULT_TRL). */
export const UNMAPPED_RISK_LEVEL = 1;

/**
 * One row a centre: exact onset date (0), onset known as a range of n days (n·100, n = 2..18), symptoms without a date
 * (2000), no symptoms (3000), no information (4000). First value, then one level a consecutive value.
 */
export const ONSET_TO_RISK: readonly (readonly [first: number, levels: string])[] = [
  [-5, '246788865322'],
  [194, '235788875432'],
  [294, '3458887765322'],
  [393, '245788765432'],
  [492, '2356887754322'],
  [591, '2346787764432'],
  [690, '23456777654322'],
  [790, '24567776543322'],
  [889, '23456776554322'],
  [988, '234566666543322'],
  [1087, '2345566655443222'],
  [1186, '2344566655443322'],
  [1286, '2345555555433222'],
  [1386, '345555555443322'],
  [1486, '445555544433222'],
  [1586, '44555544433322'],
  [1686, '44554444433222'],
  [1786, '44444444333222'],
  [1992, '235788865'],
  [2997, '2344'],
  [3992, '234677765'],
];

/**
 * @param daysSinceOnset CWA's scale, −15..4000
 * @returns transmission risk level 1..8; 1 for a value no table names
 */
export function riskLevelOfOnset(daysSinceOnset: number): number {
  for (const [first, levels] of ONSET_TO_RISK) {
    const level = levels[daysSinceOnset - first];
    if (level !== undefined) return Number(level);
  }
  return UNMAPPED_RISK_LEVEL;
}

/**
 * Whether a level was too low to be published on an earlier day. A phone that sends its keys again on a later day computes
 * them anew: the value of the day of the upload stays what the person said, so a key's falls by one a day (docs/spec/cwa.md
 * §2.2, "client rule"), and its level may have risen since.
 *
 * @param daysSinceOnset CWA's scale, −15..4000, as sent today
 * @param age whole days since the key's own day, which is the first it can have been sent on
 * @returns true if one of the values it may have been sent with before isn't published
 */
export function wasBelowMinimum(daysSinceOnset: number, age: number): boolean {
  for (let value = daysSinceOnset + 1; value <= Math.min(daysSinceOnset + age, CWA_ONSET_MAX); value++) {
    if (riskLevelOfOnset(value) < MINIMUM_PUBLISHED_RISK_LEVEL) return true;
  }
  return false;
}

/** What phones read in place of the symptoms, which never leave the server. */
export interface RiskEncoding {
  readonly daysSinceOnsetOfSymptoms: 1 | 2;
  readonly reportType: ReportType;
}

/** docs/spec/cwa.md §2.4: report type by pairs of levels, 1..2, 3..4, 5..6, 7..8. */
const REPORT_TYPE_OF_PAIR = [
  REPORT_TYPE.RECURSIVE,
  REPORT_TYPE.SELF_REPORT,
  REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS,
  REPORT_TYPE.CONFIRMED_TEST,
] as const;

/**
 * @param level transmission risk level, 1..8
 * @returns the report type and days since onset that stand for it
 * @throws RangeError outside 1..8
 */
export function encodeRiskLevel(level: number): RiskEncoding {
  const reportType = REPORT_TYPE_OF_PAIR[Math.floor((level - 1) / 2)];
  if (reportType === undefined || !Number.isInteger(level)) {
    throw new RangeError(`transmission risk level: 1..8 expected, got ${level}`);
  }
  return { daysSinceOnsetOfSymptoms: level % 2 === 1 ? 1 : 2, reportType };
}
