/**
 * @module A transparency log as static objects (https://c2sp.org/tlog-tiles): tiles of 256 hashes, bundles of 256 entries, and where they
 * lie. An object of a name never changes; which must be there follows from the tree's size alone.
 */
import { concatBytes, equalBytes } from '../primitives/bytes.ts';
import { leafHash, packHashes, rootOf } from './merkle.ts';

/** Of a full tile. */
const WIDTH = 256;
/** A bundle writes the length in two bytes. */
const MAX_ENTRY_BYTES = 0xffff;

/** Where a backend serves a copy of the log to phones, below its `publicUrl`. */
export const DIRECTORY_PREFIX = 'v1/directory/';
/** Where the checkpoint lies. */
export const CHECKPOINT_PATH = 'checkpoint';
/** Ours: a checkpoint that isn't public yet: signed, and waiting for witnesses. */
export const PROPOSED_PATH = 'checkpoint.proposed';

/** Anything by its name below the log's prefix; null: it isn't there. */
export type ReadObject = (path: string) => Uint8Array | null;

/** 1,234,067 → `x001/x234/067`. */
function indexPath(index: number): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
  const parts = digits.match(/\d{3}/g) ?? [];
  return parts.map((part, i) => (i < parts.length - 1 ? `x${part}` : part)).join('/');
}

/** @param width 1..256 */
const suffixOf = (width: number): string => (width === WIDTH ? '' : `.p/${width}`);

/**
 * @param level 0 for hashes of leaves, 0..63
 * @param index within the level
 * @param width hashes in it, 1..256
 */
export const tilePath = (level: number, index: number, width: number): string =>
  `tile/${level}/${indexPath(index)}${suffixOf(width)}`;

/** @param index of the bundle @param width entries in it, 1..256 */
const bundlePath = (index: number, width: number): string => `tile/entries/${indexPath(index)}${suffixOf(width)}`;

/** One object of a level: its index, and how much it holds. */
interface Part {
  readonly index: number;
  readonly width: number;
}

/** @param count hashes of a level, or entries @returns full parts and the one that isn't */
function partsOf(count: number): Part[] {
  const parts = Array.from({ length: Math.floor(count / WIDTH) }, (_, index) => ({ index, width: WIDTH }));
  return count % WIDTH === 0 ? parts : [...parts, { index: parts.length, width: count % WIDTH }];
}

/** @param size leaves @returns where the entries of a tree lie, in order */
export const bundlesOf = (size: number): string[] => partsOf(size).map(({ index, width }) => bundlePath(index, width));

/** @param size leaves @returns where the hashes of the leaves lie, in order */
export const tilesOfLeaves = (size: number): string[] =>
  partsOf(size).map(({ index, width }) => tilePath(0, index, width));

/** @param size leaves @returns where all bundles and tiles of a tree lie */
export function pathsOf(size: number): string[] {
  const tiles: string[] = [];
  for (let [level, count] = [0, size]; count > 0; level++, count = Math.floor(count / WIDTH)) {
    tiles.push(...partsOf(count).map(({ index, width }) => tilePath(level, index, width)));
  }
  return [...bundlesOf(size), ...tiles];
}

/**
 * @param entries all of the log, in order, each at most {@link MAX_ENTRY_BYTES}
 * @returns every tile and bundle of a tree of that size, by path
 * @throws RangeError when an entry is too long
 */
export function objectsOf(entries: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  const objects = new Map<string, Uint8Array>();
  for (const { index, width } of partsOf(entries.length)) {
    objects.set(bundlePath(index, width), encodeBundle(entries.slice(index * WIDTH, index * WIDTH + width)));
  }
  let hashes = entries.map((entry) => leafHash(entry));
  for (let level = 0; hashes.length > 0; level++) {
    const above: Uint8Array[] = [];
    for (const { index, width } of partsOf(hashes.length)) {
      const part = hashes.slice(index * WIDTH, index * WIDTH + width);
      objects.set(tilePath(level, index, width), packHashes(part));
      // What isn't full yet has no hash above (tlog-tiles, "Partial Tiles").
      if (width === WIDTH) above.push(rootOf(part));
    }
    hashes = above;
  }
  return objects;
}

/** @returns each entry behind its length in two bytes, big-endian */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) throw new RangeError(`tiles: an entry of ${entry.length} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/**
 * @param bundle as read
 * @param width how many entries must be in it
 * @returns them, or null when it is no such bundle
 */
export function decodeBundle(bundle: Uint8Array, width: number): Uint8Array[] | null {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length;) {
    const [high, low] = bundle.subarray(at, at + 2);
    if (high === undefined || low === undefined) return null;
    const end = at + 2 + high * 256 + low;
    if (end > bundle.length) return null;
    entries.push(bundle.slice(at + 2, end));
    at = end;
  }
  return entries.length === width ? entries : null;
}

/** What couldn't be read. */
export type Unreadable = { readonly ok: false; readonly path: string; readonly missing: boolean };

/**
 * @param size leaves
 * @param read objects of the log
 * @returns all entries, or the first object that is missing or malformed
 */
export function readEntries(
  size: number,
  read: ReadObject,
): { readonly ok: true; readonly entries: readonly Uint8Array[] } | Unreadable {
  const entries: Uint8Array[] = [];
  for (const { index, width } of partsOf(size)) {
    const path = bundlePath(index, width);
    // A bundle that has become full may have lost its shorter forms.
    const full = read(path) === null && width < WIDTH ? read(bundlePath(index, WIDTH)) : null;
    const bytes = full ?? read(path);
    if (bytes === null) return { ok: false, path, missing: true };
    const decoded = decodeBundle(bytes, full === null ? width : WIDTH);
    if (decoded === null) return { ok: false, path, missing: false };
    entries.push(...decoded.slice(0, width));
  }
  return { ok: true, entries };
}

/**
 * @param entries all of the log
 * @param read its objects as they are served
 * @returns tiles that are missing, or don't say what the entries do
 */
export function alteredTiles(entries: readonly Uint8Array[], read: ReadObject): string[] {
  return [...objectsOf(entries)]
    .filter(([path]) => !path.startsWith('tile/entries/'))
    .filter(([path, wanted]) => {
      const found = read(path);
      return found === null || !equalBytes(found, wanted);
    })
    .map(([path]) => path);
}
