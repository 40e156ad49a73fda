/**
 * @module Checkpoints (https://c2sp.org/tlog-checkpoint): a log's origin, size and root as a note, signed by the log and cosigned by
 * witnesses (https://c2sp.org/tlog-cosignature, `cosignature/v1`), each with the second in which it last saw the log.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { concatBytes, fromBase64, toBase64, utf8 } from '../primitives/bytes.ts';
import { HASH_BYTES, type Head } from './merkle.ts';
import {
  isBy,
  type Note,
  type NoteKey,
  type NoteSecret,
  type NoteSignature,
  parseNote,
  verifyEd25519,
} from './note.ts';

const TIMESTAMP_BYTES = 8;
const SIGNATURE_BYTES = 64;

export interface Checkpoint extends Head {
  /** Names the log: an address without its scheme. */
  readonly origin: string;
  /** As it is signed. */
  readonly note: Note;
}

/** @returns the text that a log signs */
export const checkpointText = (origin: string, { size, root }: Head): string =>
  `${origin}\n${size}\n${toBase64(root)}\n`;

/** @param bytes as received @returns the checkpoint, nothing of it verified, or null when it is none; lines beyond the third are refused */
export function parseCheckpoint(bytes: Uint8Array): Checkpoint | null {
  const note = parseNote(bytes);
  const [, origin = '', digits = '', base64 = ''] =
    /^([^\n]+)\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n$/.exec(note?.text ?? '') ?? [];
  if (note === null || origin === '') return null;
  try {
    const root = fromBase64(base64);
    return root.length === HASH_BYTES ? { origin, size: Number(digits), root, note } : null;
  } catch {
    return null;
  }
}

function cosignedBytes(text: string, timestamp: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timestamp}\n${text}`);
}

/**
 * @param text of a checkpoint
 * @param timestamp Unix seconds
 * @param secret of type `cosignature`
 */
export function cosign(text: string, timestamp: number, secret: NoteSecret): NoteSignature {
  const time = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(timestamp));
  const signature = concatBytes(time, ed25519.sign(cosignedBytes(text, timestamp), secret.seed));
  return { name: secret.name, id: secret.id, signature };
}

/** @param text of a checkpoint @returns when the witness saw it, Unix seconds, or null when its signature doesn't hold */
export function cosignedAt(text: string, { signature }: NoteSignature, key: NoteKey): number | null {
  if (signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) return null;
  const timestamp = new DataView(signature.buffer, signature.byteOffset, TIMESTAMP_BYTES).getBigUint64(0);
  if (timestamp > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  const message = cosignedBytes(text, Number(timestamp));
  return verifyEd25519(key, signature.subarray(TIMESTAMP_BYTES), message) ? Number(timestamp) : null;
}

/** @returns when the witness last saw the checkpoint, Unix seconds; null when none of its signatures is there and holds */
export function lastCosignedAt({ text, signatures }: Note, key: NoteKey): number | null {
  const times = signatures
    .filter((signature) => isBy(signature, key))
    .map((signature) => cosignedAt(text, signature, key))
    .filter((time) => time !== null);
  return times.length === 0 ? null : Math.max(...times);
}
