/**
 * @module Signed JSON documents: manifest head and risk configuration (docs/architecture.md §6). The signature covers a type and the
 * payload's very text, so neither another kind of document nor another spelling of the JSON can take its place.
 */
import { concatBytes, fromBase64Url, toBase64Url, utf8 } from '../primitives/bytes.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { type Signer, verifyRaw } from '../signing.ts';

export type DocumentError =
  | { readonly kind: 'malformed-document'; readonly what: string }
  /** Signed, perhaps, but for something else. */
  | { readonly kind: 'wrong-type'; readonly wanted: string; readonly found: string }
  | { readonly kind: 'unknown-key'; readonly key: string }
  | { readonly kind: 'bad-signature'; readonly key: string };

export interface OpenedDocument {
  /** Parsed, not yet checked against a schema. */
  readonly payload: unknown;
  /** The signed text as UTF-8: what the next head's `previous` is the hash of. */
  readonly payloadBytes: Uint8Array;
}

/** What is signed: `exposure-edge/<type>/v1`, a zero byte, the payload. */
function signedBytes(type: string, payload: Uint8Array): Uint8Array {
  return concatBytes(utf8(`exposure-edge/${type}/v1\0`), payload);
}

function requireType(type: string): void {
  // No slash and no zero byte: the prefix then has one reading.
  if (!/^[a-z][a-z0-9-]*$/.test(type)) throw new TypeError(`document type must be of [a-z0-9-], got "${type}"`);
}

/**
 * @param type `manifest`
 * @param keyId name under which readers have pinned the key: `manifest-v1`
 * @param payload anything that JSON can say
 * @param signer r‖s signatures of 64 bytes
 * @returns the document's text; the same for the same input
 * @throws {TypeError} when the type is not of [a-z0-9-]
 */
export function signDocument(type: string, keyId: string, payload: unknown, signer: Signer): string {
  requireType(type);
  const text = JSON.stringify(payload);
  const signature = toBase64Url(signer.sign(signedBytes(type, utf8(text))));
  return documentOf(type, keyId, payload, signature);
}

/**
 * @param type, keyId, payload as for {@link signDocument}
 * @param signature base64url, made before
 * @returns the document's text
 */
export function documentOf(type: string, keyId: string, payload: unknown, signature: string): string {
  return JSON.stringify({ type, key: keyId, payload: JSON.stringify(payload), signature });
}

/**
 * Tells, without the public key, whether this very signer made a document: its signatures are a function of the text.
 *
 * @param type, keyId, signer as for {@link signDocument}
 * @param text the document as found; anything
 * @param former keys that signed before, by their ids (docs/rotation.md): what one of them signed is ours, too
 * @returns the payload, or null when it is not the signer's
 */
export function signedBy(
  type: string,
  keyId: string,
  text: string,
  signer: Signer,
  former: Readonly<Record<string, Uint8Array>>,
): unknown {
  const document = parseJson(text);
  if (typeof document !== 'object' || document === null) return null;
  const { payload } = document as { readonly payload?: unknown };
  const parsed = typeof payload === 'string' ? parseJson(payload) : undefined;
  if (parsed === undefined) return null;
  if (signDocument(type, keyId, parsed, signer) === text) return parsed;
  return openDocument(type, text, former).ok ? parsed : null;
}

/**
 * @param type the one that is expected
 * @param text the document as received
 * @param keys key id → SubjectPublicKeyInfo of the keys that are trusted for this type
 * @returns the payload of a document that one of them signed, or why not
 * @throws {TypeError} when the type or a trusted key is no such thing
 */
export function openDocument(
  type: string,
  text: string,
  keys: Readonly<Record<string, Uint8Array>>,
): Result<OpenedDocument, DocumentError> {
  requireType(type);
  const document = parseJson(text);
  if (typeof document !== 'object' || document === null) return malformed('not a JSON object');
  const { type: found, key, payload, signature } = document as Record<string, unknown>;
  if (typeof found !== 'string' || typeof key !== 'string') return malformed('type and key must be strings');
  if (typeof payload !== 'string' || typeof signature !== 'string') {
    return malformed('payload and signature must be strings');
  }
  if (found !== type) return err({ kind: 'wrong-type', wanted: type, found });
  const spki = Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (spki === undefined) return err({ kind: 'unknown-key', key });
  const payloadBytes = utf8(payload);
  let raw: Uint8Array;
  try {
    raw = fromBase64Url(signature);
  } catch {
    return malformed('signature is not base64url');
  }
  if (!verifyRaw(spki, signedBytes(type, payloadBytes), raw)) return err({ kind: 'bad-signature', key });
  const parsed = parseJson(payload);
  return parsed === undefined ? malformed('payload is not JSON') : ok({ payload: parsed, payloadBytes });
}

/** @returns undefined, which JSON can't say, when the text is no JSON */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function malformed(what: string): Result<never, DocumentError> {
  return err({ kind: 'malformed-document', what });
}

/**
 * @param error from {@link openDocument}
 * @returns one line for a person
 */
export function describeDocumentError(error: DocumentError): string {
  switch (error.kind) {
    case 'malformed-document':
      return `signed document: ${error.what}`;
    case 'wrong-type':
      return `signed document of type ${JSON.stringify(error.found)}, expected ${error.wanted}`;
    case 'unknown-key':
      return `signed document by ${JSON.stringify(error.key)}, which is not a trusted key`;
    case 'bad-signature':
      return `signed document: the signature by ${error.key} is not valid`;
  }
}
