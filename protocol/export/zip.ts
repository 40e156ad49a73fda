/**
 * @module The ZIP of an export (PKWARE APPNOTE 6.3; docs/spec/gaen.md §4): written as a function of its content alone (pinned
 * deflate, DOS time 1980-01-01, no extra fields), read as strictly as Android's unzip and with a cap on what comes out.
 */
import { fromUtf8, utf8 } from '../primitives/bytes.ts';
import { crc32 } from './crc32.ts';
import { deflate, inflateCapped } from './deflate.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { exactMemory, type Scratch } from './scratch.ts';

export interface ZipEntry {
  /** A plain file name. */
  readonly name: string;
  readonly data: Uint8Array;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_CENTRAL = 0x06054b50;
const DATA_DESCRIPTOR = 0x08074b50;
const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_BYTES = 22;
/** Version 2.0: the first that knows deflate (APPNOTE §4.4.3). */
const VERSION = 20;
const STORED = 0;
const DEFLATED = 8;
/** 1980-01-01 00:00:00, the earliest that DOS can name: year 0, month 1, day 1 (APPNOTE §4.4.6). */
const DOS_DATE = 0x0021;
const DOS_TIME = 0;
/** Bit 0 encrypted, bit 3 data descriptor follows (APPNOTE §4.4.4). */
const FLAG_ENCRYPTED = 0x0001;
const FLAG_DESCRIPTOR = 0x0008;

/**
 * @param entries in the order they shall stand; names of ASCII characters
 * @param scratch where the archive may be laid, its first entry, the large one, deflated in place
 * @returns the archive: the same bytes for the same entries, always; a view of `scratch` if given
 */
export function writeZip(entries: readonly ZipEntry[], scratch?: Scratch): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const [index, { name, data }] of entries.entries()) {
    const packed = index === 0 ? deflate(data, scratch) : deflate(data);
    const nameBytes = utf8(name);
    // Everything that local and central header share, from "version needed" to the length of the extra field.
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, VERSION, true);
    common.setUint16(2, 0, true);
    common.setUint16(4, DEFLATED, true);
    common.setUint16(6, DOS_TIME, true);
    common.setUint16(8, DOS_DATE, true);
    common.setUint32(10, crc32(data), true);
    common.setUint32(14, packed.length, true);
    common.setUint32(18, data.length, true);
    common.setUint16(22, nameBytes.length, true);
    const shared = new Uint8Array(common.buffer);

    const head = new DataView(new ArrayBuffer(LOCAL_HEADER_BYTES));
    head.setUint32(0, LOCAL_HEADER, true);
    new Uint8Array(head.buffer).set(shared, 4);
    local.push(new Uint8Array(head.buffer), nameBytes, packed);

    const directory = new DataView(new ArrayBuffer(CENTRAL_HEADER_BYTES));
    directory.setUint32(0, CENTRAL_HEADER, true);
    directory.setUint16(4, VERSION, true);
    new Uint8Array(directory.buffer).set(shared, 6);
    directory.setUint32(42, offset, true);
    central.push(new Uint8Array(directory.buffer), nameBytes);
    offset += LOCAL_HEADER_BYTES + nameBytes.length + packed.length;
  }
  const centralBytes = central.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(END_BYTES));
  end.setUint32(0, END_OF_CENTRAL, true);
  end.setUint16(8, entries.length, true);
  end.setUint16(10, entries.length, true);
  end.setUint32(12, centralBytes, true);
  end.setUint32(16, offset, true);
  return laid([...local, ...central, new Uint8Array(end.buffer)], scratch);
}

/**
 * Last part first: the deflated entry lies at the start of the same memory and moves up by the header before it, so what
 * follows it must be written before, and the header after.
 */
function laid(parts: readonly Uint8Array[], scratch: Scratch = exactMemory): Uint8Array {
  const archive = scratch(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = archive.length;
  for (const part of parts.toReversed()) {
    offset -= part.length;
    archive.set(part, offset);
  }
  return archive;
}

/** Why an archive is refused. */
export type ZipError =
  /** The bytes are no archive as APPNOTE has it; `what` says where it ends to be one. */
  | { readonly kind: 'malformed-zip'; readonly what: string }
  /** An entry whose name is not among those that are expected, or appears twice. */
  | { readonly kind: 'unexpected-entry'; readonly name: string }
  | { readonly kind: 'duplicate-entry'; readonly name: string }
  /** Encrypted, another method than deflate or stored, or stored with its length after it. */
  | { readonly kind: 'unsupported-entry'; readonly name: string; readonly what: string }
  /** More bytes come out than a phone would take. */
  | { readonly kind: 'entry-too-large'; readonly name: string; readonly limit: number }
  | { readonly kind: 'bad-checksum'; readonly name: string };

/**
 * Reads as Java's ZipInputStream does, entry after entry from the front, and then holds the central directory against
 * what it saw, so that a front and a back that tell different stories are refused too.
 *
 * @param zip the archive
 * @param limits the names that may occur, each at most once, and the most bytes that may come out of each
 * @returns name → bytes, for what is there
 */
export function readZip(
  zip: Uint8Array,
  limits: ReadonlyMap<string, number>,
): Result<ReadonlyMap<string, Uint8Array>, ZipError> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const entries = new Map<string, Uint8Array>();
  const seen: SeenEntry[] = [];
  let at = 0;
  while (at + 4 <= zip.length && view.getUint32(at, true) === LOCAL_HEADER) {
    const entry = readEntry(zip, view, at, limits);
    if (!entry.ok) return entry;
    const { name, data, next, packed } = entry.value;
    if (entries.has(name)) return err({ kind: 'duplicate-entry', name });
    entries.set(name, data);
    seen.push({ name, offset: at, packed, size: data.length, crc: crc32(data) });
    at = next;
  }
  const directory = checkDirectory(zip, view, at, seen);
  return directory === null ? ok(entries) : err({ kind: 'malformed-zip', what: directory });
}

