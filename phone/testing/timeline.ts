/**
 * @module What a publisher put into the public bucket over some weeks, with real files and real signatures, as a
 * server that can be asked at any instant of them (docs/architecture.md §5, §6). Built once, it serves any number of simulated
 * phones.
 */
import { equalBytes, toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
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
  type UtcDate,
} from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import {
  type ChunkEntry,
  chunkPath,
  countBucket,
  type DayEntry,
  headPath,
  MANIFEST_TYPE,
  MANIFEST_VALIDITY_SECONDS,
  pagePath,
  type PageEntry,
} from '../../protocol/index/manifest.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { compareKeys } from '../../protocol/export/tek-order.ts';

export const REGION = 'EUR';
export const exportSigner = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(7)));
export const manifestSigner = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(9)));
export const EXPORT_KEY: PinnedKey = { publicKeySpki: exportSigner.publicKeySpki, keyId: '262', keyVersion: 'v1' };
export const MANIFEST_KEYS = { 'manifest-v1': manifestSigner.publicKeySpki };

/** What is replaced is still there for 4 h (docs/architecture.md §5.9). */
const GRACE_SECONDS = 4 * 3600;
const HEADER = { region: REGION, keyId: EXPORT_KEY.keyId, keyVersion: EXPORT_KEY.keyVersion };

/** What a manifest lists: every published hour of a span. Keys are named when somebody asks (a set each hour would hold most of them 336 times). */
interface Listing {
  readonly from: number;
  readonly firstHour: HourNumber;
  readonly throughHour: HourNumber;
}

interface Version {
  readonly from: number;
  readonly bytes: Uint8Array | null;
}

/** A chunk as an oracle sees it. */
export interface ListedChunk {
  readonly date: UtcDate;
  readonly hour: HourNumber | null;
  readonly of: number;
  /** What the files of one cut have in common. */
  readonly cut: UtcDate | null;
}

export interface TimelineOptions {
  readonly firstHour: HourNumber;
  readonly hours: number;
  readonly maxKeysPerFile: number;
  /** Hours after midnight at which a day's chunk replaces its hours; today's publisher needs none. */
  readonly cutDelayHours: number;
  /** Seconds from the end of an hour to its publication, less than an hour. */
  readonly lagSeconds: number;
  /** Hours for which the publisher stands still, and then catches up. */
  readonly outage?: { readonly from: HourNumber; readonly to: HourNumber };
  readonly keysOf: (hour: HourNumber) => readonly TemporaryExposureKey[];
}

