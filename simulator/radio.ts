/**
 * @module Bluetooth as the architecture's limitations describe it (CWA solution architecture, "Limitations", figure 13): beacons every
 * 250 ms, listening windows of two to four seconds up to five minutes apart, 50 dB at two metres, obstacles in between.
 */
import type { Segment } from './encounter.ts';
import { SECONDS_PER_DAY, dayStart } from './options.ts';
import type { Platform } from './population.ts';
import { Random, STREAM } from './random.ts';

/** CWA solution architecture: "broadcast their own RPI every 250ms". */
const BEACON_SECONDS = 0.25;
/** CWA solution architecture: windows "currently up to five minutes apart". */
const SCAN_INTERVAL_SECONDS = 300;
/** docs/spec/gaen.md §3: Android takes up to 89 s off the interval, at random. */
const ANDROID_JITTER_SECONDS = 90;
/** docs/spec/gaen.md §3: Android listens for 4 s; CWA solution architecture expects two to four. */
const ANDROID_SCAN_SECONDS = 4;
const IOS_SCAN_SECONDS = { min: 2, max: 4 } as const;
/** Path loss: twice the distance, 6 dB more (free space). */
const PATH_LOSS_EXPONENT = 2;
const REFERENCE_METERS = 2;
/** Nobody's phones are closer than this. */
const MIN_METERS = 0.2;
/** Standard deviation in dB of how a constellation of bodies and furniture differs from another (assumption). */
const SHADOWING_DB = 4;
/** Standard deviation in dB from one beacon to the next (assumption). */
const FADING_DB = 3.5;
/** Share of beacons in a window that are caught: one of three channels at a time, collisions (assumption). */
const CAPTURE_SHARE = 0.3;
/** Weakest signal a phone decodes, dBm (assumption). */
const SENSITIVITY_DBM = -98;
const RSSI_MIN = -127;

/** One listening window. */
export interface Scan {
  /** Unix seconds, whole. */
  readonly at: number;
  readonly seconds: number;
  /** Unix seconds of the window before, 0 if unknown. */
  readonly previous: number;
}

/** One received beacon. */
export interface Reception {
  /** Unix seconds, whole. */
  readonly timestamp: number;
  /** dBm, whole. */
  readonly rssi: number;
  readonly previousScan: number;
}

/**
 * CWA solution architecture: less than 50 dB translates to less than two metres; without obstacle it is 50 dB there.
 * @param meters distance
 * @param obstacleDb what stands between
 * @param referenceDb at 2 m
 * @returns dB between transmitted and received power
 */
export function attenuation(meters: number, obstacleDb: number, referenceDb: number): number {
  const distance = Math.max(MIN_METERS, meters) / REFERENCE_METERS;
  return referenceDb + 10 * PATH_LOSS_EXPONENT * Math.log10(distance) + obstacleDb;
}

/**
 * @param person whose phone listens
 * @param day of the run
 * @returns the day's listening windows
 */
export function scansOf(seed: number, person: number, platform: Platform, day: number): Scan[] {
  const random = new Random(seed, STREAM.scan, person, day);
  const scans: Scan[] = [];
  const end = dayStart(day) + SECONDS_PER_DAY;
  let previous = 0;
  for (let at = dayStart(day) + random.below(SCAN_INTERVAL_SECONDS); at < end;) {
    const android = platform === 'android';
    const seconds = android ? ANDROID_SCAN_SECONDS : random.between(IOS_SCAN_SECONDS.min, IOS_SCAN_SECONDS.max);
    scans.push({ at, seconds, previous });
    previous = at;
    at += SCAN_INTERVAL_SECONDS - (android ? random.below(ANDROID_JITTER_SECONDS) : 0);
  }
  return scans;
}

/** @returns index of the first window that ends after an instant */
function firstScan(scans: readonly Scan[], from: number): number {
  let [low, high] = [0, scans.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (scans[middle]!.at + scans[middle]!.seconds <= from) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Link {
  /** dBm. */
  readonly txPower: number;
  /** dB at 2 m. */
  readonly referenceDb: number;
}

/**
 * What a phone hears of another while they are near each other.
 * @param segments of their encounter, in order of time
 * @param scans of the listener, in order of time
 * @param random of this encounter and direction
 * @returns one reception for each beacon that was caught, in order of time
 */
export function receive(segments: readonly Segment[], scans: readonly Scan[], link: Link, random: Random): Reception[] {
  const receptions: Reception[] = [];
  const phase = random.next() * BEACON_SECONDS;
  for (const { from, to, meters, obstacleDb } of segments) {
    const loss = attenuation(meters, obstacleDb, link.referenceDb) + random.normal() * SHADOWING_DB;
    for (let n = firstScan(scans, from); n < scans.length && scans[n]!.at < to; n++) {
      const { at, seconds, previous } = scans[n]!;
      const end = Math.min(to, at + seconds);
      const start = Math.max(from, at);
      for (
        let beacon = Math.ceil((start - phase) / BEACON_SECONDS) * BEACON_SECONDS + phase;
        beacon < end;
        beacon += BEACON_SECONDS
      ) {
        if (!random.chance(CAPTURE_SHARE)) continue;
        const rssi = Math.round(link.txPower - loss + random.normal() * FADING_DB);
        if (rssi < SENSITIVITY_DBM) continue;
        receptions.push({ timestamp: Math.floor(beacon), rssi: Math.max(RSSI_MIN, rssi), previousScan: previous });
      }
    }
  }
  return receptions;
}
