/**
 * @module The four metadata bytes that travel encrypted beside an RPI (GAEN Bluetooth specification v1.2; docs/spec/gaen.md §3).
 */

/** Calibration confidence (docs/spec/gaen.md §1). */
const CALIBRATION_CONFIDENCE = { LOWEST: 0, LOW: 1, MEDIUM: 2, HIGH: 3 } as const;
export type CalibrationConfidence = (typeof CALIBRATION_CONFIDENCE)[keyof typeof CALIBRATION_CONFIDENCE];

export interface Metadata {
  /** 0..3; 1 on every phone seen so far. */
  readonly majorVersion: number;
  /** 0..3; 0 is v1.0, 1 is v1.1 (which brought the confidence bits). */
  readonly minorVersion: number;
  readonly calibrationConfidence: CalibrationConfidence;
  /** Radiated transmit power in dBm, −128..127. */
  readonly txPower: number;
}

/**
 * Reads decrypted metadata as Android does: the confidence bits are taken whatever the minor version says, so a v1.0
 * sender counts as LOWEST (docs/spec/gaen.md §3).
 * @param bytes 4 bytes: version and confidence, transmit power, two reserved
 */
export function decodeMetadata(bytes: Uint8Array): Metadata {
  const version = bytes[0]!;
  return {
    majorVersion: version >> 6,
    minorVersion: (version >> 4) & 3,
    calibrationConfidence: ((version >> 2) & 3) as CalibrationConfidence,
    txPower: (bytes[1]! << 24) >> 24,
  };
}

/**
 * Lays out metadata for an advertisement; the reserved bits and bytes are 0 (docs/spec/gaen.md §3).
 * @returns 4 bytes, in the clear
 */
export function encodeMetadata(metadata: Metadata): Uint8Array {
  const version = (metadata.majorVersion << 6) | (metadata.minorVersion << 4) | (metadata.calibrationConfidence << 2);
  return Uint8Array.of(version, metadata.txPower & 0xff, 0, 0);
}