export class Timeline {
  readonly #objects = new Map<string, Version[]>();
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
    return this.#objects.get(path)?.findLast(({ from }) => from <= now)?.bytes ?? null;
  }

  /**
   * @param now Unix seconds
   * @returns key data (base64url) of all keys that are listed then and not older than 14 days
   */
  listedKeys(now: number): ReadonlySet<string> {
    const listing = this.#listings.findLast(({ from }) => from <= now);
    if (listing === undefined) return new Set();
    const oldest = hourEnd(listing.throughHour) - RETENTION_DAYS * SECONDS_PER_DAY;
    const keys = this.#hoursOf(listing.firstHour, listing.throughHour).flatMap((hour) => this.#options.keysOf(hour));
    return new Set(keys.filter((key) => keyEnd(key) > oldest).map(({ keyData }) => toBase64Url(keyData)));
  }

  /** Instant from which the hour is published. */
  publishedAt(hour: HourNumber): number {
    const { outage, lagSeconds } = this.#options;
    const late = outage !== undefined && hour >= outage.from && hour < outage.to ? hourEnd(outage.to) : hourEnd(hour);
    return late + lagSeconds;
  }

  #put(path: string, from: number, bytes: Uint8Array): void {
    const current = this.at(path, from);
    if (current === null || !equalBytes(current, bytes)) this.#version(path, { from, bytes });
  }

  #drop(path: string, from: number): void {
    this.#version(path, { from, bytes: null });
  }

  #version(path: string, version: Version): void {
    const versions = [...(this.#objects.get(path) ?? []), version];
    this.#objects.set(
      path,
      versions.toSorted((a, b) => a.from - b.from),
    );
  }

  #publish(hour: HourNumber): void {
    const from = this.publishedAt(hour);
    const keys = this.#options.keysOf(hour).toSorted(compareKeys);
    const window = { startTimestamp: hourStart(hour), endTimestamp: hourEnd(hour) };
    const chunks = this.#files(keys, window, from, { date: dateOfHour(hour), hour, cut: null });
    this.#hourChunks.set(hour, chunks);
    const hourFile = hourPath(REGION, dateOfHour(hour), hourOfDay(hour));
    this.#put(hourFile, from, zipOf(keys, window));
    this.#cutDays(hour, from);
    this.#index(hour, from);
  }

  #files(
    keys: readonly TemporaryExposureKey[],
    window: { startTimestamp: number; endTimestamp: number },
    from: number,
    listed: { date: UtcDate; hour: HourNumber | null; cut: UtcDate | null },
  ): ChunkEntry[] {
    const of = Math.max(1, Math.ceil(keys.length / this.#options.maxKeysPerFile));
    return Array.from({ length: of }, (_, i) => {
      const part = keys.slice(i * this.#options.maxKeysPerFile, (i + 1) * this.#options.maxKeysPerFile);
      const zip = zipOf(part, { ...window, endTimestamp: window.endTimestamp + (of > 1 ? i + 1 : 0) });
      const name = toBase64Url(sha256(zip));
      this.#put(chunkPath(REGION, name), from, zip);
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

  /** Once a day: the new day replaces its hours, and older ones are cut again without what has aged out. */
  #cutDays(hour: HourNumber, from: number): void {
    const { cutDelayHours, firstHour } = this.#options;
    const midnight = hourEnd(hour) - cutDelayHours * 3600;
    if (midnight % SECONDS_PER_DAY !== 0) return;
    for (let age = 1; age <= RETENTION_DAYS; age++) {
      const start = midnight - age * SECONDS_PER_DAY;
      const hours = Array.from({ length: 24 }, (_, i) => start / 3600 + i).filter((h) => h >= firstHour);
      if (hours.length > 0) this.#cutDay(dateOf(start), dateOf(midnight), hours, from);
    }
  }

  #cutDay(date: UtcDate, cut: UtcDate, hours: readonly HourNumber[], from: number): void {
    const oldest = from - RETENTION_DAYS * SECONDS_PER_DAY;
    const keys = hours.flatMap((h) => this.#options.keysOf(h)).filter((key) => keyEnd(key) > oldest);
    keys.sort(compareKeys);
    const start = hourStart(hours[0] ?? 0) - hourOfDay(hours[0] ?? 0) * 3600;
    const window = { startTimestamp: start, endTimestamp: start + SECONDS_PER_DAY };
    const before = this.#days.get(date);
    const chunks = this.#files(keys, window, from, { date, hour: null, cut });
    this.#days.set(date, { date, cut, chunks });
    this.#put(dayPath(REGION, date), from, zipOf(keys, window));
    const names = new Set(chunks.map((chunk) => chunk.sha256));
    for (const { sha256: name } of before?.chunks ?? []) {
      if (!names.has(name)) this.#drop(chunkPath(REGION, name), from + GRACE_SECONDS);
    }
    if (before !== undefined) return;
    for (const h of hours) {
      this.#drop(hourPath(REGION, date, hourOfDay(h)), from + GRACE_SECONDS);
      for (const { sha256: name } of this.#hourChunks.get(h) ?? []) {
        this.#drop(chunkPath(REGION, name), from + GRACE_SECONDS);
      }
    }
    this.#drop(hourIndexPath(REGION, date), from + GRACE_SECONDS);
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
    const payload = {
      region: REGION,
      sequence: ++this.#sequence,
      previous: this.#previous,
      issuedAt: hourEnd(throughHour),
      validUntil: hourEnd(throughHour) + MANIFEST_VALIDITY_SECONDS,
      hours: this.#chunksOf(running),
      pages,
    };
    this.#previous = toBase64Url(sha256(utf8(JSON.stringify(payload))));
    this.#put(headPath(REGION), from, utf8(signDocument(MANIFEST_TYPE, 'manifest-v1', payload, manifestSigner.raw)));
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
        this.#put(pagePath(REGION, name), from, bytes);
        return { sha256: name, from: part[0]?.date ?? '', to: part.at(-1)?.date ?? '' };
      });
  }

  #putList(path: string, from: number, list: readonly unknown[]): void {
    this.#put(path, from, utf8(JSON.stringify(list)));
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
 * @returns a file that every phone accepts
 */
export function zipOf(
  keys: readonly TemporaryExposureKey[],
  window: { readonly startTimestamp: number; readonly endTimestamp: number },
): Uint8Array {
  const header = { ...HEADER, ...window };
  const writer = new ExportWriter(header, keys.length);
  for (const key of keys) writer.add(key);
  const bin = writer.finish();
  return exportZip(bin, exportSignature(header, bin, exportSigner.der));
}
