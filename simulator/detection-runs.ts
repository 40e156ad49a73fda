/**
 * @module When a phone asks for keys, and when the system lets it match them: six detection calls a day, per UTC day on
 * Android, in any 24 hours on iOS, spaced as Corona-Warn-App spaces them (docs/spec/gaen.md §5, §10).
 */
import { secondsUntilDownload } from '../phone/timing/schedule.ts';
import { SECONDS_PER_DAY } from './options.ts';
import type { Platform } from './population.ts';
import { Random, STREAM } from './random.ts';

/** The systems' limit in ExposureWindow mode (docs/spec/gaen.md §5). */
export const MAX_DETECTION_CALLS = 6;
const SECONDS_PER_HOUR = 3600;
const HOURS_PER_DAY = 24;
/** CWA solution architecture: background tasks may not fire, "e.g. during the night". Shares of hours in which they do are assumptions. */
const AWAKE_SHARE = { android: { day: 0.95, night: 0.85 }, ios: { day: 0.8, night: 0.25 } } as const;
const DAYTIME = { from: 7, to: 23 } as const;

/**
 * @param person whose phone it is
 * @param from Unix seconds
 * @param to Unix seconds, exclusive
 * @returns instants at which the app runs and asks for keys: next hour + random(3600) (CWA solution architecture), as far as the system
 *   lets it run
 */
export function downloadTimes(seed: number, person: number, platform: Platform, from: number, to: number): number[] {
  const random = new Random(seed, STREAM.attempts, person);
  const times: number[] = [];
  for (let at = from; ;) {
    at += secondsUntilDownload(at, random.bytes);
    if (at >= to) return times;
    const hour = (at % SECONDS_PER_DAY) / SECONDS_PER_HOUR;
    const share = AWAKE_SHARE[platform][hour >= DAYTIME.from && hour < DAYTIME.to ? 'day' : 'night'];
    if (random.chance(share)) times.push(at);
  }
}

/**
 * @param times instants at which the app runs, ascending
 * @param callsPerDay the parameters' maxExposureDetectionsPerInterval, 0..6; 0 turns detection off
 * @returns those at which it may call detection
 */
export function detectionTimes(times: readonly number[], platform: Platform, callsPerDay: number): number[] {
  const allowed = Math.min(callsPerDay, MAX_DETECTION_CALLS);
  if (allowed === 0) return [];
  const gap = (HOURS_PER_DAY / allowed) * SECONDS_PER_HOUR;
  const calls: number[] = [];
  for (const at of times) {
    const last = calls.at(-1);
    if (last !== undefined && at - last < gap) continue;
    const since = platform === 'android' ? at - (at % SECONDS_PER_DAY) : at - SECONDS_PER_DAY + 1;
    if (calls.length >= allowed && calls.at(-allowed)! >= since) continue;
    calls.push(at);
  }
  return calls;
}
