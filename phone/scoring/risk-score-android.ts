/**
 * @module GAEN v1 as Android scores it (docs/spec/gaen.md §7.2–7.4). The configured weights are reserved there: none is used.
 */
import type { ExposureConfiguration } from '../../protocol/parameters/exposure-configuration.ts';
import { attenuationIndex, daysIndex, durationIndex } from './levels.ts';
import {
  SAME_SCAN_SECONDS,
  SECONDS_PER_DAY,
  type ScoredMatch,
  type ScoredSighting,
  recentMatches,
  roundHalfUp,
} from './sighting.ts';

/** What Android reads of an ExposureConfiguration. */
export type AndroidExposureConfiguration = Pick<
  ExposureConfiguration,
  | 'minimumRiskScore'
  | 'attenuationScores'
  | 'daysSinceLastExposureScores'
  | 'durationScores'
  | 'transmissionRiskScores'
  | 'durationAtAttenuationThresholds'
>;

/** A gap of more than this splits an exposure (maxInterpolationDurationSeconds). */
const MAX_GAP_SECONDS = 600;
const SCAN_INTERVAL_SECONDS = 300;
const SECONDS_PER_INTERVAL = 600;
const SECONDS_PER_MINUTE = 60;
/** Summaries cap each bucket (docs/spec/gaen.md §7.4: in 5-minute steps, at most 30). */
const MAX_BUCKET_MINUTES = 30;
const BUCKET_STEP_MINUTES = 5;

export interface ScoreInput {
  /** dB */
  readonly attenuation: number;
  /** Whole days since the key's start. */
  readonly days: number;
  readonly minutes: number;
  /** 0..8; 0 (not set) counts as factor 1. */
  readonly transmissionRiskLevel: number;
}

/**
 * The product of the four level values, 0 below the configured minimum (docs/spec/gaen.md §7.3).
 * @returns 0..4096
 */
export function riskScore(configuration: AndroidExposureConfiguration, input: ScoreInput): number {
  const transmission =
    input.transmissionRiskLevel === 0
      ? 1
      : (configuration.transmissionRiskScores[input.transmissionRiskLevel - 1] ?? 0);
  const score =
    configuration.attenuationScores[attenuationIndex(input.attenuation)] *
    configuration.daysSinceLastExposureScores[daysIndex(input.days)] *
    configuration.durationScores[durationIndex(input.minutes)] *
    transmission;
  return score < configuration.minimumRiskScore ? 0 : score;
}

/** Seconds below the low threshold, between both, and from the high one on. */
export type AttenuationDurations = readonly [number, number, number];

interface Exposure {
  /** Multiple of 300, at least 300. */
  readonly durationSeconds: number;
  /** Time-weighted mean, dB. */
  readonly attenuationValue: number;
  readonly attenuationDurationsSeconds: AttenuationDurations;
  readonly riskScore: number;
}

export interface KeyExposures {
  readonly exposures: readonly Exposure[];
  readonly maximumRiskScore: number;
  /** Sum over the key's exposures. */
  readonly totalRiskScore: number;
  readonly attenuationDurationsSeconds: AttenuationDurations;
}

export interface ExposureSummary {
  /** Of the most recent key, null if none matched. */
  readonly daysSinceLastExposure: number | null;
  readonly matchedKeyCount: number;
  readonly maximumRiskScore: number;
  readonly summationRiskScore: number;
  /** Each in steps of 5, at most 30. */
  readonly attenuationDurationsMinutes: AttenuationDurations;
}

/**
 * Within one RPI, sightings of the same scan collapse to the strongest (docs/spec/gaen.md §6.1 step 8).
 * @param sightings of one key, by time
 */
export function aggregate(sightings: readonly ScoredSighting[]): ScoredSighting[] {
  const kept: ScoredSighting[] = [];
  const last = new Map<number, { index: number; timestamp: number }>();
  for (const sighting of sightings) {
    const before = last.get(sighting.interval);
    if (before === undefined || sighting.timestamp - before.timestamp > SAME_SCAN_SECONDS) {
      last.set(sighting.interval, { index: kept.length, timestamp: sighting.timestamp });
      kept.push(sighting);
      continue;
    }
    before.timestamp = sighting.timestamp;
    if (sighting.attenuation < kept[before.index]!.attenuation) kept[before.index] = sighting;
  }
  return kept.toSorted((a, b) => a.timestamp - b.timestamp);
}

/**
 * Duration of a run of sightings: one scan interval more than what lies between them, rounded to whole ones.
 * @param between seconds from the first sighting to the last
 * @returns seconds, a multiple of 300, at least 300
 */
export function bucketizeDuration(between: number): number {
  const extended = between + SCAN_INTERVAL_SECONDS;
  const rest = extended % SCAN_INTERVAL_SECONDS;
  return rest <= SCAN_INTERVAL_SECONDS / 2 ? extended - rest : extended + SCAN_INTERVAL_SECONDS - rest;
}

interface Period {
  readonly seconds: number;
  readonly attenuation: number;
}

