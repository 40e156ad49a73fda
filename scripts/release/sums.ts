/** @module SHA256SUMS, as `sha256sum` writes and checks it. */
import { createHash } from 'node:crypto';

export const SUMS = 'SHA256SUMS';

/** A release's files by their names, which have `/` between folders. */
export type Files = ReadonlyMap<string, Uint8Array>;

const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** @returns a line a file, by name */
export function sumsOf(files: Files): string {
  const names = [...files.keys()].filter((name) => name !== SUMS).toSorted();
  return names.map((name) => `${hashOf(files.get(name)!)}  ${name}\n`).join('');
}

/**
 * @param made of this checkout
 * @param given by somebody
 * @returns each file that isn't the same, with what is the matter
 */
export function differences(made: Files, given: Files): { readonly file: string; readonly what: string }[] {
  const names = [...new Set([...made.keys(), ...given.keys()])].toSorted();
  return names.flatMap((file) => {
    const [own, theirs] = [made.get(file), given.get(file)];
    if (theirs === undefined) return [{ file, what: 'is missing' }];
    if (own === undefined) return [{ file, what: 'belongs to no release' }];
    return Buffer.compare(own, theirs) === 0
      ? []
      : [{ file, what: `is ${hashOf(theirs)}, this checkout makes ${hashOf(own)}` }];
  });
}
