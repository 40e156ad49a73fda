/**
 * @module From a temporary exposure key to what a phone broadcasts (Exposure Notification Cryptography Specification v1.2;
 * docs/spec/gaen.md §2): RPIK and AEMK by HKDF (RFC 5869), rolling proximity identifiers by AES-128, metadata by AES-128-CTR.
 */
import { createCipheriv, createSecretKey, type Cipheriv } from 'node:crypto';
import { utf8 } from '../primitives/bytes.ts';
import { hmacSha256 } from '../primitives/hash.ts';
import { INTERVALS_PER_DAY } from './intervals.ts';

/** Length of a TEK, of both derived keys and of an RPI (docs/spec/gaen.md §2). */
export const RPI_BYTES = 16;
/** Length of the associated encrypted metadata (docs/spec/gaen.md §2). */
export const METADATA_BYTES = 4;

const RPIK_INFO = utf8('EN-RPIK');
const AEMK_INFO = utf8('EN-AEMK');
const RPI_PREFIX = utf8('EN-RPI');
/** HKDF's salt when none is given: as many zero bytes as the hash has (RFC 5869 §2.2). */
const ZERO_SALT = new Uint8Array(32);
const FIRST_BLOCK = Uint8Array.of(1);

function requireLength(name: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) throw new RangeError(`${name}: expected ${length} bytes, got ${bytes.length}`);
}

/** HKDF with an empty salt and 16 bytes of output: one block, so extract and a single expand. */
function derive(tek: Uint8Array, info: Uint8Array): Uint8Array {
  requireLength('tek', tek, RPI_BYTES);
  return hmacSha256(hmacSha256(ZERO_SALT, tek), info, FIRST_BLOCK).subarray(0, RPI_BYTES);
}

/**
 * @param tek 16 bytes
 * @returns rolling proximity identifier key, 16 bytes
 * @throws {RangeError} when the TEK has another length
 */
export function rpik(tek: Uint8Array): Uint8Array {
  return derive(tek, RPIK_INFO);
}

/**
 * @param tek 16 bytes
 * @returns associated encrypted metadata key, 16 bytes
 * @throws {RangeError} when the TEK has another length
 */
export function aemk(tek: Uint8Array): Uint8Array {
  return derive(tek, AEMK_INFO);
}

/**
 * @param key RPIK, 16 bytes: as a `KeyObject`, since Node takes more than twice as long for a day of identifiers where it is handed bytes (benchmarks/results/match.md)
 * @returns what encrypts whole blocks; no `final()`: ECB without padding has nothing left after them
 */
export function identifierCipher(key: Uint8Array): Cipheriv {
  return createCipheriv('aes-128-ecb', createSecretKey(key), null).setAutoPadding(false);
}

function encryptIntervals(key: Uint8Array, start: number, count: number): Uint8Array {
  const plain = new Uint8Array(RPI_BYTES * count);
  const view = new DataView(plain.buffer);
  for (let i = 0; i < count; i++) {
    plain.set(RPI_PREFIX, i * RPI_BYTES);
    view.setUint32(i * RPI_BYTES + 12, start + i, true);
  }
  return Uint8Array.from(identifierCipher(key).update(plain));
}

/**
 * @param key RPIK, 16 bytes
 * @param interval ENIntervalNumber, 0..2³²−1
 * @returns the rolling proximity identifier of that interval, 16 bytes
 * @throws {RangeError} when the key has another length
 */
export function rpi(key: Uint8Array, interval: number): Uint8Array {
  requireLength('rpik', key, RPI_BYTES);
  return encryptIntervals(key, interval, 1);
}

/**
 * All identifiers of a key in one AES call.
 *
 * @param tek 16 bytes
 * @param start rollingStartIntervalNumber, 0..2³²−145
 * @param period number of intervals, 1..144
 * @returns 16 × period bytes: the identifiers in order of time
 * @throws {RangeError} for another length or period
 */
export function rpis(tek: Uint8Array, start: number, period: number): Uint8Array {
  if (!(Number.isInteger(period) && period >= 1 && period <= INTERVALS_PER_DAY)) {
    throw new RangeError(`rpis: expected a period of 1..${INTERVALS_PER_DAY}, got ${period}`);
  }
  return encryptIntervals(rpik(tek), start, period);
}

/**
 * Encrypts metadata, and decrypts it again: the same operation (AES-CTR, the RPI as first counter block).
 *
 * @param key AEMK, 16 bytes
 * @param identifier the RPI it is sent with, 16 bytes
 * @param metadata 4 bytes, plain or encrypted
 * @returns 4 bytes
 * @throws {RangeError} when one of them has another length
 */
export function aem(key: Uint8Array, identifier: Uint8Array, metadata: Uint8Array): Uint8Array {
  requireLength('aemk', key, RPI_BYTES);
  requireLength('rpi', identifier, RPI_BYTES);
  requireLength('metadata', metadata, METADATA_BYTES);
  return Uint8Array.from(createCipheriv('aes-128-ctr', key, identifier).update(metadata));
}
