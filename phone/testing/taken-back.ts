/**
 * @module What a publisher of a simulation takes back: which keys, when, and what the manifest lists of it (docs/architecture.md §6).
 */
import { dateOfHour, type HourNumber, type UtcDate } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import type { ChunkEntry, RevocationEntry } from '../../protocol/index/manifest.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';

const nameOf = ({ keyData }: TemporaryExposureKey): string => toBase64Url(keyData);

/** @param bytes of an object @returns its ETag on a simulated edge */
export function etagOf(bytes: Uint8Array): string {
  return `"${toBase64Url(sha256(bytes))}"`;
}

export class TakenBack {
  readonly #entries: RevocationEntry[] = [];
  readonly #days = new Map<string, UtcDate>();
  /** By key, the hour in which it was revoked. */
  readonly #revoked = new Map<string, HourNumber>();
  readonly #keysIn = new Map<HourNumber, readonly TemporaryExposureKey[]>();
  readonly #packages: { readonly date: UtcDate; readonly etag: string; readonly from: number }[] = [];

  /** @param keys that are published @param hour in which */
  published(keys: readonly TemporaryExposureKey[], hour: HourNumber): void {
    for (const key of keys) this.#days.set(nameOf(key), dateOfHour(hour));
  }

  /**
   * @param keys that were published in hours before
   * @param hour in which they are taken back
   * @param files the export of them as REVOKED, as the manifest lists it
   * @returns the days whose files hold them, ascending
   */
  revoke(
    keys: readonly TemporaryExposureKey[],
    hour: HourNumber,
    files: (revised: readonly TemporaryExposureKey[]) => readonly ChunkEntry[],
  ): readonly UtcDate[] {
    const revised = keys.map((key) => ({ ...key, reportType: REPORT_TYPE.REVOKED }));
    const days = [...new Set(keys.map((key) => this.#days.get(nameOf(key)) ?? ''))].toSorted();
    this.#entries.push({ hour, days, chunks: files(revised) });
    this.#keysIn.set(hour, revised);
    for (const key of keys) this.#revoked.set(nameOf(key), hour);
    return days;
  }

  /** @param hour of a revocation @returns its keys, as REVOKED */
  in(hour: HourNumber): readonly TemporaryExposureKey[] {
    return this.#keysIn.get(hour) ?? [];
  }

  /** @param key any @param through hour @returns whether it is revoked in that hour or before */
  isRevoked(key: TemporaryExposureKey, through: HourNumber = Infinity): boolean {
    const hour = this.#revoked.get(nameOf(key));
    return hour !== undefined && hour <= through;
  }

  /** @param date of a day @returns the last hour in which keys of it were revoked, or undefined */
  revised(date: UtcDate): HourNumber | undefined {
    return this.#entries.findLast(({ days }) => days.includes(date))?.hour;
  }

  /** @param oldest first day that is listed @returns what the manifest lists */
  listed(oldest: UtcDate): readonly RevocationEntry[] {
    return this.#entries.filter(({ days }) => (days.at(-1) ?? '') >= oldest);
  }

  /** @param date of a day that is cut again @param former package of CWA's tree, null for none @param from Unix seconds at which it is replaced */
  replaced(date: UtcDate, former: Uint8Array | null, from: number): void {
    if (former !== null) this.#packages.push({ date, etag: etagOf(former), from });
  }

  /** @param region of the tree @param now Unix seconds @returns the day packages that the configuration lists as revoked */
  packages(region: string, now: number): { region: string; date: UtcDate; etag: string }[] {
    const listed = this.#packages.filter(({ from }) => from <= now);
    return listed.map(({ date, etag }) => ({ region, date, etag }));
  }
}
