/**
 * @module Signed notes (https://c2sp.org/signed-note): a text and, below it, lines with Ed25519 signatures by named keys; and how keys
 * are written. Cosignatures of witnesses are a second type of the same lines (https://c2sp.org/tlog-cosignature).
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase64,
  fromHex,
  fromUtf8,
  toBase64,
  toHex,
  utf8,
} from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';

/** Which statement a key makes with its signature. */
const SIGNATURE_TYPES = { note: 1, cosignature: 4 } as const;
export type SignatureType = keyof typeof SIGNATURE_TYPES;

const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
/** Notes must be taken with 16 signatures at least ("Format"); this is room for them and long names. */
export const MAX_NOTE_BYTES = 16_384;
const MAX_SIGNATURES = 64;
const NAME = /^[^\s+]+$/u;
// Control characters are what is looked for: a note has none but the line feed.
// oxlint-disable-next-line no-control-regex -- see above
const CONTROL = /[\u0000-\u0009\u000B-\u001F]/;

/** A public key with its name, as `<name>+<id>+<key>` writes it. */
export interface NoteKey {
  readonly name: string;
  readonly type: SignatureType;
  /** First four bytes of a hash over name, type and key. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A private key with its name. */
export interface NoteSecret extends NoteKey {
  /** 32 bytes. */
  readonly seed: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  readonly id: Uint8Array;
  /** What follows the id: 64 bytes of a note's, 72 of a cosignature. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

function keyOf(name: string, type: SignatureType, publicKey: Uint8Array): NoteKey {
  const tagged = concatBytes(Uint8Array.of(SIGNATURE_TYPES[type]), publicKey);
  return { name, type, publicKey, id: sha256(utf8(`${name}\n`), tagged).slice(0, KEY_ID_BYTES) };
}

/** Base64 of the type's byte and 32 more. @returns null when it is none of ours */
function taggedKey(text: string): { readonly type: SignatureType; readonly bytes: Uint8Array } | null {
  let tagged: Uint8Array;
  try {
    tagged = fromBase64(text);
  } catch {
    return null;
  }
  const type = tagged[0] === SIGNATURE_TYPES.note ? 'note' : 'cosignature';
  if (tagged[0] !== SIGNATURE_TYPES[type] || tagged.length !== 1 + KEY_BYTES) return null;
  return { type, bytes: tagged.slice(1) };
}

/**
 * @param text `<name>+<id in hex>+<base64 of type and key>`
 * @returns the key, or null when it is none, of another type, or its id is another's
 */
export function parseNoteKey(text: string): NoteKey | null {
  const [, name = '', id = '', key = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const tagged = taggedKey(key);
  if (tagged === null) return null;
  const parsed = keyOf(name, tagged.type, tagged.bytes);
  return toHex(parsed.id) === id ? parsed : null;
}

/** @returns `<name>+<id in hex>+<base64 of type and key>` */
export const noteKeyText = ({ name, id, type, publicKey }: NoteKey): string =>
  `${name}+${toHex(id)}+${toBase64(concatBytes(Uint8Array.of(SIGNATURE_TYPES[type]), publicKey))}`;

/**
 * @param name without spaces and plus: `directory.example/eu`
 * @param type a log signs notes, a witness cosigns
 * @param seed 32 bytes from a cryptographic source
 * @throws TypeError when the name or the seed is none
 */
export function noteSecret(name: string, type: SignatureType, seed: Uint8Array): NoteSecret {
  if (!NAME.test(name) || CONTROL.test(name)) throw new TypeError('note: a name has no space and no plus');
  if (seed.length !== KEY_BYTES) throw new TypeError('note: a seed of 32 bytes is expected');
  return { ...keyOf(name, type, ed25519.getPublicKey(seed)), seed };
}

/** @returns `PRIVATE+KEY+<name>+<id>+<base64 of type and seed>`, as Go's sumdb/note writes it */
export const noteSecretText = ({ name, id, type, seed }: NoteSecret): string =>
  `PRIVATE+KEY+${name}+${toHex(id)}+${toBase64(concatBytes(Uint8Array.of(SIGNATURE_TYPES[type]), seed))}`;

/** @param text see {@link noteSecretText} @returns the key, or null when it is none */
export function parseNoteSecret(text: string): NoteSecret | null {
  const [, name = '', id = '', key = ''] =
    /^PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text.trim()) ?? [];
  const tagged = taggedKey(key);
  if (tagged === null) return null;
  const secret = noteSecret(name, tagged.type, tagged.bytes);
  return equalBytes(secret.id, fromHex(id)) ? secret : null;
}

/** @param bytes as received @returns the note, nothing of it verified, or null when it is none */
export function parseNote(bytes: Uint8Array): Note | null {
  if (bytes.length > MAX_NOTE_BYTES) return null;
  let whole: string;
  try {
    whole = fromUtf8(bytes);
  } catch {
    return null;
  }
  const split = whole.lastIndexOf('\n\n');
  if (CONTROL.test(whole) || split < 0 || !whole.endsWith('\n')) return null;
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures = lines.map((line) => parseSignatureLine(line));
  return signatures.includes(null)
    ? null
    : { text: whole.slice(0, split + 1), signatures: signatures.filter((one) => one !== null) };
}

/** @param line `— <name> <base64>`, without a line feed @returns null when it is none */
export function parseSignatureLine(line: string): NoteSignature | null {
  const [, name = '', text = ''] = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(text);
  } catch {
    return null;
  }
  return bytes.length <= KEY_ID_BYTES
    ? null
    : { name, id: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** @returns the line, with its line feed */
export const signatureLine = ({ name, id, signature }: NoteSignature): string =>
  `— ${name} ${toBase64(concatBytes(id, signature))}\n`;

/** @returns the note's bytes */
export const noteBytes = ({ text, signatures }: Note): Uint8Array =>
  utf8(`${text}\n${signatures.map((one) => signatureLine(one)).join('')}`);

/** @returns whether a signature says that it is by this key; others are ignored, whatever they are */
export const isBy = (signature: NoteSignature, key: NoteKey): boolean =>
  signature.name === key.name && compareBytes(signature.id, key.id) === 0;

/** @returns Ed25519 over the bytes, RFC 8032 without its looser readings */
export function verifyEd25519(key: NoteKey, signature: Uint8Array, message: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, key.publicKey, { zip215: false });
  } catch {
    // noble throws on a signature or a key of the wrong shape.
    return false;
  }
}

/** @param text of a note @returns the log's own signature */
export function signNote(text: string, secret: NoteSecret): NoteSignature {
  return { name: secret.name, id: secret.id, signature: ed25519.sign(utf8(text), secret.seed) };
}

/** @returns whether a signature of this key stands below the note, and every one that says so holds */
export function isSignedBy(note: Note, key: NoteKey): boolean {
  const own = note.signatures.filter((signature) => isBy(signature, key));
  return own.length > 0 && own.every(({ signature }) => verifyEd25519(key, signature, utf8(note.text)));
}
