/**
 * @module What a phone sends over Bluetooth, and what another one stores of it (docs/spec/gaen.md §2, §3).
 */
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { enIntervalNumber } from '../../protocol/gaen/intervals.ts';
import { aem, aemk, rpi, RPI_BYTES, rpik } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from './sighting.ts';
import type { OwnKey } from './tek-schedule.ts';

/** Metadata version 1.1: bits 7:6 major 01, bits 5:4 minor 01 (docs/spec/gaen.md §3). */
const METADATA_VERSION_1_1 = 0x50;
/** Service data under 0xFD6F: RPI and AEM (docs/spec/gaen.md §3). */
const ADVERTISEMENT_BYTES = 20;

/** How a phone transmits. */
export interface Transmitter {
  /** Radiated power in dBm, int8. */
  readonly txPower: number;
  /** Calibration confidence: 0 lowest, 1 low, 2 medium, 3 high (docs/spec/gaen.md §1). */
  readonly confidence: 0 | 1 | 2 | 3;
}

/** How another phone heard it. */
export interface Reception {
  /** Unix seconds on the receiver's clock. */
  readonly timestamp: number;
  /** Calibrated signal strength in dBm, −127..126. */
  readonly rssi: number;
  /** Unix seconds of the scan before, 0 if unknown. */
  readonly previousScan: number;
}

/**
 * @param transmitter power and confidence
 * @returns the four metadata bytes in clear
 * @throws {RangeError} when the power does not fit an int8
 */
export function metadata(transmitter: Transmitter): Uint8Array {
  const { txPower, confidence } = transmitter;
  if (!(Number.isInteger(txPower) && txPower >= -128 && txPower <= 127)) {
    throw new RangeError(`metadata: expected a txPower of -128..127 dBm, got ${txPower}`);
  }
  return Uint8Array.of(METADATA_VERSION_1_1 | (confidence << 2), txPower & 0xff, 0, 0);
}

/**
 * @param key a key that is valid now
 * @param now Unix seconds on the sender's clock
 * @param transmitter power and confidence
 * @returns RPI ‖ AEM, 20 bytes
 * @throws {RangeError} when the key is not valid now: broadcasting it would make a sighting nobody can match
 */
export function advertisement(key: OwnKey, now: number, transmitter: Transmitter): Uint8Array {
  const interval = enIntervalNumber(now);
  const offset = interval - key.rollingStartIntervalNumber;
  if (offset < 0 || offset >= key.rollingPeriod) {
    throw new RangeError(
      `advertisement: interval ${interval} is outside the key's ${key.rollingStartIntervalNumber}+${key.rollingPeriod}`,
    );
  }
  const identifier = rpi(rpik(key.keyData), interval);
  return concatBytes(identifier, aem(aemk(key.keyData), identifier, metadata(transmitter)));
}

/**
 * @param received RPI ‖ AEM, 20 bytes
 * @param reception when and how strongly
 * @returns what the receiver stores
 * @throws {RangeError} for another length
 */
export function sight(received: Uint8Array, reception: Reception): Sighting {
  if (received.length !== ADVERTISEMENT_BYTES) {
    throw new RangeError(`sight: expected ${ADVERTISEMENT_BYTES} bytes, got ${received.length}`);
  }
  return { rpi: received.slice(0, RPI_BYTES), aem: received.slice(RPI_BYTES), ...reception };
}
