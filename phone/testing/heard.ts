/**
 * @module What a phone heard of a key, for tests.
 */
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { aem, aemk, rpi, rpik } from '../../protocol/gaen/rpi.ts';
import { SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { encodeMetadata } from '../matching/metadata.ts';
import type { Sighting } from '../radio/sighting.ts';

/**
 * @param key of the other phone
 * @param at interval of its day, 0..143
 * @returns one sighting, near and in time
 */
export function heardOf(
  { keyData, rollingStartIntervalNumber }: Pick<TemporaryExposureKey, 'keyData' | 'rollingStartIntervalNumber'>,
  at: number,
): Sighting {
  const interval = rollingStartIntervalNumber + at;
  const identifier = rpi(rpik(keyData), interval);
  const metadata = encodeMetadata({ majorVersion: 1, minorVersion: 1, calibrationConfidence: 3, txPower: 8 });
  return {
    rpi: identifier,
    aem: aem(aemk(keyData), identifier, metadata),
    timestamp: interval * SECONDS_PER_INTERVAL,
    rssi: -60,
    previousScan: 0,
  };
}
