/**
 * @module The digest that tells a repeated upload from another one (docs/architecture.md §4.4). It is taken over the keys as parsed,
 * before any rule that looks at the clock; request padding is no part of it, since phones pad anew on each attempt.
 */
import { compareBytes, concatBytes, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { KEY_DATA_BYTES } from './limits.ts';
import type { CheckedKey, CheckedUpload } from './uploaded.ts';

const LABEL = utf8('exposure-edge/upload-digest/v1\0');
/** 16 key bytes, start as uint32, period and risk level as uint8, onset as int16; all big-endian. */
const ENTRY_BYTES = KEY_DATA_BYTES + 4 + 1 + 1 + 2;
/** Stands for an absent risk level (present: 1..8). */
const NO_RISK_LEVEL = 0;
/** Stands for absent days since onset (present: −15..4000). */
const NO_ONSET = -0x8000;

function entry(key: CheckedKey): Uint8Array {
  const bytes = new Uint8Array(ENTRY_BYTES);
  bytes.set(key.keyData);
  const view = new DataView(bytes.buffer, KEY_DATA_BYTES);
  view.setUint32(0, key.rollingStartIntervalNumber);
  view.setUint8(4, key.rollingPeriod);
  view.setUint8(5, key.transmissionRiskLevel ?? NO_RISK_LEVEL);
  view.setInt16(6, key.daysSinceOnsetOfSymptoms ?? NO_ONSET);
  return bytes;
}

/**
 * The canonical form: number of keys, the keys in byte order, consent, regions. Every part has a fixed length but the
 * last, so two different uploads never share it.
 *
 * @param upload what {@link checkUpload} let through; its regions are sorted already
 * @returns the bytes that the digest is taken over
 */
export function canonicalUpload(upload: CheckedUpload): Uint8Array {
  return concatBytes(
    Uint8Array.of(upload.keys.length),
    ...upload.keys.map(entry).toSorted(compareBytes),
    Uint8Array.of(upload.consentToFederation ? 1 : 0),
    utf8(upload.regions.join()),
  );
}

/**
 * @param upload what {@link checkUpload} let through
 * @param digestKey 32 bytes, held by `upload` alone
 * @returns HMAC-SHA-256 in lowercase hex, 64 characters
 */
export function uploadDigest(upload: CheckedUpload, digestKey: Uint8Array): string {
  return toHex(hmacSha256(digestKey, LABEL, canonicalUpload(upload)));
}
