/**
 * @module What scoring needs to know of a sighting that belongs to a key. `MatchedSighting` of phone/matching has it all;
 * this narrower shape keeps scoring free of Node, since it runs in browsers too (docs/risk-explorer).
 */
import type { ReportType } from '../../protocol/gaen/keys.ts';
import { RETENTION_SECONDS } from '../matching/options.ts';

export interface ScoredSighting {
  /** Unix seconds. */
  readonly timestamp: number;
  /** ENIntervalNumber of the RPI: tells the RPIs of one key apart. */
  readonly interval: number;
  /** dB, ≥ 0. */
  readonly attenuation: number;
  /** 0 LOWEST .. 3 HIGH. */
  readonly calibrationConfidence: number;
  /** Unix seconds of the scan before, 0 if unknown. */
  readonly previousScan: number;
}

/** A key that was met, as scoring needs it. */
interface ScoredKey {
  readonly rollingStartIntervalNumber: number;
  /** 0..8 */
  readonly transmissionRiskLevel: number;
  readonly reportType: ReportType;
  /** −14..14; anything else counts as missing (docs/spec/gaen.md §8.2). */
  readonly daysSinceOnsetOfSymptoms: number;
}

export interface ScoredMatch {
  readonly key: ScoredKey;
  /** By time, not empty. */
  readonly sightings: readonly ScoredSighting[];
}

export const SECONDS_PER_DAY = 86_400;

/**
 * Two sightings this far apart or less belong to one scan: 1.5 × (4 s + 13 s), the longest scan (docs/spec/gaen.md §6.1 step 8).
 */
export const SAME_SCAN_SECONDS = 25.5;

/** Rounds half up, as all of GAEN's averages do (docs/spec/gaen.md §7.4, §8.1). */
export function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5);
}

/** @returns the UTC day that holds a time, in days since the Unix epoch */
export function dayOf(unixSeconds: number): number {
  return Math.floor(unixSeconds / SECONDS_PER_DAY);
}

/**
 * What still counts: 14 days after it was heard a sighting counts in no model (docs/spec/gaen.md §5, §6.2), however long the phone or
 * its caller has kept it.
 *
 * @param matches of one phone
 * @param now Unix seconds
 * @returns the same without sightings of more than 14 days ago, and without keys that then have none
 */
export function recentMatches<T extends ScoredMatch>(matches: readonly T[], now: number): T[] {
  const oldest = now - RETENTION_SECONDS;
  return matches.flatMap((match) => {
    const sightings = match.sightings.filter(({ timestamp }) => timestamp >= oldest);
    return sightings.length === 0 ? [] : [{ ...match, sightings }];
  });
}
