/** @module What is done again and again: statements, publication, witnessing, verification. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Head } from '../../protocol/directory/merkle.ts';
import { type NoteSecret, parseNoteSecret, type SignatureType } from '../../protocol/directory/note.ts';
import { type DirectoryPolicy, parsePolicy } from '../../protocol/directory/policy.ts';
import { parseCheckpoint } from '../../protocol/directory/checkpoint.ts';
import { describeProblem } from '../../protocol/directory/problem.ts';
import type { LoadOptions } from '../../protocol/directory/load.ts';
import { readTree } from '../../protocol/directory/read.ts';
import { CHECKPOINT_PATH, type ReadObject } from '../../protocol/directory/tiles.ts';
import { fromBase64, toBase64, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import {
  COSIGNATURES_FOLDER,
  filesIn,
  folderReader,
  PENDING_FOLDER,
  readOrNull,
  writeDurably,
} from '../support/directory/folder.ts';
import { openLog, problemOfNext } from '../support/directory/publish.ts';
import { fetchDirectory } from '../support/directory/served.ts';
import type { Verified } from '../support/directory/verify.ts';
import type { Witnessed } from '../support/directory/witness.ts';

/** @throws Error naming the field that is wrong */
export function policyFrom(file: string): DirectoryPolicy {
  const parsed = parsePolicy(readFileSync(file, 'utf8'));
  if (!parsed.ok) throw new Error(`${file}: ${parsed.error}`);
  return parsed.value;
}

/** @throws Error when the file holds no such key; no message says more of it */
export function secretFrom(file: string, type: SignatureType): NoteSecret {
  const secret = parseNoteSecret(readFileSync(file, 'utf8'));
  if (secret?.type !== type) {
    throw new Error(
      `${file}: the secret key of a ${type === 'note' ? 'log' : 'witness'} is expected, as keys makes it`,
    );
  }
  return secret;
}

/** A log in a folder or at an address. */
export interface Place {
  readonly dir: string;
  readonly url: string | null;
}

/** @returns its objects; at an address those that the options name */
export const readerOf = async ({ dir, url }: Place, options: LoadOptions): Promise<ReadObject> =>
  url === null ? folderReader(dir) : fetchDirectory(url, options);

/** @returns leaves of the log and, in a folder, those that wait */
export async function leavesAt(place: Place, policy: DirectoryPolicy): Promise<readonly Uint8Array[]> {
  if (place.url === null) {
    const waiting = filesIn(join(place.dir, PENDING_FOLDER)).map(({ bytes }) => bytes);
    return [...openLog(place.dir, policy).leaves, ...waiting];
  }
  const read = await readerOf(place, {});
  const checkpoint = parseCheckpoint(read(CHECKPOINT_PATH) ?? new Uint8Array());
  if (checkpoint === null) return [];
  const tree = readTree(checkpoint, read, null);
  if (!tree.ok) throw new Error(describeProblem(tree.problem));
  return tree.leaves;
}

/**
 * Puts a statement where `publish` finds it.
 *
 * @param place where the log is
 * @param leaves see {@link leavesAt}
 * @param leaf the statement
 * @param policy, now, out, dryRun as the command has them
 * @returns the file, or null when nothing was written
 * @throws Error when readers would ignore it
 */
export function putStatement(
  { dir, url }: Place,
  leaves: readonly Uint8Array[],
  leaf: Uint8Array,
  { policy, now, out, dryRun }: { policy: DirectoryPolicy; now: number; out: string | null; dryRun: boolean },
): string | null {
  const problem = problemOfNext(leaves, leaf, policy.roots, now);
  if (problem !== null) throw new Error(`readers would refuse it: ${describeProblem(problem)}`);
  if (dryRun) return null;
  const file = out ?? (url === null ? join(dir, PENDING_FOLDER, `${toHex(sha256(leaf)).slice(0, 16)}.json`) : null);
  if (file === null) throw new Error('--out: is missing; at an address nothing can be put');
  writeDurably(file, leaf);
  return file;
}

/** Puts a cosignature where `publish` finds it, or into a file for who publishes. @returns the file, or null at an address */
export function putCosignature(
  { dir, url }: Place,
  { line }: Witnessed & { ok: true },
  key: NoteSecret,
  out: string | null,
) {
  const file = out ?? (url === null ? join(dir, COSIGNATURES_FOLDER, toHex(key.id)) : null);
  if (file !== null) writeDurably(file, line);
  return file;
}

/** @param file as {@link keepSeen} wrote it @returns the head; null when there is no such file @throws Error when it is none of this log's */
export function seenIn(file: string, origin: string): Head | null {
  const bytes = readOrNull(file);
  if (bytes === null) return null;
  const { origin: of, size, root } = JSON.parse(new TextDecoder().decode(bytes)) as Readonly<Record<string, unknown>>;
  if (of !== origin || !Number.isSafeInteger(size) || typeof root !== 'string') {
    throw new Error(`${file}: is no head of ${origin}`);
  }
  return { size: Number(size), root: fromBase64(root) };
}

/** Kept durably: what was seen once is never unseen. */
export function keepSeen(file: string, origin: string, { size, root }: Head): void {
  writeDurably(file, `${JSON.stringify({ origin, size, root: toBase64(root) })}\n`);
}

const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** @returns lines for a person */
export function verifiedLines({ directory, witnesses, problems }: Verified): string[] {
  const { entries, size } = directory;
  return [
    `${size} entries, ${entries.length} regions`,
    ...Object.entries(witnesses).map(
      ([name, at]) => `  witness ${name}: ${at === null ? 'did not cosign' : timeText(at)}`,
    ),
    ...entries.map(
      ({ regionId, cluster, phase, feedUrl, tlsFingerprints, validUntil, sequence }) =>
        `  ${regionId} (${cluster}, phase ${phase}): ${feedUrl}, ${tlsFingerprints.length} certificates, statement ${sequence}, until ${timeText(validUntil)}`,
    ),
    ...problems.map(({ level, text }) => `${level}: ${text}`),
  ];
}
