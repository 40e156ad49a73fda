/**
 * @module How far `origin` has come with what it publishes, as an operator is told.
 */

interface RegionStatus {
  readonly region: string;
  /** Manifest sequence of the current head, 0 before the first. */
  readonly sequence: number;
  /** Last hour (hours since the Unix epoch) that is in the head, or null. */
  readonly lastIndexedHour: number | null;
  /** True when its last step failed; the others go on (docs/architecture.md §5.10). */
  readonly failing: boolean;
}

export interface OriginStatus {
  readonly regions: readonly RegionStatus[];
  /** True when nothing is due: every hour sealed up to now is INDEXED and PURGED. */
  readonly idle: boolean;
  /** Counters since the object was made; names in durable-objects/STORAGE.md. */
  readonly counters: Readonly<Record<string, number>>;
}
