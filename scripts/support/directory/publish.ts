/**
 * @module The log's operator: takes statements that wait into the log, proposes a checkpoint, and makes it public once enough
 * witnesses have cosigned it. Each step is on disk before the next, in this order; what a crash leaves behind:
 *
 * | Crash after | State | The next run |
 * |---|---|---|
 * | some tiles or bundles | objects that no checkpoint names | writes the same again, or others of their names |
 * | the proposed checkpoint | statements are in the log and wait as well | removes them: a leaf of the same bytes is there |
 * | the statements are removed | a proposal without witnesses | waits for them |
 * | the public checkpoint | a proposal that is public | removes the proposal |
 *
 * A checkpoint that was signed is never taken back: a later one continues it, so that a witness which saw it goes on.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointText, parseCheckpoint, type Checkpoint } from '../../../protocol/directory/checkpoint.ts';
import { foldLeaves } from '../../../protocol/directory/fold.ts';
import { leafHash, rootOf } from '../../../protocol/directory/merkle.ts';
import { type Note, noteBytes, type NoteSecret, signNote } from '../../../protocol/directory/note.ts';
import type { DirectoryPolicy } from '../../../protocol/directory/policy.ts';
import { describeProblem, type DirectoryProblem } from '../../../protocol/directory/problem.ts';
import { problemOfCheckpoint, problemOfLog, readTree } from '../../../protocol/directory/read.ts';
import { type OpenStatement, rememberingOpen } from '../../../protocol/directory/statement.ts';
import { CHECKPOINT_PATH, objectsOf, PROPOSED_PATH } from '../../../protocol/directory/tiles.ts';
import { compareBytes } from '../../../protocol/primitives/bytes.ts';
import { locked } from '../../../phone/cli/lock.ts';
import { collectCosignatures } from './cosignatures.ts';
import { filesIn, folderReader, PENDING_FOLDER, removeFile, writeDurably } from './folder.ts';

export interface PublishOptions {
  /** Of the log. */
  readonly folder: string;
  readonly policy: DirectoryPolicy;
  /** One of the policy's log keys. */
  readonly secret: NoteSecret;
  /** Unix seconds. */
  readonly now: number;
  /** Writes nothing. */
  readonly dryRun?: boolean;
}

export interface Published {
  /** Entries of the public checkpoint; null when there is none yet. */
  readonly size: number | null;
  /** Entries of the checkpoint that waits for witnesses, and why it does; null when none does. */
  readonly waiting: { readonly size: number; readonly why: string } | null;
  /** Statements that were taken into the log. */
  readonly added: number;
  /** Statements that readers would ignore: they stay where they are. */
  readonly refused: readonly { readonly file: string; readonly why: string }[];
}

/** Where the log stands on disk. */
interface Log {
  readonly published: Checkpoint | null;
  readonly proposed: Checkpoint | null;
  readonly leaves: readonly Uint8Array[];
}

/**
 * @returns what is public now, and what isn't yet
 * @throws Error when the folder isn't what its own checkpoint says, or another run is at work on it
 */
export async function publish(options: PublishOptions): Promise<Published> {
  const { folder, policy, secret, dryRun = false } = options;
  if (!policy.logKeys.some(({ publicKey }) => compareBytes(publicKey, secret.publicKey) === 0)) {
    throw new Error(`${secret.name}: the policy names another key of the log; readers would refuse what it signs`);
  }
  if (!dryRun) mkdirSync(folder, { recursive: true });
  return dryRun
    ? publishStep(options, () => undefined)
    : locked([folder], async () => publishStep(options, (act) => act()));
}

function publishStep({ folder, policy, secret, now }: PublishOptions, perform: (act: () => void) => void): Published {
  const log = openLog(folder, policy);
  const { added, refused, leaves } = takeIn(log.leaves, folder, policy, now);
  let { proposed } = log;
  if (added.length > 0 || (proposed === null && log.published === null)) {
    const text = checkpointText(policy.origin, {
      size: leaves.length,
      root: rootOf(leaves.map((leaf) => leafHash(leaf))),
    });
    const bytes = noteBytes({ text, signatures: [signNote(text, secret)] });
    proposed = parseCheckpoint(bytes);
    perform(() => {
      for (const [path, object] of objectsOf(leaves)) {
        const held = folderReader(folder)(path);
        if (held === null || compareBytes(held, object) !== 0) writeDurably(join(folder, path), object);
      }
      writeDurably(join(folder, PROPOSED_PATH), bytes);
    });
  }
  perform(() => {
    for (const { file, bytes } of filesIn(join(folder, PENDING_FOLDER))) {
      if (leaves.some((leaf) => compareBytes(leaf, bytes) === 0)) removeFile(file);
    }
  });
  const newest = proposed ?? log.published;
  const cosigned = newest === null ? null : withCosignatures(newest, folder, policy);
  const problem = cosigned === null ? null : problemOfCheckpoint(cosigned, policy, now);
  if (cosigned !== null && problem === null) {
    // Cosignatures of today replace those of yesterday below a checkpoint that didn't change.
    perform(() => {
      writeDurably(join(folder, CHECKPOINT_PATH), noteBytes(cosigned.note));
      removeFile(join(folder, PROPOSED_PATH));
    });
    return { size: cosigned.size, waiting: null, added: added.length, refused };
  }
  const waiting = newest === null || problem === null ? null : { size: newest.size, why: describeProblem(problem) };
  return { size: log.published?.size ?? null, waiting, added: added.length, refused };
}