/** One entry as the front of the archive has it. */
interface SeenEntry {
  readonly name: string;
  /** Of its local header. */
  readonly offset: number;
  /** Bytes as they lie in the archive. */
  readonly packed: number;
  /** Bytes that came out. */
  readonly size: number;
  /** Of what came out. */
  readonly crc: number;
}

/** @returns what is wrong with central directory and end record, or null */
function checkDirectory(zip: Uint8Array, view: DataView, start: number, seen: readonly SeenEntry[]): string | null {
  let at = start;
  for (const { name, offset, packed, size, crc } of seen) {
    if (at + CENTRAL_HEADER_BYTES > zip.length || view.getUint32(at, true) !== CENTRAL_HEADER) {
      return 'no central directory after the entries';
    }
    const nameEnd = at + CENTRAL_HEADER_BYTES + view.getUint16(at + 28, true);
    if (nameEnd > zip.length) return 'central directory cut off';
    if (asText(zip.subarray(at + CENTRAL_HEADER_BYTES, nameEnd)) !== name || view.getUint32(at + 42, true) !== offset) {
      return 'central directory names other entries';
    }
    // Flags and method as in the local header, checksum and sizes as of the bytes (APPNOTE §4.3.12): a reader that goes by
    // the directory (iOS, unzip) must meet the very file that one from the front (Android) meets.
    const same =
      view.getUint16(at + 8, true) === view.getUint16(offset + 6, true) &&
      view.getUint16(at + 10, true) === view.getUint16(offset + 8, true) &&
      view.getUint32(at + 16, true) === crc &&
      view.getUint32(at + 20, true) === packed &&
      view.getUint32(at + 24, true) === size &&
      view.getUint16(at + 34, true) === 0;
    if (!same) return `central directory tells ${name} otherwise than its local header`;
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at + END_BYTES > zip.length || view.getUint32(at, true) !== END_OF_CENTRAL) return 'no end record';
  // One disk, all entries on it, and the directory's place and length (APPNOTE §4.3.16).
  const counts =
    view.getUint32(at + 4, true) === 0 &&
    view.getUint16(at + 8, true) === seen.length &&
    view.getUint16(at + 10, true) === seen.length &&
    view.getUint32(at + 12, true) === at - start &&
    view.getUint32(at + 16, true) === start;
  if (!counts) return 'end record counts other entries';
  return at + END_BYTES + view.getUint16(at + 20, true) === zip.length ? null : 'bytes after the end record';
}

function readEntry(
  zip: Uint8Array,
  view: DataView,
  at: number,
  limits: ReadonlyMap<string, number>,
): Result<{ name: string; data: Uint8Array; next: number; packed: number }, ZipError> {
  if (at + LOCAL_HEADER_BYTES > zip.length) return err({ kind: 'malformed-zip', what: 'local header cut off' });
  const flags = view.getUint16(at + 6, true);
  const method = view.getUint16(at + 8, true);
  const nameEnd = at + LOCAL_HEADER_BYTES + view.getUint16(at + 26, true);
  const start = nameEnd + view.getUint16(at + 28, true);
  if (start > zip.length) return err({ kind: 'malformed-zip', what: 'local header cut off' });
  const name = asText(zip.subarray(at + LOCAL_HEADER_BYTES, nameEnd));
  // Directories and path components fall under the same rule: their names are not the two that may occur.
  const limit = limits.get(name);
  if (limit === undefined) return err({ kind: 'unexpected-entry', name });
  const descriptor = (flags & FLAG_DESCRIPTOR) !== 0;
  const unsupported = (what: string): Result<never, ZipError> => err({ kind: 'unsupported-entry', name, what });
  if ((flags & FLAG_ENCRYPTED) !== 0) return unsupported('encrypted');
  if (method !== STORED && method !== DEFLATED) return unsupported(`compression method ${method}`);
  if (method === STORED && descriptor) return unsupported('stored, with its length after its bytes');

  let data: Uint8Array;
  let end: number;
  if (method === STORED) {
    const length = view.getUint32(at + 18, true);
    if (length > limit) return err({ kind: 'entry-too-large', name, limit });
    if (start + length > zip.length) return err({ kind: 'malformed-zip', what: `${name} cut off` });
    data = zip.slice(start, start + length);
    end = start + length;
  } else {
    const inflated = inflateCapped(zip.subarray(start), limit);
    if (inflated === 'too-large') return err({ kind: 'entry-too-large', name, limit });
    if (inflated === 'malformed') return err({ kind: 'malformed-zip', what: `${name} does not inflate` });
    data = inflated.data;
    end = start + inflated.used;
  }

  // With a descriptor the sizes follow the bytes, after an optional signature (APPNOTE §4.3.9).
  let sizes = at + 14;
  let next = end;
  if (descriptor) {
    sizes = end + 4 <= zip.length && view.getUint32(end, true) === DATA_DESCRIPTOR ? end + 4 : end;
    next = sizes + 12;
    if (next > zip.length) return err({ kind: 'malformed-zip', what: `descriptor of ${name} cut off` });
  }
  if (view.getUint32(sizes + 4, true) !== end - start || view.getUint32(sizes + 8, true) !== data.length) {
    return err({ kind: 'malformed-zip', what: `sizes of ${name} are not those of its bytes` });
  }
  if (view.getUint32(sizes, true) !== crc32(data)) return err({ kind: 'bad-checksum', name });
  return ok({ name, data, next, packed: end - start });
}

function asText(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return '�';
  }
}
