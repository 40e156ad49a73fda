/**
 * @module What a stranger can check of a directory: what every reader does (protocol/directory/read.ts), that the tiles say what the
 * entries do, and that the newest entry of each region is in the tree by the tiles alone.
 */
import { lastCosignedAt, parseCheckpoint } from '../../../protocol/directory/checkpoint.ts';
import {
  HASH_BYTES,
  type Head,
  inclusionProof,
  leafHash,
  verifyInclusion,
} from '../../../protocol/directory/merkle.ts';
import type { DirectoryPolicy } from '../../../protocol/directory/policy.ts';
import { describeProblem, levelOf } from '../../../protocol/directory/problem.ts';
import { type Directory, readDirectory } from '../../../protocol/directory/read.ts';
import {
  alteredTiles,
  CHECKPOINT_PATH,
  readEntries,
  type ReadObject,
  tilesOfLeaves,
} from '../../../protocol/directory/tiles.ts';

export interface Verified {
  readonly directory: Directory;
  /** Name of each witness of the policy → Unix seconds when it last saw the checkpoint; null: it didn't. */
  readonly witnesses: Readonly<Record<string, number | null>>;
  /** A line each; with the level of those that are problems of the directory. */
  readonly problems: readonly { readonly level: 'refused' | 'withheld' | 'ignored'; readonly text: string }[];
}

/**
 * @param read objects
 * @param policy see docs/directory.md
 * @param now Unix seconds
 * @param seen head that was seen last
 */
export function verifyDirectory(read: ReadObject, policy: DirectoryPolicy, now: number, seen: Head | null): Verified {
  const directory = readDirectory({ read, policy, now, seen });
  const note = parseCheckpoint(read(CHECKPOINT_PATH) ?? new Uint8Array())?.note ?? null;
  const witnesses = Object.fromEntries(
    policy.witnesses.map((witness) => [witness.name, note === null ? null : lastCosignedAt(note, witness)]),
  );
  const problems: Verified['problems'] = directory.problems.map((problem) => ({
    level: levelOf(problem),
    text: describeProblem(problem),
  }));
  return { directory, witnesses, problems: [...problems, ...problemsOfTiles(directory, read)] };
}

/** Readers that trust proofs and not entries need the tiles; we compare all of them. */
function problemsOfTiles({ head, size, entries }: Directory, read: ReadObject): Verified['problems'] {
  const whole = readEntries(size, read);
  if (head === null || !whole.ok) return [];
  const altered = alteredTiles(whole.entries, read);
  const tiles = altered.map(
    (path) => ({ level: 'refused', text: `${path}: is missing, or not what the checkpoint says` }) as const,
  );
  const hashes = leafHashesOf(size, read);
  const outside = entries.filter(({ index }) => {
    const leaf = leafHash(whole.entries[index] ?? new Uint8Array());
    return index >= hashes.length || !verifyInclusion(head, leaf, index, inclusionProof(hashes, index));
  });
  const proofs = outside.map(
    ({ regionId, index }) =>
      ({
        level: 'refused',
        text: `region ${regionId}: the tiles do not prove that its entry, ${index}, is in the tree`,
      }) as const,
  );
  return [...tiles, ...proofs];
}

function leafHashesOf(size: number, read: ReadObject): Uint8Array[] {
  return tilesOfLeaves(size).flatMap((path) => {
    const tile = read(path) ?? new Uint8Array();
    return Array.from({ length: Math.floor(tile.length / HASH_BYTES) }, (_, i) =>
      tile.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
    );
  });
}
