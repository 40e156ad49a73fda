/**
 * @module From a certificate's report type and the onset of symptoms to what phones read of a key of Google's dialect (docs/spec/google.md §2.3, §2.4). Both
 * dialects are published in one encoding, the levels that Corona-Warn-App's phones read (risk.ts), so that nothing in a chunk tells by which a key came
 * (docs/decisions/062).
 */
import { INTERVALS_PER_DAY, SECONDS_PER_DAY, enIntervalNumber } from '../../protocol/gaen/intervals.ts';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { MINIMUM_PUBLISHED_RISK_LEVEL, riskLevelOfOnset } from './risk.ts';

/** An onset is at most so many days ago (docs/spec/google.md §2.3: MAX_VALID_SYMPTOM_ONSET_REPORT_DAYS). */
const OLDEST_ONSET_DAYS = 28;
/** Where nobody says when symptoms began (docs/spec/google.md §2.3: DEFAULT_SYMPTOM_ONSET_DAYS_AGO). */
const DEFAULT_ONSET_DAYS = 4;
/** Keys further from the onset are dropped (docs/spec/google.md §2.1: MAX_SYMPTOM_ONSET_DAYS). */
export const MAX_DAYS_SINCE_ONSET = 14;

/** A day's level by the table is high from here on: the upper one of a report type's pair. */
const HIGH_LEVEL = 6;

/** The upper level of the pair that stands for a report type (risk.ts). What is negative is never published; it has a level because every key has one. */
const HIGH_LEVEL_OF: Readonly<Record<CertifiedReport, number>> = {
  confirmed: 8,
  likely: 6,
  'user-report': 4,
  negative: 4,
};

const dayOf = (interval: number): number => Math.floor(interval / INTERVALS_PER_DAY);

/**
 * @param requested `symptomOnsetInterval` of the request, 0 none
 * @param certified the certificate's, null none
 * @param now Unix seconds
 * @returns ENIntervalNumber of the onset: the first of the two that is within 28 days and not of the future, else four days ago
 */
export function onsetInterval(requested: number, certified: number | null, now: number): number {
  return saidOnset(requested, certified, now) ?? enIntervalNumber(now - DEFAULT_ONSET_DAYS * SECONDS_PER_DAY);
}

/** As {@link onsetInterval}; null where nobody says one. */
function saidOnset(requested: number, certified: number | null, now: number): number | null {
  const earliest = dayOf(enIntervalNumber(now - OLDEST_ONSET_DAYS * SECONDS_PER_DAY)) * INTERVALS_PER_DAY;
  const isOnset = (interval: number) => interval >= earliest && interval < enIntervalNumber(now);
  return [requested, certified ?? 0].find(isOnset) ?? null;
}

/** As {@link onsetInterval}. @returns whole UTC days since the onset, 0..28; null where nobody says one */
export function daysFromOnset(requested: number, certified: number | null, now: number): number | null {
  const onset = saidOnset(requested, certified, now);
  return onset === null ? null : daysSinceOnset(enIntervalNumber(now), onset);
}

/** @param rollingStart ENIntervalNumber of a key's first interval @param onset see {@link onsetInterval} @returns whole UTC days from the onset to the key */
export function daysSinceOnset(rollingStart: number, onset: number): number {
  return dayOf(rollingStart) - dayOf(onset);
}

/**
 * Near the onset, where Corona-Warn-App publishes keys too, the level says the report type, and whether the day was among the most infectious. Far from it the
 * level is the lowest that is published: Corona-Warn-App would leave the key out, Google's server wouldn't.
 *
 * @param reportType of the certificate
 * @param days since the onset, −14..14
 * @returns transmission risk level, 3..8
 */
export function publishedLevel(reportType: CertifiedReport, days: number): number {
  const level = riskLevelOfOnset(days);
  if (level < MINIMUM_PUBLISHED_RISK_LEVEL) return MINIMUM_PUBLISHED_RISK_LEVEL;
  const high = HIGH_LEVEL_OF[reportType];
  return level >= HIGH_LEVEL ? high : high - 1;
}
