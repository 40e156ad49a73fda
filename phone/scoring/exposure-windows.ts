/**
 * @module ExposureWindows: up to 30 minutes of sightings of one key, cut into scan instances (docs/spec/gaen.md §8), as Android
 * builds them.
 */
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';
import type { DiagnosisKeysDataMapping } from '../../protocol/parameters/exposure-window-mode.ts';
import { INFECTIOUSNESS, type Infectiousness, ONSET_SLOTS } from '../../protocol/parameters/levels.ts';
import {
  SAME_SCAN_SECONDS,
  SECONDS_PER_DAY,
  type ScoredMatch,
  type ScoredSighting,
  dayOf,
  roundHalfUp,
} from './sighting.ts';

/** A sighting this long after the window's first opens the next window. */
const WINDOW_SECONDS = 1800;
const UNKNOWN_SCAN_SECONDS = 120;
const SECONDS_PER_MINUTE = 60;
const MAX_SCAN_MINUTES = 5;
const MS_PER_SECOND = 1000;
/** Slot of onset day 0 among the 29. */
const ONSET_ZERO_SLOT = 14;

export interface ScanInstance {
  /** Mean over the instance, dB, rounded half up. */
  readonly typicalAttenuationDb: number;
  /** dB */
  readonly minAttenuationDb: number;
  /** Multiple of 60 from Android's builder, ≤ 300. */
  readonly secondsSinceLastScan: number;
}

/** A window before its key's report type and infectiousness are known. */
export interface Window {
  /** UTC midnight of the window's day, ms since the Unix epoch. */
  readonly dateMillisSinceEpoch: number;
  /** 0 LOWEST .. 3 HIGH, of the sighting that opened the window. */
  readonly calibrationConfidence: number;
  readonly scanInstances: readonly ScanInstance[];
}

export interface ExposureWindow extends Window {
  readonly reportType: ReportType;
  readonly infectiousness: Infectiousness;
}

function secondsSinceLastScan(sighting: ScoredSighting): number {
  if (sighting.previousScan === 0) return UNKNOWN_SCAN_SECONDS;
  const minute = (seconds: number): number => Math.floor(seconds / SECONDS_PER_MINUTE);
  return SECONDS_PER_MINUTE * Math.min(MAX_SCAN_MINUTES, minute(sighting.timestamp) - minute(sighting.previousScan));
}

function scanInstance(sightings: readonly ScoredSighting[]): ScanInstance {
  const attenuations = sightings.map((sighting) => sighting.attenuation);
  return {
    typicalAttenuationDb: roundHalfUp(attenuations.reduce((sum, a) => sum + a, 0) / attenuations.length),
    minAttenuationDb: Math.min(...attenuations),
    secondsSinceLastScan: secondsSinceLastScan(sightings[0]!),
  };
}

/**
 * Cuts one key's sightings into windows and scan instances (docs/spec/gaen.md §8.1).
 * @param sightings of one key, by time, as heard (not aggregated)
 */
export function buildWindows(sightings: readonly ScoredSighting[]): Window[] {
  const windows: ScoredSighting[][][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (const sighting of sightings) {
    const window = windows.at(-1);
    if (window === undefined || sighting.timestamp - window[0]![0]!.timestamp >= WINDOW_SECONDS) {
      windows.push([[sighting]]);
    } else if (sighting.timestamp - previous <= SAME_SCAN_SECONDS) {
      window.at(-1)!.push(sighting);
    } else {
      window.push([sighting]);
    }
    previous = sighting.timestamp;
  }
  return windows.map((instances) => {
    const opening = instances[0]![0]!;
    return {
      dateMillisSinceEpoch: dayOf(opening.timestamp) * SECONDS_PER_DAY * MS_PER_SECOND,
      calibrationConfidence: opening.calibrationConfidence,
      scanInstances: instances.map((instance) => scanInstance(instance)),
    };
  });
}

/** Android's mapping while an app has set none: all STANDARD, missing report type CONFIRMED_TEST (docs/spec/gaen.md §8.2). */
export const UNSET_MAPPING: DiagnosisKeysDataMapping = {
  daysSinceOnsetToInfectiousness: Array.from({ length: ONSET_SLOTS }, () => INFECTIOUSNESS.STANDARD),
  infectiousnessWhenDaysSinceOnsetMissing: INFECTIOUSNESS.STANDARD,
  reportTypeWhenMissing: REPORT_TYPE.CONFIRMED_TEST,
};

/**
 * @param daysSinceOnset −14..14, anything else counts as missing
 */
export function infectiousnessOf(mapping: DiagnosisKeysDataMapping, daysSinceOnset: number): Infectiousness {
  return (
    mapping.daysSinceOnsetToInfectiousness[daysSinceOnset + ONSET_ZERO_SLOT] ??
    mapping.infectiousnessWhenDaysSinceOnsetMissing
  );
}

/**
 * The windows of all matches as an app gets them: neither REVOKED nor RECURSIVE keys, nor keys of infectiousness NONE
 * (docs/spec/gaen.md §8.1, §8.2), in random order, so that the order doesn't say which belong to one key.
 * @param random 0 ≤ random() < 1; null leaves the order as it is, for tests and plots
 */
export function exposureWindows(
  matches: readonly ScoredMatch[],
  mapping: DiagnosisKeysDataMapping,
  random: (() => number) | null,
): ExposureWindow[] {
  const windows = matches.flatMap(({ key, sightings }) => {
    const { reportType: given } = key;
    const reportType = given === REPORT_TYPE.UNKNOWN ? mapping.reportTypeWhenMissing : given;
    const infectiousness = infectiousnessOf(mapping, key.daysSinceOnsetOfSymptoms);
    if (reportType === REPORT_TYPE.REVOKED || reportType === REPORT_TYPE.RECURSIVE) return [];
    if (infectiousness === INFECTIOUSNESS.NONE) return [];
    return buildWindows(sightings).map((window) => ({ ...window, reportType, infectiousness }));
  });
  return random === null ? windows : shuffle(windows, random);
}

/** Fisher and Yates; in place. */
function shuffle<T>(items: T[], random: () => number): T[] {
  for (let n = items.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    [items[n], items[other]] = [items[other]!, items[n]!];
  }
  return items;
}
