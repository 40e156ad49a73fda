/**
 * @module What a publisher put into the public bucket over some weeks, with real files and real signatures, as a
 * server that can be asked at any instant of them (docs/architecture.md §5, §6). Built once, it serves any number of simulated
 * phones.
 */
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { ExportWriter, exportSignature, exportZip } from '../../protocol/export/export-file.ts';
import type { PinnedKey } from '../../protocol/export/export-reader.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import {
  dateOf,
  dateOfHour,
  hourEnd,
  type HourNumber,
  hourOfDay,
  hourStart,
  keyEnd,
  RETENTION_DAYS,
  SECONDS_PER_DAY,
  startOfDate,
  type UtcDate,
} from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { chunkPath } from '../../protocol/index/chunk-paths.ts';
import {
  type ChunkEntry,
  countBucket,
  type DayEntry,
  headPath,
  MANIFEST_TYPE,
  MANIFEST_VALIDITY_SECONDS,
  pagePath,
  type PageEntry,
  revocationPagePath,
} from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { compareKeys } from '../../protocol/export/tek-order.ts';
import type { RevokedPackages } from '../download/revoked-packages.ts';
import type { ListedChunk, Listing, TimelineOptions } from './timeline-options.ts';
import { TakenBack } from './taken-back.ts';
import { Versions } from './versions.ts';

export const REGION = 'EUR';
export const exportSigner = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(7)));
export const manifestSigner = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(9)));
export const EXPORT_KEY: PinnedKey = { publicKeySpki: exportSigner.publicKeySpki, keyId: '262', keyVersion: 'v1' };
export const MANIFEST_KEYS = { 'manifest-v1': manifestSigner.publicKeySpki };

/** What is replaced is still there for 4 h (docs/architecture.md §5.9). */
const GRACE_SECONDS = 4 * 3600;
const HEADER = { region: REGION, keyId: EXPORT_KEY.keyId, keyVersion: EXPORT_KEY.keyVersion };

export class Timeline {
  readonly #objects = new Versions();
  readonly #takenBack = new TakenBack();
  readonly #listings: Listing[] = [];
  readonly #hourChunks = new Map<HourNumber, ChunkEntry[]>();
  readonly #days = new Map<UtcDate, DayEntry>();
  readonly #options: TimelineOptions;
  #previous: string | null = null;
  #sequence = 0;
  /** By path. */
  readonly chunks = new Map<string, ListedChunk>();

  /** @param options what to publish; all of it is built here */
  constructor(options: TimelineOptions) {
    this.#options = options;
    for (let hour = options.firstHour; hour < options.firstHour + options.hours; hour++) this.#publish(hour);
  }

  /**
   * @param path without the leading slash
   * @param now Unix seconds
   * @returns what a GET finds then, null for 404
   */
  at(path: string, now: number): Uint8Array | null {
    return this.#objects.at(path, now);
  }

  /**
   * @param now Unix seconds
   * @returns key data (base64url) of all keys that are listed then, not older than 14 days and not taken back
   */
  listedKeys(now: number): ReadonlySet<string> {
    const listing = this.#listings.findLast(({ from }) => from <= now);
    if (listing === undefined) return new Set();
    const oldest = hourEnd(listing.throughHour) - RETENTION_DAYS * SECONDS_PER_DAY;
    const keys = this.#hoursOf(listing.firstHour, listing.throughHour).flatMap((hour) => this.#options.keysOf(hour));
    const through = listing.throughHour;
    const listed = keys.filter((key) => keyEnd(key) > oldest && !this.#takenBack.isRevoked(key, through));
    return new Set(listed.map(({ keyData }) => toBase64Url(keyData)));
  }

  /** @param now Unix seconds @returns what the configuration says then */
  revokedPackages(now: number): RevokedPackages {
    return { revokedDayPackages: this.#takenBack.packages(REGION, now), revokedHourPackages: [] };
  }

  /** Instant from which the hour is published. */
  publishedAt(hour: HourNumber): number {
    const { outage, lagSeconds } = this.#options;
    const late = outage !== undefined && hour >= outage.from && hour < outage.to ? hourEnd(outage.to) : hourEnd(hour);
    return late + lagSeconds;
  }

  #publish(hour: HourNumber): void {
    const from = this.publishedAt(hour);
    const keys = this.#options.keysOf(hour).toSorted(compareKeys);
    const window = { startTimestamp: hourStart(hour), endTimestamp: hourEnd(hour) };
    const chunks = this.#files(keys, window, from, { date: dateOfHour(hour), hour, cut: null });
    this.#hourChunks.set(hour, chunks);
    this.#takenBack.published(keys, hour);
    this.#revoke(hour, from);
    const hourFile = hourPath(REGION, dateOfHour(hour), hourOfDay(hour));
    this.#objects.put(hourFile, from, zipOf(keys, window, this.#takenBack.in(hour)));
    this.#cutDays(hour, from);
    this.#index(hour, from);
  }

  #files(
    keys: readonly TemporaryExposureKey[],
    window: { startTimestamp: number; endTimestamp: number },
    from: number,
    listed: Omit<ListedChunk, 'of'>,
    revised: readonly TemporaryExposureKey[] = [],
  ): ChunkEntry[] {
    const all = [...keys, ...revised];
    const { maxKeysPerFile } = this.#options;
    const of = Math.max(1, Math.ceil(all.length / maxKeysPerFile));
    return Array.from({ length: of }, (_, i) => {
      const part = all.slice(i * maxKeysPerFile, (i + 1) * maxKeysPerFile);
      const span = { ...window, endTimestamp: window.endTimestamp + (of > 1 ? i + 1 : 0) };
      const zip = revised.length === 0 ? zipOf(part, span) : zipOf([], span, part);
      const name = toBase64Url(sha256(zip));
      this.#objects.put(chunkPath(REGION, name), from, zip);
      this.chunks.set(chunkPath(REGION, name), { ...listed, of });
      return {
        ...(listed.hour === null ? {} : { hour: listed.hour }),
        file: i + 1,
        of,
        size: zip.length,
        keys: countBucket(part.length),
        sha256: name,
        ...(part.length === 0 ? { empty: true as const } : {}),
      };
    });
  }

