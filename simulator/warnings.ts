/**
 * @module From what a phone heard to the moment it warns: the reference phone's matcher, its four ways of scoring, at the
 * detection calls the system allows.
 */
import { type Match, Matcher, isMatchable } from '../phone/matching/match.ts';
import { ANDROID_MATCHING, IOS_MATCHING, RETENTION_SECONDS } from '../phone/matching/options.ts';
import { combinedRisk, riskClassOf } from '../phone/scoring/combined-risk.ts';
import { riskOf } from '../phone/scoring/cwa-risk-calculation.ts';
import { dailySummaries, fromIos } from '../phone/scoring/daily-summaries.ts';
import { exposureWindows } from '../phone/scoring/exposure-windows.ts';
import { exposureSummary, keyExposures } from '../phone/scoring/risk-score-android.ts';
import { iosExposureSummary } from '../phone/scoring/risk-score-ios.ts';
import { recentMatches } from '../phone/scoring/sighting.ts';
import { weightedSum } from '../phone/scoring/weighted-sum.ts';
import type { Sighting } from '../phone/radio/sighting.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import type { Parameters } from '../protocol/parameters/document.ts';
import { RISK_LEVEL } from '../protocol/parameters/levels.ts';
import { DAILY_SUMMARY_ALERT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_MINUTE } from './options.ts';
import type { Platform } from './population.ts';

export const MODELS = ['v1', 'v2', 'cwa', 'figure12'] as const;
export type Model = (typeof MODELS)[number];

/** Unix seconds of the first warning, null if there is none. */
export type Warnings = Readonly<Record<Model, number | null>>;

/** A key and when phones can fetch it, Unix seconds. */
export interface PublishedKey {
  readonly key: TemporaryExposureKey;
  readonly from: number;
}

const HIGHEST_DURATION_MINUTES = 1440;
const HIGHEST_ATTENUATION_DB = 255;

function warnsV1(parameters: Parameters, matches: readonly Match[], platform: Platform, now: number): boolean {
  const { exposureConfiguration, combinedRisk: combined } = parameters.v1;
  const summarise = platform === 'android' ? exposureSummary : iosExposureSummary;
  const risk = combinedRisk(combined, summarise(exposureConfiguration, matches, now));
  const top = combined.riskClasses.toSorted((a, b) => a.min - b.min).at(-1);
  return combined.riskClasses.length > 1 && riskClassOf(combined.riskClasses, risk) === top;
}

function warnsV2(parameters: Parameters, matches: readonly Match[], platform: Platform, now: number): boolean {
  const { diagnosisKeysDataMapping, dailySummaries: android, iosExposureConfiguration } = parameters.v2;
  const config = platform === 'android' ? android : fromIos(iosExposureConfiguration);
  const windows = exposureWindows(matches, diagnosisKeysDataMapping, null);
  const days = dailySummaries(config, windows, Math.floor(now / SECONDS_PER_DAY));
  return days.some(({ summary }) => summary.scoreSum >= DAILY_SUMMARY_ALERT_SECONDS);
}

function warnsCwa(parameters: Parameters, matches: readonly Match[], now: number): boolean {
  const windows = exposureWindows(matches, parameters.v2.diagnosisKeysDataMapping, null);
  return riskOf(parameters.riskCalculation, windows, now).totalRiskLevel === RISK_LEVEL.HIGH;
}

function warnsFigure12(parameters: Parameters, matches: readonly Match[], now: number): boolean {
  return matches.some((match) =>
    keyExposures(parameters.v1.exposureConfiguration, match, now).exposures.some((exposure) => {
      const start = match.key.rollingStartIntervalNumber * 600;
      return weightedSum(parameters.weightedSum, {
        daysSinceExposure: Math.min(14, Math.max(0, Math.floor((now - start) / SECONDS_PER_DAY))),
        exposureDuration: Math.min(HIGHEST_DURATION_MINUTES, exposure.durationSeconds / SECONDS_PER_MINUTE),
        signalAttenuation: Math.min(HIGHEST_ATTENUATION_DB, exposure.attenuationValue),
        transmissionRisk: match.key.transmissionRiskLevel,
      }).alert;
    }),
  );
}

/** @returns the matcher's options of a platform */
export function matchingOf(platform: Platform): typeof ANDROID_MATCHING {
  return platform === 'android' ? ANDROID_MATCHING : IOS_MATCHING;
}

/** The keys a phone met, as matched once, and its first warnings. */
export interface PhoneOutcome {
  readonly matches: readonly Match[];
  readonly warnings: Warnings;
}

/**
 * @param sightings all that the phone stored of the senders in question, in any order
 * @param keys published keys, in any order
 * @param calls Unix seconds of its detection calls, ascending
 */
export function detect(
  parameters: Parameters,
  platform: Platform,
  sightings: readonly Sighting[],
  keys: readonly PublishedKey[],
  calls: readonly number[],
): PhoneOutcome {
  const matcher = new Matcher(sightings, matchingOf(platform));
  const queue = keys.filter(({ key }) => isMatchable(key, false)).toSorted((a, b) => a.from - b.from);
  const matches: Match[] = [];
  const warnings: Record<Model, number | null> = { v1: null, v2: null, cwa: null, figure12: null };
  let next = 0;
  for (const now of calls) {
    const before = matches.length;
    for (; next < queue.length && queue[next]!.from <= now; next++) {
      const { key } = queue[next]!;
      const heard = matcher.sightingsOf(key)?.filter(({ timestamp }) => timestamp >= now - RETENTION_SECONDS) ?? [];
      if (heard.length > 0) matches.push({ key, sightings: heard });
    }
    if (matches.length > before) score(parameters, platform, matches, now, warnings);
    if (next === queue.length) break;
  }
  return { matches, warnings };
}

function score(
  parameters: Parameters,
  platform: Platform,
  all: readonly Match[],
  now: number,
  warnings: Record<Model, number | null>,
): void {
  const matches = recentMatches(all, now);
  const warns: Record<Model, () => boolean> = {
    v1: () => warnsV1(parameters, matches, platform, now),
    v2: () => warnsV2(parameters, matches, platform, now),
    cwa: () => warnsCwa(parameters, matches, now),
    figure12: () => warnsFigure12(parameters, matches, now),
  };
  for (const model of MODELS) if (warnings[model] === null && warns[model]()) warnings[model] = now;
}
