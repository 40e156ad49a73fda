/**
 * @module What all ways of downloading share: ports, what can go wrong, and how one export file is fetched, checked
 * and handed on (docs/architecture.md §6).
 */
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import {
  describeExportError,
  type ExportError,
  type ExportFile,
  type PinnedKey,
  readExportFiles,
  readExportZip,
  type ExportFiles,
} from '../../protocol/export/export-reader.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { describeManifestError, type ManifestError } from '../../protocol/index/manifest.ts';
import { describeDocumentError, type DocumentError } from '../../protocol/index/signed-document.ts';
import { err, type Result } from '../../protocol/primitives/result.ts';
import { describeHttpError, type Fetch, get, type HttpAnswer, type HttpError } from '../http.ts';
import type { StoreError } from '../store.ts';
import { clockError, describeClockError } from '../timing/clock-check.ts';

/** A file whose signature verified. */
interface VerifiedFile {
  /** Path it was fetched from, without the leading slash. */
  readonly path: string;
  readonly exportFile: ExportFile;
}

/** What a download needs from outside. */
export interface DownloadPorts {
  readonly fetch: Fetch;
  /** Origin of the index Worker or the CDN, without a slash at its end. */
  readonly baseUrl: string;
  /** Unix seconds. */
  readonly clock: () => number;
  /** The key that signs exports; two while one replaces the other. */
  readonly exportKey: PinnedKey | readonly PinnedKey[];
  /**
   * Takes the keys, to match them. Only when it is done does the file count as had: a phone that dies in between
   * fetches this one file again, and misses nothing.
   */
  readonly onFile: (file: VerifiedFile) => void | Promise<void>;
}

/** The time a file covers: start_timestamp and end_timestamp of its header, Unix seconds. */
interface Window {
  readonly start: number;
  readonly end: number;
}

/** The phone's clock is so many seconds ahead (behind, if negative): what is new, or withheld, can't be told. */
interface ClockError {
  readonly kind: 'clock';
  readonly errorSeconds: number;
}

export type DownloadError =
  | HttpError
  | ClockError
  | StoreError
  | DocumentError
  | ManifestError
  /** The manifest or file of another region stands in the place of ours. */
  | { readonly kind: 'wrong-region'; readonly wanted: string; readonly found: string }
  /** An older head than one seen before. */
  | { readonly kind: 'rollback'; readonly highest: number; readonly offered: number }
  /** Two different heads with one sequence. */
  | { readonly kind: 'fork'; readonly sequence: number }
  /** The head does not follow from the one before it. */
  | { readonly kind: 'broken-chain'; readonly sequence: number }
  /** The newest head offered is too old: newer ones are withheld, or the publisher stands still. */
  | { readonly kind: 'expired'; readonly validUntil: number; readonly now: number }
  /** Other bytes than the manifest says. */
  | { readonly kind: 'digest'; readonly path: string }
  /** CWA's apps discard a package without exactly one ETag (docs/spec/gaen.md §10). */
  | { readonly kind: 'etag'; readonly path: string; readonly found: string | null }
  /** The header of an answer is no signature of its body, for its URL and now. */
  | { readonly kind: 'answer-signature'; readonly path: string; readonly rule: string }
  /** A list is not what it must be. */
  | { readonly kind: 'bad-list'; readonly path: string; readonly rule: string }
  /** A validly signed file of another time, or of a longer or shorter one, stands in the place of this one. */
  | { readonly kind: 'wrong-window'; readonly path: string; readonly wanted: Window; readonly found: Window }
  /** A file among the revocations holds something else: nothing may come in by that way. */
  | { readonly kind: 'not-a-revocation'; readonly path: string; readonly rule: string }
  /** A phone refuses the file. */
  | { readonly kind: 'refused'; readonly path: string; readonly error: ExportError };

/** What one run did. Without errors, everything that was listed is had. */
export interface SyncOutcome {
  /** Export files fetched, verified and handed on. */
  readonly files: number;
  /** Bytes of all bodies: lists, manifests and files. */
  readonly bytes: number;
  readonly requests: number;
  readonly errors: readonly DownloadError[];
}

/** What else must hold of a verified file; the path is for the error. */
export type FileCheck = (path: string, exportFile: ExportFile) => DownloadError | null;

type ReadFile =
  | { readonly ok: true; readonly exportFile: ExportFile }
  | { readonly ok: false; readonly error: ExportError };

/** Reads a file that a key must have signed. */
export type ZipReader = (zip: Uint8Array, key: PinnedKey) => ReadFile;

/** Counts what one run costs, around every request. */
export class Transfer {
  files = 0;
  bytes = 0;
  requests = 0;
  readonly errors: DownloadError[] = [];
  readonly #ports: DownloadPorts;

  /** @param ports see {@link DownloadPorts} */
  constructor(ports: DownloadPorts) {
    this.#ports = ports;
  }

