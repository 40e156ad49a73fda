/**
 * @module A directory's log as a folder, which any web server or bucket can serve as it lies: objects under the names of tlog-tiles. Beside
 * them `checkpoint.proposed`, which witnesses are asked for, and what only its operator needs: `pending/` and `cosignatures/`.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ReadObject } from '../../../protocol/directory/tiles.ts';

/** Statements that wait for `publish`, a file each. */
export const PENDING_FOLDER = 'pending';
/** Lines by witnesses, in files of any name. */
export const COSIGNATURES_FOLDER = 'cosignatures';

/** @param folder of the log @returns its objects */
export const folderReader =
  (folder: string): ReadObject =>
  (path) =>
    readOrNull(join(folder, path));

/** @returns the file's bytes, or null when there is none */
export function readOrNull(file: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all, and on disk before this returns: a crash leaves the old file, and perhaps `<file>.new`, which the next write overwrites. */
export function writeDurably(file: string, content: Uint8Array | string, mode = 0o644): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.new`;
  const opened = openSync(temporary, 'w', mode);
  try {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    for (let at = 0; at < bytes.length;) at += writeSync(opened, bytes, at);
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
  renameSync(temporary, file);
  syncFolder(dirname(file));
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** @returns files of a folder by name, in the order of their names; none where there is no folder */
export function filesIn(folder: string): { readonly file: string; readonly bytes: Uint8Array }[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => !name.endsWith('.new'))
    .toSorted()
    .flatMap((name) => {
      const file = join(folder, name);
      const bytes = readOrNull(file);
      return bytes === null ? [] : [{ file, bytes }];
    });
}

/** Removes a file, if it is there. */
export const removeFile = (file: string): void => rmSync(file, { force: true });
