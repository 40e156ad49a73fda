/**
 * @module Google's `index.txt` (docs/spec/google.md §3.6): the names of all files, one a line. Its client contract: what was had is remembered by its line, and a name says nothing.
 */
import { err, ok, type Result } from '../primitives/result.ts';

/** Where it lies below the address of a server's files. */
export const INDEX_PATH = 'index.txt';
/** Of 14 days of hours, with room. */
export const MAX_INDEX_BYTES = 262_144;

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
