/**
 * @module A witness that a person or a timer runs: it remembers the last head of each log in a file of its own, and cosigns only what
 * continues it. The head is on disk before the cosignature leaves; a crash in between costs a cosignature, which the next run makes.
 */
import { DatabaseSync } from 'node:sqlite';
import { parseCheckpoint } from '../../../protocol/directory/checkpoint.ts';
import { consistencyProof, type Head, leafHash } from '../../../protocol/directory/merkle.ts';
import type { NoteKey, NoteSecret } from '../../../protocol/directory/note.ts';
import { readTree } from '../../../protocol/directory/read.ts';
import { CHECKPOINT_PATH, PROPOSED_PATH, type ReadObject } from '../../../protocol/directory/tiles.ts';
import { describeProblem } from '../../../protocol/directory/problem.ts';
import { addCheckpointBody, answerAddCheckpoint } from '../../../protocol/directory/witness.ts';

/** For another run on the same file. */
const WAIT_MS = 5_000;

/** Which log, and by whom. */
export interface WitnessOptions {
  /** SQLite; made where it isn't there. Lost, the witness would cosign any history again: a copy of it is as good as a new key. */
  readonly state: string;
  readonly secret: NoteSecret;
  readonly origin: string;
  readonly logKeys: readonly NoteKey[];
  /** Of the log. */
  readonly read: ReadObject;
  /** Unix seconds. */
  readonly now: number;
}

export type Witnessed =
  | { readonly ok: true; readonly size: number; readonly before: number; readonly line: string }
  | { readonly ok: false; readonly why: string };

/** @returns the cosignature, or why there is none */
export function witness({ state, secret, origin, logKeys, read, now }: WitnessOptions): Witnessed {
  const store = new DatabaseSync(state, { timeout: WAIT_MS });
  try {
    store.exec(`PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS heads
      (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL CHECK (length(root) = 32)) STRICT`);
    // Nobody else reads or writes until the end: two requests at once would each continue the same old head.
    store.exec('BEGIN IMMEDIATE');
    const row = store.prepare('SELECT size, root FROM heads WHERE origin = ?').get(origin) as
      | { readonly size: number; readonly root: Uint8Array }
      | undefined;
    const held: Head | null = row === undefined ? null : { size: row.size, root: Uint8Array.from(row.root) };
    const asked = requestFor(read, held?.size ?? 0);
    if (!asked.ok) return asked;
    const answer = answerAddCheckpoint(asked.body, {
      logKeys: (name) => (name === origin ? logKeys : null),
      held: () => held,
      secret,
      now,
    });
    if (answer.status !== 200) return { ok: false, why: REFUSALS[answer.status](held?.size ?? 0, asked.size) };
    store
      .prepare(
        `INSERT INTO heads (origin, size, root) VALUES (?, ?, ?)
         ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root`,
      )
      .run(origin, answer.head.size, answer.head.root);
    store.exec('COMMIT');
    return { ok: true, size: answer.head.size, before: held?.size ?? 0, line: answer.body };
  } finally {
    // Closing ends a transaction that wasn't committed.
    store.close();
  }
}

const REFUSALS = {
  400: () => 'the checkpoint is malformed',
  403: () => 'no key of the log that the policy names has signed the checkpoint',
  404: () => 'the checkpoint is of another log than the policy names',
  409: (held: number, size: number) =>
    size < held
      ? `the log was rolled back: ${held} entries were cosigned, the checkpoint has ${size}`
      : `the log was forked: of ${size} entries another history was cosigned`,
  422: (held: number, size: number) =>
    `the log was forked: what was cosigned of ${held} entries is not how the checkpoint of ${size} begins`,
} as const;

type Asked =
  | { readonly ok: true; readonly body: Uint8Array; readonly size: number }
  | { readonly ok: false; readonly why: string };

/** What a log would send: the proof is made of the entries as they are served, and holds whatever they are only if they are the same. */
function requestFor(read: ReadObject, old: number): Asked {
  const checkpoint = parseCheckpoint(read(PROPOSED_PATH) ?? read(CHECKPOINT_PATH) ?? new Uint8Array());
  if (checkpoint === null) return { ok: false, why: 'there is no checkpoint, or a malformed one' };
  const { size, note } = checkpoint;
  // A smaller tree needs no entries to be refused.
  if (size <= old) return { ok: true, size, body: addCheckpointBody({ old: size, proof: [], note }) };
  const tree = readTree(checkpoint, read, null);
  if (!tree.ok) return { ok: false, why: describeProblem(tree.problem) };
  const proof = consistencyProof(
    tree.leaves.map((leaf) => leafHash(leaf)),
    old,
  );
  return { ok: true, size, body: addCheckpointBody({ old, proof, note }) };
}