/**
 * @param folder of the log
 * @returns both checkpoints and the leaves of the later
 * @throws Error when they are another log's, or not what the objects say
 */
export function openLog(folder: string, policy: DirectoryPolicy): Log {
  const read = folderReader(folder);
  const [published, proposed] = [CHECKPOINT_PATH, PROPOSED_PATH].map((path) => {
    const bytes = read(path);
    if (bytes === null) return null;
    const checkpoint = parseCheckpoint(bytes);
    const problem: DirectoryProblem | null =
      checkpoint === null ? { kind: 'no-checkpoint' } : problemOfLog(checkpoint, policy);
    if (checkpoint === null || problem !== null) {
      throw new Error(`${join(folder, path)}: ${describeProblem(problem ?? { kind: 'no-checkpoint' })}`);
    }
    return checkpoint;
  });
  const newest = proposed ?? published ?? null;
  if (newest === null) return { published: null, proposed: null, leaves: [] };
  const tree = readTree(newest, read, published ?? null);
  if (!tree.ok) throw new Error(`${folder}: ${describeProblem(tree.problem)}`);
  return { published: published ?? null, proposed: proposed ?? null, leaves: tree.leaves };
}

/** Statements in whatever order they fit, so that names of files mean nothing. */
function takeIn(
  held: readonly Uint8Array[],
  folder: string,
  { roots }: DirectoryPolicy,
  now: number,
): {
  readonly leaves: readonly Uint8Array[];
  readonly added: readonly string[];
  readonly refused: Published['refused'];
} {
  const open = rememberingOpen(roots);
  let leaves = [...held];
  const added: string[] = [];
  let waiting = filesIn(join(folder, PENDING_FOLDER)).filter(
    ({ bytes }) => !held.some((leaf) => compareBytes(leaf, bytes) === 0),
  );
  let refused: { file: string; why: string }[];
  do {
    refused = [];
    const before = added.length;
    for (const { file, bytes } of waiting) {
      const problem = problemOfNext(leaves, bytes, roots, now, open);
      if (problem === null) {
        leaves = [...leaves, bytes];
        added.push(file);
      } else {
        refused.push({ file, why: describeProblem(problem) });
      }
    }
    waiting = waiting.filter(({ file }) => !added.includes(file));
    if (added.length === before) break;
  } while (waiting.length > 0);
  return { leaves, added, refused };
}

/**
 * @param leaves of the log
 * @param statement that would be its next leaf
 * @param now Unix seconds
 * @returns why readers would ignore it, or withhold what its author says; null when they would take it
 */
export function problemOfNext(
  leaves: readonly Uint8Array[],
  statement: Uint8Array,
  roots: DirectoryPolicy['roots'],
  now: number,
  open: OpenStatement = rememberingOpen(roots),
): DirectoryProblem | null {
  const known = new Set(foldLeaves(leaves, roots, now, open).problems.map((problem) => JSON.stringify(problem)));
  const { problems } = foldLeaves([...leaves, statement], roots, now, open);
  const caused = problems.filter((problem) => !known.has(JSON.stringify(problem)));
  return caused.find((problem) => 'index' in problem || problem.kind === 'sequence-gap') ?? null;
}

/** The log's signatures, and of each witness the newest that holds. */
function withCosignatures(checkpoint: Checkpoint, folder: string, policy: DirectoryPolicy): Checkpoint {
  const { text } = checkpoint.note;
  const signatures = collectCosignatures(checkpoint.note, folder, policy);
  const own = checkpoint.note.signatures.filter(({ name }) => policy.logKeys.some((key) => key.name === name));
  const note: Note = { text, signatures: [...own, ...signatures] };
  return { ...checkpoint, note };
}
