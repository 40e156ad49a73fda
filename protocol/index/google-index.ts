/**
 * @module Google's view of the files (docs/spec/google.md §3.6): `index.txt` with the names of all of them, one a line, and the names. Its client contract: what was had is remembered by its
 * line, as a set or as the last one, and a name says nothing. So a line stays until its file has had its time, and new ones come at the end. Paths are object keys in the public bucket.
 */
import { err, ok, type Result } from '../primitives/result.ts';

/** Where it lies below the address of a server's files. */
export const INDEX_PATH = 'index.txt';
/** Of 14 days of hours, with room. */
export const MAX_INDEX_BYTES = 262_144;

/** Folder of a region's files, which each line begins with: an app is given `…/v1/<region>/` as the address of files. */
const ROOT = 'exposure-keys';
/** A window of a UTC day that one name stands for: clients ask about six times a day, and Android takes six calls (docs/decisions/068). */
export const GOOGLE_WINDOW_HOURS = 4;
/** Digits of a file's number. */
const NUMBER_DIGITS = 5;

/** What a name says of a file. */
export interface GoogleFileName {
  /** First second of its window, Unix seconds. */
  readonly start: number;
  /** End of its window (exclusive), the same in all files of one window. */
  readonly end: number;
  /** 1, 2, … within the window. */
  readonly n: number;
}

/** @param code `DE`, `EUR` @returns object key of the region's `index.txt` */
export function googleIndexPath(code: string): string {
  return `v1/${code}/${ROOT}/${INDEX_PATH}`;
}

/** @param code `DE`, `EUR` @returns object key of a file */
export function googleFilePath(code: string, { start, end, n }: GoogleFileName): string {
  return `v1/${code}/${ROOT}/${start}-${end}-${String(n).padStart(NUMBER_DIGITS, '0')}.zip`;
}

/**
 * @param code `DE`, `EUR`
 * @param keys object keys of its files, in any order
 * @returns `index.txt`: US-ASCII, ascending, which is from the oldest on, without a newline at its end; empty for none
 */
export function googleIndexText(code: string, keys: readonly string[]): string {
  return [...new Set(keys)]
    .map((key) => key.slice(`v1/${code}/`.length))
    .toSorted()
    .join('\n');
}

/** Parts of a path, of which none leads elsewhere. */
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;

/**
 * @param bytes as received
 * @param base address below which it was asked for, with or without a slash at its end
 * @returns names below that address, oldest first; the lines begin with the address's own last folder (docs/spec/google.md §3.6), which is left out
 */
export function parseGoogleIndex(bytes: Uint8Array, base: string): Result<readonly string[], string> {
  const names = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((name) => name !== '');
  if (!names.every((name) => FILE_NAME.test(name))) return err('a name in index.txt');
  const root = `${base.replace(/\/$/, '').split('/').at(-1)}/`;
  return ok(names.map((name) => (name.startsWith(root) ? name.slice(root.length) : name)).toSorted());
}
