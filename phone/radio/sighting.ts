/**
 * @module One Bluetooth sighting as a phone stores it (docs/spec/gaen.md §3).
 */

/** What is kept of one received advertisement. Plain data: matching and scoring only read it. */
export interface Sighting {
  /** Rolling proximity identifier, exactly 16 bytes. */
  readonly rpi: Uint8Array;
  /** Associated encrypted metadata, exactly 4 bytes. */
  readonly aem: Uint8Array;
  /** Unix seconds of the reception. */
  readonly timestamp: number;
  /** Calibrated received signal strength in dBm, −127..126 (docs/spec/gaen.md §3). */
  readonly rssi: number;
  /** Unix seconds of the scan before this one, 0 when unknown. */
  readonly previousScan: number;
}
