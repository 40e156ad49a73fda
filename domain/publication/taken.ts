/**
 * @module Rows of private records that are taken back (docs/architecture.md §5.11): which they are, as bytes of the private bucket. A row is named by
 * where it lies, so nothing of this holds a key.
 *
 * | bytes, big-endian, once a part | field |
 * |---|---|
 * | 0..3 | hour of the record |
 * | 4..7 | day at which the part's keys leave · 8..11: number of the part within the day |
 * | 12..15 | how many rows · then four bytes each: their numbers within the part, ascending |
 *
 * A request begins with {@link SALTED} in the hour's place and {@link SALT_BYTES} random bytes: its hash stays in the event log when it is gone, and says nothing of rows that
 * somebody guesses. One of before there was a salt begins with its first part, and is read on.
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import type { RandomBytes } from '../random.ts';
import type { RecordPart } from './record.ts';
import { uint32, writeUint32 } from './packed-keys.ts';

const HEADER_BYTES = 16;
const ROW_NUMBER_BYTES = 4;
/** No hour. */
const SALTED = 0xff_ff_ff_ff;
const MARK_BYTES = 4;
const SALT_BYTES = 16;

/** Rows of one part of a record. */
export interface TakenRows extends Pick<RecordPart, 'day' | 'n'> {
  /** Of the record. */
  readonly hour: number;
  /** Within the part, from 0. */
  readonly rows: Uint32Array;
}

/** Requests of people and authorities that are waiting for the next sealing, and whose they are. */
export type TakeBackCause = 'rollback' | 'withdrawal';

/** Rows that ended before they were published, which the event log doesn't tell of yet. */
export interface DroppedRows {
  /** In which they ended, since the Unix epoch. */
  readonly hour: number;
  readonly cause: TakeBackCause;
  readonly rows: number;
}

/** Which rows are to end, or to have another report type (revision.ts). */
export type TakeBackRequest = {
  /** A random UUID: asked again by the same, nothing is done again. */
  readonly id: string;
  readonly parts: readonly TakenRows[];
} & ({ readonly cause: TakeBackCause } | { readonly cause: 'revision'; readonly to: RevisedType });

/** waiting: kept, and done with a coming hour. taken: done with the hour that is named. */
export type TakeBackReply = { readonly kind: 'waiting' } | { readonly kind: 'taken'; readonly hour: number };

/** @param hour of the sealing @param day at which the keys leave @returns name of the rows that were taken back with an hour */
export function takenKey(hour: number, day: number): string {
  return `taken/${hour}/${day}.bin`;
}

/** Folder of requests that no hour has taken up yet. */
export const REQUESTS = 'taken/requests/';

/** @param id of the request @returns name of its rows */
export function requestKey(id: string): string {
  return `${REQUESTS}${id}.bin`;
}

/** @returns how a part is told from others */
function partName({ hour, day, n }: Pick<TakenRows, 'hour' | 'day' | 'n'>): string {
  return `${hour}/${day}-${n}`;
}

/**
 * @param parts in any order, a part perhaps several times
 * @param keepsEmpty whether parts without rows stay
 * @returns each part once, by hour, day and number; its rows ascending, each once; parts without rows left out
 */
export function mergeTaken(parts: Iterable<TakenRows>, keepsEmpty = false): TakenRows[] {
  const merged = new Map<string, { readonly part: TakenRows; readonly rows: Uint32Array[] }>();
  for (const part of parts) {
    const name = partName(part);
    const one = merged.get(name);
    if (one === undefined) merged.set(name, { part, rows: [part.rows] });
    else one.rows.push(part.rows);
  }
  return [...merged.values()]
    .map(({ part: { hour, day, n }, rows }) => ({ hour, day, n, rows: ascending(rows) }))
    .filter(({ rows }) => keepsEmpty || rows.length > 0)
    .toSorted((a, b) => a.hour - b.hour || a.day - b.day || a.n - b.n);
}

function ascending(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  return all.filter((row, i) => i === 0 || row !== all[i - 1]);
}

/** @param parts from {@link mergeTaken} @returns their bytes; the same for the same rows */
export function encodeTaken(parts: readonly TakenRows[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { rows }) => sum + HEADER_BYTES + ROW_NUMBER_BYTES * rows.length, 0));
  let at = 0;
  for (const { hour, day, n, rows } of parts) {
    for (const field of [hour, day, n, rows.length]) {
      writeUint32(bytes, at, field);
      at += 4;
    }
    for (const row of rows) {
      writeUint32(bytes, at, row);
      at += ROW_NUMBER_BYTES;
    }
  }
  return bytes;
}

/** @param bytes from {@link encodeTaken} @returns the parts @throws RangeError when they end within a part */
export function parseTaken(bytes: Uint8Array): TakenRows[] {
  const parts: TakenRows[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + HEADER_BYTES > bytes.length) throw new RangeError('taken rows end within a header');
    const [hour, day, n, count] = [0, 4, 8, 12].map((field) => uint32(bytes, at + field)) as [
      number,
      number,
      number,
      number,
    ];
    at += HEADER_BYTES;
    if (at + count * ROW_NUMBER_BYTES > bytes.length) throw new RangeError('taken rows end within a part');
    const rows = new Uint32Array(count);
    for (let i = 0; i < count; i++, at += ROW_NUMBER_BYTES) rows[i] = uint32(bytes, at);
    parts.push({ hour, day, n, rows });
  }
  return parts;
}

/** @param parts from {@link mergeTaken} @param random of the salt @returns bytes of a request, others each time */
export function encodeRequest(parts: readonly TakenRows[], random: RandomBytes): Uint8Array {
  const mark = new Uint8Array(MARK_BYTES);
  writeUint32(mark, 0, SALTED);
  return concatBytes(mark, random(SALT_BYTES), encodeTaken(parts));
}

/** @param bytes from {@link encodeRequest}, or a request without a salt @returns the parts @throws RangeError when they end within the salt or a part */
export function parseRequest(bytes: Uint8Array): TakenRows[] {
  if (bytes.length < MARK_BYTES || uint32(bytes, 0) !== SALTED) return parseTaken(bytes);
  if (bytes.length < MARK_BYTES + SALT_BYTES) throw new RangeError('a request ends within its salt');
  return parseTaken(bytes.subarray(MARK_BYTES + SALT_BYTES));
}
