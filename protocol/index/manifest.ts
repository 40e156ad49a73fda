/**
 * @module The manifest (docs/architecture.md §6; manifest.schema.json): a small signed head that phones poll, immutable day pages that it
 * names by hash, and in both the chunks. Also the paths of its objects: object keys in the public bucket, and with a slash
 * in front the URLs' paths.
 */
import * as z from 'zod';
import { REVISED_TYPES, type RevisedType } from '../gaen/keys.ts';
import { type HourNumber, SECONDS_PER_HOUR, type UtcDate, dateOfHour, hourEnd, isUtcDate } from '../gaen/intervals.ts';
import { type Result, err, ok } from '../primitives/result.ts';

/** Type of the signed document that the head is (signed-document.ts). */
export const MANIFEST_TYPE = 'manifest';
/** A head is good for this long after `issuedAt`; then a phone takes it for withheld. */
export const MANIFEST_VALIDITY_SECONDS = 4 * SECONDS_PER_HOUR;

/** One file of one hour or one day. */
export interface ChunkEntry {
  /** Hours since the Unix epoch; absent in a day's chunk. */
  readonly hour?: HourNumber;
  /** This is file `file` (from 1) of `of`. */
  readonly file: number;
  readonly of: number;
  /** Bytes of the ZIP. */
  readonly size: number;
  /** Bucket of the number of keys, see {@link countBucket}. */
  readonly keys: string;
  /** base64url of SHA-256 of the ZIP, no padding: what the URL is made of, and what the download must hash to. */
  readonly sha256: string;
  /** The signed file without keys that stands for an hour with nothing to publish. */
  readonly empty?: true;
  /** base64url of SHA-256 of export.sig, no padding: which file a compact form must be of (docs/compact-chunk.md §1). Absent in an hour's chunk: an hour's window is signed once. */
  readonly sig?: string;
}

/** A complete UTC day. */
export interface DayEntry {
  readonly date: UtcDate;
  /** The midnight at which these files were cut; a later (cut, revised) is a subset of an earlier one. */
  readonly cut: UtcDate;
  /** These files are without what was revoked up to this hour; absent while nothing of the day was. Of hours' chunks it says nothing. */
  readonly revised?: HourNumber;
  /** All files of one cut; or, while the day has not been cut, the chunks of its hours. */
  readonly chunks: readonly ChunkEntry[];
}

/** Plain JSON, named by its own SHA-256, which the signed head lists. */
export interface DayPage {
  readonly region: string;
  /** Ascending. */
  readonly days: readonly DayEntry[];
}

/**
 * What was revoked in an hour: signed exports of their own, with `revised_keys` alone, whose report type is REVOKED. A phone that has fetched a day needs it, unless the files that it fetched are without these keys already: day files with `revised` of this hour or later, chunks of this hour or later. With `reportType`, keys that have this one from then on: they stay in their days' files, so whoever fetched one needs it.
 */
export interface RevocationEntry {
  /** The hour in whose place it was sealed; the keys were published in hours before it. */
  readonly hour: HourNumber;
  /** Of all its keys; absent: REVOKED. */
  readonly reportType?: RevisedType;
  /** The days in whose files, or hours' files, these keys were published, ascending. */
  readonly days: readonly UtcDate[];
  /** Without `hour`; `keys` counts revised keys. */
  readonly chunks: readonly ChunkEntry[];
}

/** Plain JSON, named by its own SHA-256, which the signed head lists. */
export interface RevocationPage {
  readonly region: string;
  /** Ascending by hour. An entry stays until the last of its days is gone. */
  readonly revocations: readonly RevocationEntry[];
}

/** A page as the head names it. */
export interface PageEntry {
  /** base64url of SHA-256 of the page, no padding. */
  readonly sha256: string;
  /** First and last day in it. */
  readonly from: UtcDate;
  readonly to: UtcDate;
}

/** Payload of the signed head. */
export interface ManifestHead {
  readonly region: string;
  /** Grows by one with each head; a phone takes no lower one than it has seen. */
  readonly sequence: number;
  /** base64url of SHA-256 of the previous head's payload, null in the first. */
  readonly previous: string | null;
  /** End of the last sealed hour, Unix seconds: no wall clock in signed bytes. */
  readonly issuedAt: number;
  /** Unix seconds. */
  readonly validUntil: number;
  /** Chunks of the running day, ascending by hour and file. */
  readonly hours: readonly ChunkEntry[];
  /** Ascending. */
  readonly pages: readonly PageEntry[];
  /** base64url of SHA-256 of the {@link RevocationPage}, no padding; absent while nothing that is listed was revoked. */
  readonly revocations?: string;
  /** Everything that is listed lies in the compact form too (docs/compact-chunk.md). */
  readonly compact?: true;
  /** The service has ended: a phone fetches what is listed, keeps this head, and asks no more (ended.ts, docs/sunset.md). */
  readonly ended?: true;
}

