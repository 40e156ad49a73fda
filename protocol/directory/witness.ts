/**
 * @module What a witness does (https://c2sp.org/tlog-witness, `add-checkpoint`): it cosigns a checkpoint only when a proof leads to it from
 * the last one it cosigned, so that whoever sees enough cosignatures sees what all others see. The statuses are those of the
 * protocol over HTTP; who carries the bytes is another's business.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from '../primitives/bytes.ts';
import { checkpointText, cosign, parseCheckpoint } from './checkpoint.ts';
import { HASH_BYTES, type Head, verifyConsistency } from './merkle.ts';
import { isBy, isSignedBy, type NoteKey, type NoteSecret, noteBytes, type Note, signatureLine } from './note.ts';
import { sha256 } from '../primitives/hash.ts';

/** "The client MUST NOT send more": a tree has fewer levels. */
const MAX_PROOF_LINES = 63;

export interface AddCheckpoint {
  /** Size of the tree that the witness cosigned last. */
  readonly old: number;
  /** From that tree to the checkpoint's. */
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}

/** @returns the body of a request */
export const addCheckpointBody = ({ old, proof, note }: Omit<AddCheckpoint, 'checkpoint'> & { readonly note: Note }) =>
  utf8(`old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${fromUtf8(noteBytes(note))}`);

/** @param body of a request; anything @returns null when it is none */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | null {
  try {
    const text = fromUtf8(body);
    const split = text.indexOf('\n\n');
    const [first = '', ...lines] = text.slice(0, Math.max(split, 0)).split('\n');
    const [, old] = /^old (0|[1-9]\d{0,14})$/.exec(first) ?? [];
    const proof = lines.map((line) => fromBase64(line));
    if (old === undefined || proof.length > MAX_PROOF_LINES || proof.some(({ length }) => length !== HASH_BYTES)) {
      return null;
    }
    return { old: Number(old), proof, checkpoint: utf8(text.slice(split + 2)) };
  } catch {
    return null;
  }
}

/** What a witness knows when it is asked. */
export interface Witness {
  /** @returns keys of a log it watches, or null when it doesn't */
  readonly logKeys: (origin: string) => readonly NoteKey[] | null;
  /** @returns the last head it cosigned for a log; null at the first time */
  readonly held: (origin: string) => Head | null;
  /** Of type `cosignature`. */
  readonly secret: NoteSecret;
  /** Unix seconds. */
  readonly now: number;
}

/** With 200 the head, to be kept on disk in the same transaction in which the old one was read, before the body leaves. */
export type WitnessAnswer =
  | { readonly status: 200; readonly origin: string; readonly head: Head; readonly body: string }
  | { readonly status: 400 | 403 | 404 | 422; readonly body: '' }
  /** The body is the size that the witness holds, where another was given; empty where the same size has another root. */
  | { readonly status: 409; readonly body: string };

/** @returns the answer of `add-checkpoint` */
export function answerAddCheckpoint(body: Uint8Array, { logKeys, held, secret, now }: Witness): WitnessAnswer {
  const request = parseAddCheckpoint(body);
  const checkpoint = request === null ? null : parseCheckpoint(request.checkpoint);
  if (request === null || checkpoint === null) return { status: 400, body: '' };
  const { origin, size, root, note } = checkpoint;
  const keys = logKeys(origin);
  if (keys === null) return { status: 404, body: '' };
  const signed = keys.filter((key) => note.signatures.some((signature) => isBy(signature, key)));
  if (signed.length === 0 || !signed.every((key) => isSignedBy(note, key))) return { status: 403, body: '' };
  if (request.old > size) return { status: 400, body: '' };
  const last = held(origin) ?? { size: 0, root: sha256() };
  if (request.old !== last.size) return { status: 409, body: `${last.size}\n` };
  if (!verifyConsistency(last, { size, root }, request.proof)) {
    return last.size === size && request.proof.length === 0 ? { status: 409, body: '' } : { status: 422, body: '' };
  }
  const text = checkpointText(origin, { size, root });
  return { status: 200, origin, head: { size, root }, body: signatureLine(cosign(text, now, secret)) };
}