/**
 * How long the attenuation had which value: each period has that of its start; half a scan interval stands before the
 * first sighting and after the last.
 * @param points [seconds, dB] by time, not empty
 * @param scanInterval seconds
 */
export function periods(
  points: readonly (readonly [number, number])[],
  scanInterval = SCAN_INTERVAL_SECONDS,
): Period[] {
  const margin = Math.floor(scanInterval / 2);
  const [firstTime, firstAttenuation] = points[0]!;
  const starts = [[firstTime - margin, firstAttenuation] as const, ...points];
  const end = points.at(-1)![0] + margin;
  return starts.map(([time, attenuation], n) => ({ seconds: (starts[n + 1]?.[0] ?? end) - time, attenuation }));
}

/** @returns the time-weighted mean attenuation in dB, rounded half up */
export function weightedAttenuation(all: readonly Period[]): number {
  const total = all.reduce((sum, period) => sum + period.seconds, 0);
  return roundHalfUp(all.reduce((sum, period) => sum + period.seconds * period.attenuation, 0) / total);
}

function split(sightings: readonly ScoredSighting[]): ScoredSighting[][] {
  const runs: ScoredSighting[][] = [];
  for (const sighting of sightings) {
    const run = runs.at(-1);
    if (run === undefined || sighting.timestamp - run.at(-1)!.timestamp > MAX_GAP_SECONDS) runs.push([sighting]);
    else run.push(sighting);
  }
  return runs;
}

function durationsOf(all: readonly Period[], [low, high]: readonly [number, number]): AttenuationDurations {
  const sum = (holds: (attenuation: number) => boolean): number =>
    all.reduce((seconds, period) => (holds(period.attenuation) ? seconds + period.seconds : seconds), 0);
  return [sum((a) => a < low), sum((a) => a >= low && a < high), sum((a) => a >= high)];
}

/**
 * The exposures to one key.
 * @param match one key and its sightings
 * @param now Unix seconds
 */
export function keyExposures(
  configuration: AndroidExposureConfiguration,
  match: ScoredMatch,
  now: number,
): KeyExposures {
  const start = match.key.rollingStartIntervalNumber * SECONDS_PER_INTERVAL;
  const days = Math.floor((now - start) / SECONDS_PER_DAY);
  const exposures = split(aggregate(match.sightings)).map((run): Exposure => {
    const all = periods(run.map((s) => [s.timestamp, s.attenuation] as const));
    const durationSeconds = bucketizeDuration(run.at(-1)!.timestamp - run[0]!.timestamp);
    const attenuationValue = weightedAttenuation(all);
    return {
      durationSeconds,
      attenuationValue,
      attenuationDurationsSeconds: durationsOf(all, configuration.durationAtAttenuationThresholds),
      riskScore: riskScore(configuration, {
        attenuation: attenuationValue,
        days,
        minutes: Math.floor(durationSeconds / SECONDS_PER_MINUTE),
        transmissionRiskLevel: match.key.transmissionRiskLevel,
      }),
    };
  });
  return {
    exposures,
    maximumRiskScore: Math.max(0, ...exposures.map((exposure) => exposure.riskScore)),
    totalRiskScore: exposures.reduce((sum, exposure) => sum + exposure.riskScore, 0),
    attenuationDurationsSeconds: addDurations(exposures.map((exposure) => exposure.attenuationDurationsSeconds)),
  };
}

function addDurations(all: readonly AttenuationDurations[]): AttenuationDurations {
  return all.reduce<AttenuationDurations>((sum, d) => [sum[0] + d[0], sum[1] + d[1], sum[2] + d[2]], [0, 0, 0]);
}

/**
 * What the app gets of all keys. The rounding of the durations isn't published; here: up to the next 5 minutes, as the
 * documentation's steps and cap suggest (docs/spec/gaen.md §7.4, §14).
 * @param all matches; what was heard more than 14 days ago is left out
 * @param now Unix seconds
 */
export function exposureSummary(
  configuration: AndroidExposureConfiguration,
  all: readonly ScoredMatch[],
  now: number,
): ExposureSummary {
  const matches = recentMatches(all, now);
  const keys = matches.map((match) => keyExposures(configuration, match, now));
  const days = matches.map((match) =>
    Math.floor((now - match.key.rollingStartIntervalNumber * SECONDS_PER_INTERVAL) / SECONDS_PER_DAY),
  );
  const minutes = (seconds: number): number =>
    Math.min(MAX_BUCKET_MINUTES, Math.ceil(seconds / (BUCKET_STEP_MINUTES * SECONDS_PER_MINUTE)) * BUCKET_STEP_MINUTES);
  const total = addDurations(keys.map((key) => key.attenuationDurationsSeconds));
  return {
    daysSinceLastExposure: days.length === 0 ? null : Math.min(...days),
    matchedKeyCount: matches.length,
    maximumRiskScore: Math.max(0, ...keys.map((key) => key.maximumRiskScore)),
    summationRiskScore: keys.reduce((sum, key) => sum + key.totalRiskScore, 0),
    attenuationDurationsMinutes: [minutes(total[0]), minutes(total[1]), minutes(total[2])],
  };
}