export interface ManifestError {
  readonly kind: 'bad-manifest';
  /** Where in the document: `hours.3.sha256`, empty for the whole. */
  readonly path: string;
  readonly rule: string;
}

/** Far more than any deployment lists; a bound on what a stranger's page may cost a phone. */
const MAX_CHUNKS = 2000;
const MAX_DAYS = 62;
const MAX_SECONDS = 253_402_300_799;

/** The last of 43 characters carries four bits. */
const sha256 = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'must be base64url of 32 bytes');
const region = z.string().regex(/^[A-Z]{2,3}$/, 'must be 2 or 3 capital letters');
const date = z.string().refine(isUtcDate, 'must be an existing day, YYYY-MM-DD');
const seconds = z.int().min(0).max(MAX_SECONDS);
const MAX_HOUR = Math.floor(MAX_SECONDS / SECONDS_PER_HOUR);
const hourNumber = z.int().min(0).max(MAX_HOUR);
/** Rules of a whole are asked although a part was refused already: an hour that is none is of no day. */
const dayOfHour = (hour: HourNumber): UtcDate => (hour >= 0 && hour <= MAX_HOUR ? dateOfHour(hour) : '');
const chunk = z
  .object({
    hour: hourNumber.exactOptional(),
    file: z.int().min(1),
    of: z.int().min(1).max(MAX_CHUNKS),
    size: z.int().min(1),
    keys: z.string().regex(/^(0|[1-9][0-9]*-[1-9][0-9]*)$/, 'must be a bucket as countBucket makes them'),
    sha256,
    empty: z.literal(true).exactOptional(),
    sig: sha256.exactOptional(),
  })
  .refine(({ file, of }) => file <= of, 'file must be at most of');

/** Ascending by (hour, file), each file of an hour or of the day there exactly once. */
function complete(chunks: readonly ChunkEntry[]): boolean {
  return chunks.every((entry, i) => {
    const before = chunks[i - 1];
    const next = chunks[i + 1];
    const follows = before !== undefined && before.hour === entry.hour;
    const ends = next === undefined || next.hour !== entry.hour;
    if (follows ? entry.file !== before.file + 1 || entry.of !== before.of : entry.file !== 1) return false;
    if (ends && entry.file !== entry.of) return false;
    return follows || before === undefined || (before.hour !== undefined && before.hour < (entry.hour ?? -1));
  });
}

const COMPLETE_RULE = 'must be ascending by hour and file, every file 1..of there';
const chunks = z.array(chunk).min(1).max(MAX_CHUNKS).refine(complete, COMPLETE_RULE);
const dayEntry = z
  .object({ date, cut: date, revised: hourNumber.exactOptional(), chunks })
  .refine(({ date: day, cut }) => cut >= day, 'cut must not be before date')
  .refine(
    ({ date: day, revised }) => revised === undefined || dayOfHour(revised) >= day,
    'revised must not be before date',
  );
const dayPage = z.object({
  region,
  days: z
    .array(dayEntry)
    .min(1)
    .max(MAX_DAYS)
    .refine((days) => ascending(days.map((day) => day.date)), 'must be ascending'),
}) satisfies z.ZodType<DayPage>;

const revocationEntry = z
  .object({
    hour: hourNumber,
    reportType: z.literal(REVISED_TYPES).exactOptional(),
    days: z.array(date).min(1).max(MAX_DAYS).refine(ascending, 'must be ascending'),
    chunks: chunks.refine(
      (files) => files.every(({ hour, empty }) => hour === undefined && empty === undefined),
      'must be neither chunks of hours nor empty',
    ),
  })
  .refine(({ hour, days }) => (days.at(-1) ?? '') <= dayOfHour(hour), 'days must not be after hour');