  /**
   * @param path without the leading slash
   * @param maxBytes cap
   * @param etag for If-None-Match, or null
   * @returns the answer, unless its date says that the phone's clock is wrong
   */
  async get(
    path: string,
    maxBytes: number,
    etag: string | null = null,
  ): Promise<Result<HttpAnswer, HttpError | ClockError>> {
    this.requests++;
    const answer = await get(this.#ports.fetch, `${this.#ports.baseUrl}/${path}`, maxBytes, etag);
    if (!answer.ok) return answer;
    this.bytes += answer.value.bytes?.length ?? 0;
    const errorSeconds = clockError(answer.value.headers, this.#ports.clock());
    return errorSeconds === null ? answer : err({ kind: 'clock', errorSeconds });
  }

  /**
   * Verifies a file and hands it on.
   *
   * @param path where it came from
   * @param zip its bytes
   * @param check what else must hold of it, before it is handed on
   * @param reader as strict as phones by default
   * @returns null once `onFile` is done with it
   */
  async accept(
    path: string,
    zip: Uint8Array,
    check: FileCheck = () => null,
    reader: ZipReader = readExportZip,
  ): Promise<DownloadError | null> {
    return this.#accept(path, check, (key) => reader(zip, key));
  }

  /** As {@link accept}, of both files as a compact chunk has them. */
  acceptFiles(path: string, files: ExportFiles, check: FileCheck): Promise<DownloadError | null> {
    return this.#accept(path, check, (key) => readExportFiles(files, key));
  }

  async #accept(path: string, check: FileCheck, reader: (key: PinnedKey) => ReadFile): Promise<DownloadError | null> {
    const read = readWithAny([this.#ports.exportKey].flat(), reader);
    if (!read.ok) return { kind: 'refused', path, error: read.error };
    const error = check(path, read.exportFile);
    if (error !== null) return error;
    await this.#ports.onFile({ path, exportFile: read.exportFile });
    this.files++;
    return null;
  }

  /** @returns the counts so far, as plain data */
  outcome(): SyncOutcome {
    const { files, bytes, requests, errors } = this;
    return { files, bytes, requests, errors: [...errors] };
  }
}

/** @returns the file if one of the keys signed it, else why the last was no key of it; what no key can mend ends the search */
function readWithAny(keys: readonly PinnedKey[], reader: (key: PinnedKey) => ReadFile): ReadFile {
  let read: ReadFile = { ok: false, error: { kind: 'no-signature' } };
  for (const key of keys) {
    read = reader(key);
    if (read.ok || !['unknown-key', 'bad-signature'].includes(read.error.kind)) break;
  }
  return read;
}

/**
 * @param bytes any
 * @param name base64url SHA-256
 * @returns whether the bytes are the ones that were named
 */
export function hasName(bytes: Uint8Array, name: string): boolean {
  return toBase64Url(sha256(bytes)) === name;
}

/**
 * @param error from a download
 * @returns whether going on to other files makes no sense: there is no network, or the clock is wrong
 */
export function endsRun(error: DownloadError): boolean {
  return error.kind === 'network' || error.kind === 'clock';
}

/**
 * @param error from a download
 * @returns one line for a person
 */
export function describeDownloadError(error: DownloadError): string {
  switch (error.kind) {
    case 'network':
    case 'status':
    case 'too-large':
      return describeHttpError(error);
    case 'unreadable':
      return `state ${error.path} cannot be read: ${error.code}`;
    case 'corrupt':
      return `state ${error.path} is damaged`;
    case 'malformed-document':
    case 'wrong-type':
    case 'unknown-key':
    case 'bad-signature':
      return describeDocumentError(error);
    case 'bad-manifest':
      return describeManifestError(error);
    case 'wrong-region':
      return `region ${error.found} in the place of ${error.wanted}`;
    case 'rollback':
      return `manifest ${error.offered} offered, ${error.highest} was seen before: rolled back`;
    case 'fork':
      return `two different manifests with sequence ${error.sequence}`;
    case 'broken-chain':
      return `manifest ${error.sequence} does not follow from the one before it`;
    case 'expired':
      return `newest manifest was valid until ${error.validUntil}, now is ${error.now}: newer ones are withheld`;
    case 'clock':
      return describeClockError(error.errorSeconds);
    case 'digest':
      return `${error.path}: other bytes than the manifest says`;
    case 'etag':
      return `${error.path}: expected exactly one ETag, got ${error.found ?? 'none'}`;
    case 'answer-signature':
      return `${error.path}: not signed for this address and now (${error.rule})`;
    case 'bad-list':
      return `${error.path}: ${error.rule}`;
    case 'wrong-window':
      return `${error.path}: covers ${error.found.start}..${error.found.end}, expected ${error.wanted.start}..${error.wanted.end}`;
    case 'not-a-revocation':
      return `${error.path}: a revocation must ${error.rule}`;
    case 'refused':
      return `${error.path}: ${describeExportError(error.error)}`;
  }
}
