/**
 * @module Matches diagnosis keys against a phone's sightings (docs/spec/gaen.md §6.1, §6.2). RPIs are made key by key by the
 * platform's AES and looked up at once; none is kept, so memory doesn't grow with the number of keys.
 */
import { INTERVALS_PER_DAY, SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { METADATA_BYTES, RPI_BYTES, aem, aemk } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from '../radio/sighting.ts';
import { DayIdentifiers } from './day-identifiers.ts';
import { type CalibrationConfidence, decodeMetadata } from './metadata.ts';
import { ANDROID_MATCHING, type MatchOptions, RETENTION_SECONDS } from './options.ts';
import { SightingIndex } from './sighting-index.ts';

/** A sighting that belongs to a key, with what its metadata said. */
export interface MatchedSighting {
  /** Unix seconds. */
  readonly timestamp: number;
  /** ENIntervalNumber of the RPI that was heard (the sender's clock, not ours). */
  readonly interval: number;
  /** dBm. */
  readonly rssi: number;
  /** dBm, from the decrypted metadata. */
  readonly txPower: number;
  /** max(0, txPower − rssi) in dB. */
  readonly attenuation: number;
  readonly calibrationConfidence: CalibrationConfidence;
  /** Unix seconds of the scan before, 0 if unknown. */
  readonly previousScan: number;
}

/** A key that was met. */
export interface Match {
  readonly key: TemporaryExposureKey;
  /** Never empty; by time, then interval. */
  readonly sightings: readonly MatchedSighting[];
}

/** Matches keys one after the other against one phone's sightings. */
export class Matcher {
  readonly #index: SightingIndex;
  readonly #options: MatchOptions;
  readonly #identifiers = new DayIdentifiers();

  /**
   * @param sightings of one phone, in any order
   * @param options what differs between platforms; Android's by default
   */
  constructor(sightings: readonly Sighting[], options: Partial<MatchOptions> = {}) {
    this.#options = { ...ANDROID_MATCHING, ...options };
    const oldest = this.#options.now === null ? -Infinity : this.#options.now - RETENTION_SECONDS;
    this.#index = new SightingIndex(sightings, oldest);
  }

  /**
   * All sightings of a key that pass the guards.
   * @param key its report type is not looked at; `rollingPeriod` outside 1..144 gives no more than 144 RPIs
   * @returns null if no RPI of the key's day was ever heard (the prefilter of docs/spec/gaen.md §6.1 step 1), else the valid
   *   sightings by time, possibly none
   */
  sightingsOf(key: TemporaryExposureKey): MatchedSighting[] | null {
    if (this.#index.size === 0) return null;
    const all = this.#identifiers.of(key.keyData, key.rollingStartIntervalNumber);
    const heard = this.#heard(all);
    if (heard.length === 0) return null;
    const usable = this.#options.honourRollingPeriod ? key.rollingPeriod : INTERVALS_PER_DAY;
    const metadataKey = aemk(key.keyData);
    const valid: MatchedSighting[] = [];
    for (const { at, sightings } of heard) {
      if (at < usable) valid.push(...this.#valid(sightings, key.rollingStartIntervalNumber + at, metadataKey));
    }
    return valid.toSorted((a, b) => a.timestamp - b.timestamp || a.interval - b.interval);
  }

  /** Which of a day's RPIs were heard; the loop that all the time goes to, so nothing in it allocates before a hit. */
  #heard(all: Uint8Array): { at: number; sightings: Sighting[] }[] {
    const { bitmap, shift } = this.#index;
    const heard: { at: number; sightings: Sighting[] }[] = [];
    for (let offset = 0; offset < all.length; offset += RPI_BYTES) {
      const bit =
        (all[offset]! | (all[offset + 1]! << 8) | (all[offset + 2]! << 16) | (all[offset + 3]! << 24)) >>> shift;
      if ((bitmap[bit >>> 5]! & (1 << (bit & 31))) === 0) continue;
      const sightings = this.#index.find(all.subarray(offset, offset + RPI_BYTES));
      if (sightings.length > 0) heard.push({ at: offset / RPI_BYTES, sightings });
    }
    return heard;
  }

  /** Steps 5 to 7 of docs/spec/gaen.md §6.1 for the sightings of one RPI, which come earliest first. */
  #valid(sightings: readonly Sighting[], interval: number, metadataKey: Uint8Array): MatchedSighting[] {
    const o = this.#options;
    const valid: MatchedSighting[] = [];
    for (const sighting of sightings) {
      const seenIn = Math.floor(sighting.timestamp / SECONDS_PER_INTERVAL);
      if (Math.abs(seenIn - interval) > o.toleranceIntervals) continue;
      if (valid.length > 0 && sighting.timestamp - valid[0]!.timestamp > o.replaySeconds) break;
      if (sighting.aem.length !== METADATA_BYTES) continue;
      const { txPower, calibrationConfidence } = decodeMetadata(aem(metadataKey, sighting.rpi, sighting.aem));
      const attenuation = Math.max(0, txPower - sighting.rssi);
      if (txPower < o.minTxPower || txPower > o.maxTxPower) continue;
      if (attenuation < o.minAttenuation || attenuation > o.maxAttenuation) continue;
      const { timestamp, rssi, previousScan } = sighting;
      valid.push({ timestamp, interval, rssi, txPower, attenuation, calibrationConfidence, previousScan });
    }
    return valid;
  }
}

/**
 * Matches keys against sightings, without memory of earlier runs (`ExposureHistory` has it).
 * @param keys of one or many export files; RECURSIVE keys are skipped (Android's flag is off), REVOKED ones too unless
 *   `options.includeRevoked`
 * @param sightings of one phone, in any order
 * @param options what differs between platforms; Android's by default
 * @returns one entry for each key that was met, in the order of `keys`
 */
export function matchKeys(
  keys: Iterable<TemporaryExposureKey>,
  sightings: readonly Sighting[],
  options: Partial<MatchOptions> = {},
): Match[] {
  const matcher = new Matcher(sightings, options);
  const matches: Match[] = [];
  for (const key of keys) {
    if (!isMatchable(key, options.includeRevoked ?? ANDROID_MATCHING.includeRevoked)) continue;
    const found = matcher.sightingsOf(key);
    if (found !== null && found.length > 0) matches.push({ key, sightings: found });
  }
  return matches;
}

/**
 * Whether a key's report type lets it be matched at all (docs/spec/gaen.md §6.1 step 4).
 * @param includeRevoked window mode
 */
export function isMatchable(key: TemporaryExposureKey, includeRevoked: boolean): boolean {
  if (key.reportType === REPORT_TYPE.RECURSIVE) return false;
  return includeRevoked || key.reportType < REPORT_TYPE.REVOKED;
}