const revocationPage = z.object({
  region,
  revocations: z
    .array(revocationEntry)
    .min(1)
    .max(MAX_CHUNKS)
    .refine((entries) => entries.every(({ hour }, i) => hour > (entries[i - 1]?.hour ?? -1)), 'must be ascending'),
}) satisfies z.ZodType<RevocationPage>;

const pageEntry = z
  .object({ sha256, from: date, to: date })
  .refine(({ from, to }) => from <= to, 'from must not be after to');
const manifestHead = z
  .object({
    region,
    sequence: z.int().min(1),
    previous: sha256.nullable(),
    issuedAt: seconds,
    validUntil: seconds,
    hours: z
      .array(chunk)
      .max(MAX_CHUNKS)
      .refine((hours) => hours.every(({ hour }) => hour !== undefined), 'must be chunks of hours')
      .refine(complete, COMPLETE_RULE),
    pages: z
      .array(pageEntry)
      .max(MAX_DAYS)
      .refine(
        (pages) => ascending(pages.flatMap(({ from, to }) => (from === to ? [from] : [from, to]))),
        'must be ascending',
      ),
    revocations: sha256.exactOptional(),
    compact: z.literal(true).exactOptional(),
    ended: z.literal(true).exactOptional(),
  })
  .refine(({ issuedAt, validUntil }) => validUntil > issuedAt, 'validUntil must be after issuedAt')
  .refine(
    ({ issuedAt, hours }) => hours.every(({ hour }) => hour === undefined || hourEnd(hour) <= issuedAt),
    'hours must be sealed at issuedAt',
  ) satisfies z.ZodType<ManifestHead>;

function ascending(dates: readonly string[]): boolean {
  return dates.every((day, i) => i === 0 || (dates[i - 1] ?? '') < day);
}

function parse<T>(schema: z.ZodType<T>, payload: unknown): Result<T, ManifestError> {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  return err({ kind: 'bad-manifest', path: (issue?.path ?? []).join('.'), rule: issue?.message ?? 'invalid' });
}

/**
 * @param payload of an opened signed document of type `manifest`
 * @returns the head, unknown fields left out; or the first rule that it breaks
 */
export function parseManifestHead(payload: unknown): Result<ManifestHead, ManifestError> {
  return parse(manifestHead, payload);
}

/**
 * @param page parsed JSON of a page whose SHA-256 the head lists
 * @returns the page, unknown fields left out; or the first rule that it breaks
 */
export function parseDayPage(page: unknown): Result<DayPage, ManifestError> {
  return parse(dayPage, page);
}

/**
 * @param page parsed JSON of the page whose SHA-256 is the head's `revocations`
 * @returns the page, unknown fields left out; or the first rule that it breaks
 */
export function parseRevocationPage(page: unknown): Result<RevocationPage, ManifestError> {
  return parse(revocationPage, page);
}

/** @param error from one of the parsers @returns one line for a person */
export function describeManifestError(error: ManifestError): string {
  return `manifest${error.path === '' ? '' : ` ${error.path}`}: ${error.rule}`;
}

/** @param code `DE`, `EUR` @returns object key of the signed head */
export function headPath(code: string): string {
  return `v1/${code}/manifest.json`;
}

/** @param code `DE`, `EUR` @param name base64url SHA-256 of the page @returns object key of the page */
export function pagePath(code: string, name: string): string {
  return `v1/${code}/days/${name}.json`;
}

/**
 * @param code `DE`, `EUR`
 * @param name base64url SHA-256 of the page
 * @returns object key of the page of revocations
 */
export function revocationPagePath(code: string, name: string): string {
  return `v1/${code}/revocations/${name}.json`;
}

/**
 * Buckets of the series 1-2-5, so that a phone can tell whether a file fits its limits while the list names no exact count.
 *
 * @param count number of keys, ≥ 0
 * @returns `0`, `1-99`, `100-199`, `200-499`, `500-999`, `1000-1999` …
 * @throws {RangeError} when it is not a whole number ≥ 0
 */
export function countBucket(count: number): string {
  if (!(Number.isSafeInteger(count) && count >= 0)) throw new RangeError(`countBucket: expected a count, got ${count}`);
  if (count === 0) return '0';
  if (count < 100) return '1-99';
  const decade = 10 ** (String(count).length - 1);
  const digit = Math.floor(count / decade);
  if (digit < 2) return `${decade}-${2 * decade - 1}`;
  return digit < 5 ? `${2 * decade}-${5 * decade - 1}` : `${5 * decade}-${10 * decade - 1}`;
}
