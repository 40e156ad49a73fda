/**
 * @module The directory's client: bytes in, regions and problems out. Phones, other backends and strangers read it by this. Nothing
 * is taken on the word of whoever serves the objects: the log signed them, witnesses saw that it only grew, and each region's
 * certificates lead to a root that the reader's policy names. Closed: what isn't proved isn't there.
 */
import { equalBytes } from '../primitives/bytes.ts';
import { type Checkpoint, lastCosignedAt, parseCheckpoint } from './checkpoint.ts';
import type { DirectoryEntry } from './entry.ts';
import { foldLeaves } from './fold.ts';
import { type Head, leafHash, rootOf } from './merkle.ts';
import { isBy, isSignedBy } from './note.ts';
import type { DirectoryPolicy } from './policy.ts';
import type { DirectoryProblem } from './problem.ts';
import type { OpenStatement } from './statement.ts';
import { CHECKPOINT_PATH, readEntries, type ReadObject } from './tiles.ts';

/** Witnesses' clocks may be this far ahead of ours. */
const MAX_AHEAD_SECONDS = 300;
/** Regions and their revocations of a century; a checkpoint that says more is refused before it is fetched. */
export const MAX_DIRECTORY_SIZE = 65_536;

export interface DirectorySource {
  /** The log's objects. `bundlesOf` says which a tree of the checkpoint's size needs. */
  readonly read: ReadObject;
  readonly policy: DirectoryPolicy;
  /** Unix seconds. */
  readonly now: number;
  /** The head that this reader saw last; null at the first time. */
  readonly seen: Head | null;
  /** `rememberingOpen` of the policy's roots, where the directory is read again and again. */
  readonly open?: OpenStatement;
}

export interface Directory {
  /** Regions that may be relied on, in the order of their ids; none when the whole is refused. */
  readonly entries: readonly DirectoryEntry[];
  /** Regions it has spoken of that may not be relied on (`Folded`); none when the whole is refused. */
  readonly silenced: ReadonlySet<string>;
  /** Entries of the log; 0 when the whole is refused. */
  readonly size: number;
  /** To be kept, and given as `seen` the next time; null when the whole is refused. */
  readonly head: Head | null;
  readonly problems: readonly DirectoryProblem[];
}

const refused = (problem: DirectoryProblem): Directory => ({
  entries: [],
  silenced: new Set(),
  size: 0,
  head: null,
  problems: [problem],
});

/** @returns regions of now, and all that is wrong; an empty directory where one thing spoils the whole */
export function readDirectory({ read, policy, now, seen, open }: DirectorySource): Directory {
  const checkpoint = parseCheckpoint(read(CHECKPOINT_PATH) ?? new Uint8Array());
  if (checkpoint === null) return refused({ kind: 'no-checkpoint' });
  const problem = problemOfCheckpoint(checkpoint, policy, now);
  if (problem !== null) return refused(problem);
  const tree = readTree(checkpoint, read, seen);
  if (!tree.ok) return refused(tree.problem);
  const { entries, silenced, problems } = foldLeaves(tree.leaves, policy.roots, now, open);
  const { size, root } = checkpoint;
  return { entries, silenced, size, head: { size, root }, problems };
}

/**
 * @param checkpoint as received
 * @param now Unix seconds
 * @returns why it isn't the log's, or isn't witnessed
 */
export function problemOfCheckpoint(
  checkpoint: Checkpoint,
  policy: DirectoryPolicy,
  now: number,
): DirectoryProblem | null {
  const problem = problemOfLog(checkpoint, policy);
  if (problem !== null) return problem;
  const { witnesses, threshold, maxAgeSeconds } = policy;
  const times = witnesses.map((witness) => ({ witness, time: lastCosignedAt(checkpoint.note, witness) }));
  const valid = times.flatMap(({ time }) => (time === null || time > now + MAX_AHEAD_SECONDS ? [] : [time]));
  if (valid.length < threshold) {
    const missing = times.filter(({ time }) => time === null).map(({ witness }) => witness.name);
    return { kind: 'too-few-witnesses', found: valid.length, wanted: threshold, missing };
  }
  // The threshold-th newest: since then so many have seen nothing newer than this.
  const newest = valid.toSorted((a, b) => b - a)[threshold - 1] ?? 0;
  return now - newest > maxAgeSeconds ? { kind: 'stale', seconds: now - newest, most: maxAgeSeconds } : null;
}

/** @returns why the checkpoint isn't the log's, whatever witnesses say */
export function problemOfLog(checkpoint: Checkpoint, policy: DirectoryPolicy): DirectoryProblem | null {
  const { origin, note } = checkpoint;
  if (origin !== policy.origin) return { kind: 'another-log', found: origin, wanted: policy.origin };
  const own = policy.logKeys.filter((key) => note.signatures.some((signature) => isBy(signature, key)));
  // One that says it is by a known key and isn't spoils the note (signed-note, "Signatures").
  return own.length > 0 && own.every((key) => isSignedBy(note, key)) ? null : { kind: 'log-signature' };
}

/**
 * @param head of a checkpoint that was verified
 * @param read the log's objects
 * @param seen an older head, or null
 * @returns all entries, when they are the checkpoint's and begin with what was seen
 */
export function readTree(
  head: Head,
  read: ReadObject,
  seen: Head | null,
):
  | { readonly ok: true; readonly leaves: readonly Uint8Array[] }
  | { readonly ok: false; readonly problem: DirectoryProblem } {
  const { size, root } = head;
  const fail = (problem: DirectoryProblem) => ({ ok: false, problem }) as const;
  if (seen !== null && size < seen.size) return fail({ kind: 'rolled-back', from: seen.size, to: size });
  if (size > MAX_DIRECTORY_SIZE) return fail({ kind: 'root-differs', size });
  const whole = readEntries(size, read);
  if (!whole.ok) return fail({ kind: whole.missing ? 'object-missing' : 'object-altered', path: whole.path });
  const hashes = whole.entries.map((entry) => leafHash(entry));
  if (!equalBytes(rootOf(hashes), root)) return fail({ kind: 'root-differs', size });
  if (seen !== null && !equalBytes(rootOf(hashes, 0, seen.size), seen.root)) {
    return fail({ kind: 'forked', seen: seen.size, size });
  }
  return { ok: true, leaves: whole.entries };
}