  /** Days that lose keys are cut again at once; the running day's hours stay as they are. */
  #revoke(hour: HourNumber, from: number): void {
    const keys = this.#options.revokedIn?.(hour) ?? [];
    if (keys.length === 0) return;
    // No file of an hour has this end: phones tell files apart by it (docs/spec/gaen.md §4.4).
    const window = { startTimestamp: hourStart(hour), endTimestamp: hourEnd(hour) + 1800 };
    const listed = { date: dateOfHour(hour), hour: null, cut: null };
    const days = this.#takenBack.revoke(keys, hour, (revised) => this.#files([], window, from, listed, revised));
    for (const date of days) {
      const cut = this.#days.get(date)?.cut;
      if (cut === undefined) continue;
      this.#takenBack.replaced(date, this.at(dayPath(REGION, date), from), from);
      this.#cutDay(date, cut, this.#hoursOfDay(date), from);
    }
  }

  #hoursOfDay(date: UtcDate): HourNumber[] {
    const midnight = startOfDate(date) / 3600;
    return this.#hoursOf(midnight, midnight + 23);
  }

  /** Once a day: the new day replaces its hours, and older ones are cut again without what has aged out. */
  #cutDays(hour: HourNumber, from: number): void {
    const { cutDelayHours } = this.#options;
    const midnight = hourEnd(hour) - cutDelayHours * 3600;
    if (midnight % SECONDS_PER_DAY !== 0) return;
    for (let age = 1; age <= RETENTION_DAYS; age++) {
      const start = midnight - age * SECONDS_PER_DAY;
      const hours = this.#hoursOfDay(dateOf(start));
      if (hours.length > 0) this.#cutDay(dateOf(start), dateOf(midnight), hours, from);
    }
  }

  #cutDay(date: UtcDate, cut: UtcDate, hours: readonly HourNumber[], from: number): void {
    const oldest = from - RETENTION_DAYS * SECONDS_PER_DAY;
    const all = hours.flatMap((h) => this.#options.keysOf(h)).toSorted(compareKeys);
    const keys = all.filter((key) => keyEnd(key) > oldest && !this.#takenBack.isRevoked(key));
    const start = startOfDate(date);
    const window = { startTimestamp: start, endTimestamp: start + SECONDS_PER_DAY };
    const before = this.#days.get(date);
    const chunks = this.#files(keys, window, from, { date, hour: null, cut });
    const revised = this.#takenBack.revised(date);
    this.#days.set(date, { date, cut, ...(revised === undefined ? {} : { revised }), chunks });
    const revoked = hours.flatMap((h) => this.#takenBack.in(h));
    this.#objects.put(dayPath(REGION, date), from, zipOf(keys, window, revoked));
    const names = new Set(chunks.map((chunk) => chunk.sha256));
    for (const { sha256: name } of before?.chunks ?? []) {
      if (!names.has(name)) this.#objects.drop(chunkPath(REGION, name), from + GRACE_SECONDS);
    }
    if (before !== undefined) return;
    for (const h of hours) {
      this.#objects.drop(hourPath(REGION, date, hourOfDay(h)), from + GRACE_SECONDS);
      for (const { sha256: name } of this.#hourChunks.get(h) ?? []) {
        this.#objects.drop(chunkPath(REGION, name), from + GRACE_SECONDS);
      }
    }
    this.#objects.drop(hourIndexPath(REGION, date), from + GRACE_SECONDS);
  }

  #index(throughHour: HourNumber, from: number): void {
    const today = throughHour - hourOfDay(throughHour);
    const running = this.#hoursOf(today, throughHour);
    const first = Math.floor((hourEnd(throughHour) - RETENTION_DAYS * SECONDS_PER_DAY) / SECONDS_PER_DAY);
    const days: DayEntry[] = [];
    for (let day = first; day * 24 < throughHour; day++) {
      const date = dateOf(day * SECONDS_PER_DAY);
      const hours = this.#hoursOf(day * 24, Math.min(throughHour, day * 24 + 23));
      const complete = day * 24 + 23 <= throughHour;
      const entry = this.#days.get(date) ?? { date, cut: date, chunks: this.#chunksOf(hours) };
      if (complete && hours.length > 0) days.push(entry);
    }
    const pages = this.#pages(days, from);
    const revocations = this.#revocations(days[0]?.date ?? dateOfHour(throughHour), from);
    const payload = {
      region: REGION,
      sequence: ++this.#sequence,
      previous: this.#previous,
      issuedAt: hourEnd(throughHour),
      validUntil: hourEnd(throughHour) + MANIFEST_VALIDITY_SECONDS,
      hours: this.#chunksOf(running),
      pages,
      ...revocations,
    };
    this.#previous = toBase64Url(sha256(utf8(JSON.stringify(payload))));
    this.#objects.put(
      headPath(REGION),
      from,
      utf8(signDocument(MANIFEST_TYPE, 'manifest-v1', payload, manifestSigner.raw)),
    );
    this.#putList(hourIndexPath(REGION, dateOfHour(today)), from, running.map(hourOfDay));
    const cut = days.map(({ date }) => date).filter((date) => this.#days.has(date));
    this.#putList(dateIndexPath(REGION), from, cut);
    this.#listings.push({ from, firstHour: first * 24, throughHour });
  }

  #pages(days: readonly DayEntry[], from: number): PageEntry[] {
    // Two pages, so that a phone meets a list of them; today's publisher makes one.
    const half = Math.ceil(days.length / 2);
    return [days.slice(0, half), days.slice(half)]
      .filter((part) => part.length > 0)
      .map((part) => {
        const bytes = utf8(JSON.stringify({ region: REGION, days: part }));
        const name = toBase64Url(sha256(bytes));
        this.#objects.put(pagePath(REGION, name), from, bytes);
        return { sha256: name, from: part[0]?.date ?? '', to: part.at(-1)?.date ?? '' };
      });
  }

  /** @returns what the head says of them */
  #revocations(oldest: UtcDate, from: number): { revocations?: string } {
    const revocations = this.#takenBack.listed(oldest);
    if (revocations.length === 0) return {};
    const bytes = utf8(JSON.stringify({ region: REGION, revocations }));
    const name = toBase64Url(sha256(bytes));
    this.#objects.put(revocationPagePath(REGION, name), from, bytes);
    return { revocations: name };
  }

  #putList(path: string, from: number, list: readonly unknown[]): void {
    this.#objects.put(path, from, utf8(JSON.stringify(list)));
  }

  #chunksOf(hours: readonly HourNumber[]): ChunkEntry[] {
    return hours.flatMap((hour) => this.#hourChunks.get(hour) ?? []);
  }

  #hoursOf(from: HourNumber, to: HourNumber): HourNumber[] {
    return Array.from({ length: to - from + 1 }, (_, i) => from + i).filter((h) => this.#hourChunks.has(h));
  }
}

/**
 * @param keys in published order
 * @param window Unix seconds
 * @param revised that stand after them
 * @returns a file that every phone accepts
 */
export function zipOf(
  keys: readonly TemporaryExposureKey[],
  window: { readonly startTimestamp: number; readonly endTimestamp: number },
  revised: readonly TemporaryExposureKey[] = [],
): Uint8Array {
  const header = { ...HEADER, ...window };
  const writer = new ExportWriter(header, keys.length + revised.length);
  for (const key of keys) writer.add(key);
  for (const key of revised) writer.addRevised(key);
  const bin = writer.finish();
  return exportZip(bin, exportSignature(header, bin, exportSigner.der));
}
