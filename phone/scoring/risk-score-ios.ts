/**
 * @module GAEN v1 as iOS scores it (docs/spec/gaen.md §7.1–7.3, §7.5). Against Android: weights are multiplied in, the
 * transmission risk level selects one slot further up, the attenuation level is a mean of level values, and the buckets
 * of time include their upper threshold.
 */
import type { ExposureConfiguration } from '../../protocol/parameters/exposure-configuration.ts';
import { attenuationIndex, daysIndex, durationIndex } from './levels.ts';
import { type ScoredMatch, type ScoredSighting, dayOf, recentMatches, roundHalfUp } from './sighting.ts';
import type { AttenuationDurations, ExposureSummary } from './risk-score-android.ts';

/** Sightings this far apart or less merge to one (docs/spec/gaen.md §6.2). */
const MERGE_SECONDS = 4;
const MAX_SCAN_INTERVAL_SECONDS = 300;
/** For a sighting whose scan before is unknown; iOS's value isn't published, this is Android's (docs/spec/gaen.md §8.1). */
const UNKNOWN_SCAN_INTERVAL_SECONDS = 120;
const SECONDS_PER_MINUTE = 60;
/** Reported durations are rounded up to minutes and cut here (docs/spec/gaen.md §7.5). */
const MAX_REPORTED_SECONDS = 1800;
const MAX_UINT8 = 255;
const LAST_SLOT = 7;

/** One merged sighting: an attenuation and the time it stands for. */
export interface IosScan {
  /** dB, the mean of what was merged. */
  readonly attenuation: number;
  readonly seconds: number;
}

export interface IosExposure {
  /** Sum of scan intervals, neither rounded nor cut. */
  readonly durationSeconds: number;
  /** Duration-weighted mean of level values, 0..8 before its weight. */
  readonly attenuationLevel: number;
  /** Before the cap: the product of four weighted level values. */
  readonly fullRangeScore: number;
  /** True if the score is under one of the two minima: the exposure then leaves the maximum, sum and durations. */
  readonly excluded: boolean;
  readonly attenuationDurationsSeconds: AttenuationDurations;
  /** UTC day of the first sighting, days since the epoch. */
  readonly day: number;
}

/**
 * Merges what was heard within 4 s and gives each the time since the scan before; overlapping scan intervals are cut.
 * @param sightings of one key, by time
 */
export function mergeScans(sightings: readonly ScoredSighting[]): IosScan[] {
  const groups: ScoredSighting[][] = [];
  for (const sighting of sightings) {
    const group = groups.at(-1);
    if (group === undefined || sighting.timestamp - group.at(-1)!.timestamp > MERGE_SECONDS) groups.push([sighting]);
    else group.push(sighting);
  }
  return groups.map((group, n): IosScan => {
    const first = group[0]!;
    const claimed =
      first.previousScan === 0
        ? UNKNOWN_SCAN_INTERVAL_SECONDS
        : Math.min(MAX_SCAN_INTERVAL_SECONDS, Math.max(0, first.timestamp - first.previousScan));
    const sinceBefore = n === 0 ? claimed : first.timestamp - groups[n - 1]![0]!.timestamp;
    const sum = group.reduce((total, sighting) => total + sighting.attenuation, 0);
    return { attenuation: sum / group.length, seconds: Math.min(claimed, sinceBefore) };
  });
}

/** The duration-weighted mean of the attenuation's level values; levels of value 0 don't count (docs/spec/gaen.md §7.5). */
function attenuationLevel(configuration: ExposureConfiguration, scans: readonly IosScan[]): number {
  let weighted = 0;
  let seconds = 0;
  for (const scan of scans) {
    const value = configuration.attenuationScores[attenuationIndex(scan.attenuation)];
    if (value === 0) continue;
    weighted += value * scan.seconds;
    seconds += scan.seconds;
  }
  return seconds === 0 ? 0 : Math.min(MAX_UINT8, roundHalfUp(weighted / seconds));
}

function durations(scans: readonly IosScan[], [low, high]: readonly [number, number]): AttenuationDurations {
  const sum = (holds: (attenuation: number) => boolean): number =>
    scans.reduce((seconds, scan) => (holds(scan.attenuation) ? seconds + scan.seconds : seconds), 0);
  return [sum((a) => a <= low), sum((a) => a > low && a <= high), sum((a) => a > high)];
}

/**
 * The exposure to one key; iOS makes one of all its sightings.
 * @param now Unix seconds
 */
export function iosExposure(configuration: ExposureConfiguration, match: ScoredMatch, now: number): IosExposure {
  const scans = mergeScans(match.sightings);
  const durationSeconds = scans.reduce((sum, scan) => sum + scan.seconds, 0);
  const day = dayOf(match.sightings[0]!.timestamp);
  const level = attenuationLevel(configuration, scans);
  const slot = Math.min(LAST_SLOT, Math.max(0, match.key.transmissionRiskLevel)) as 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7;
  const minutes = Math.ceil(durationSeconds / SECONDS_PER_MINUTE);
  const fullRangeScore =
    level *
    configuration.attenuationWeight *
    configuration.daysSinceLastExposureScores[daysIndex(dayOf(now) - day)] *
    configuration.daysSinceLastExposureWeight *
    configuration.durationScores[durationIndex(minutes)] *
    configuration.durationWeight *
    configuration.transmissionRiskScores[slot] *
    configuration.transmissionRiskWeight;
  const cut = Math.min(MAX_UINT8, fullRangeScore);
  return {
    durationSeconds,
    attenuationLevel: level,
    fullRangeScore,
    excluded:
      cut < Math.min(MAX_UINT8, configuration.minimumRiskScore) ||
      fullRangeScore < configuration.minimumRiskScoreFullRange,
    attenuationDurationsSeconds: durations(scans, configuration.durationAtAttenuationThresholds),
    day,
  };
}

/**
 * What the app gets of all keys. Excluded exposures still count as matched keys and as the last exposure (docs/spec/gaen.md §7.3).
 * @param matches what was heard more than 14 days ago is left out
 * @param now Unix seconds
 */
export function iosExposureSummary(
  configuration: ExposureConfiguration,
  matches: readonly ScoredMatch[],
  now: number,
): ExposureSummary {
  const all = recentMatches(matches, now).map((match) => iosExposure(configuration, match, now));
  const counted = all.filter((exposure) => !exposure.excluded);
  const minutes = (bucket: 0 | 1 | 2): number => {
    const seconds = counted.reduce((sum, exposure) => sum + exposure.attenuationDurationsSeconds[bucket], 0);
    return Math.min(MAX_REPORTED_SECONDS / SECONDS_PER_MINUTE, Math.ceil(seconds / SECONDS_PER_MINUTE));
  };
  return {
    daysSinceLastExposure: all.length === 0 ? null : dayOf(now) - Math.max(...all.map((exposure) => exposure.day)),
    matchedKeyCount: all.length,
    maximumRiskScore: Math.max(0, ...counted.map((exposure) => exposure.fullRangeScore)),
    summationRiskScore: counted.reduce((sum, exposure) => sum + exposure.fullRangeScore, 0),
    attenuationDurationsMinutes: [minutes(0), minutes(1), minutes(2)],
  };
}
