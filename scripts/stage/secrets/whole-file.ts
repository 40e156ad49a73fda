/** @module Files that are there whole or not at all, and never in the place of another. */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Only its owner reads it. */
export const PRIVATE_MODE = 0o600;

/**
 * Writes a new file. Whoever is killed here leaves a `.<process>.new` beside it at most, which nobody reads.
 *
 * @param file must not be there
 * @param text all of it
 * @param mode of the file
 * @throws Error naming the file when it is there: nothing is written over it, whoever made it meanwhile
 */
export function writeNewWhole(file: string, text: string, mode: number): void {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) throw new Error(`${file} is there already: nothing was written over it`);
  const unfinished = `${file}.${process.pid}.new`;
  try {
    const descriptor = openSync(unfinished, 'w', mode);
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // Unlike a rename it fails where the name is taken.
    linkSync(unfinished, file);
  } finally {
    // A full disk leaves nothing either.
    rmSync(unfinished, { force: true });
  }
}
