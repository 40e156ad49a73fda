/**
 * @module Signed heads (docs/architecture.md §6): of the manifest and of the configuration, by one key. k6 can check them, so a
 * session takes none that a phone would refuse. MANIFEST_KEY is the file of the public key, PEM (`manifest-public.pem` in the
 * state of a local edge); without it signatures are left unchecked, and the summary says so.
 */
import { check } from 'k6';
import encoding from 'k6/encoding';
import type { RefinedResponse } from 'k6/http';

/** The part of k6's Web Crypto that is used; @types/k6 doesn't have it yet. */
declare const crypto: {
  readonly subtle: {
    importKey(
      format: 'spki',
      key: ArrayBuffer,
      algorithm: object,
      extractable: false,
      usages: ['verify'],
    ): Promise<object>;
    verify(algorithm: object, key: object, signature: ArrayBuffer, bytes: ArrayBuffer): Promise<boolean>;
  };
};

const FILE = __ENV['MANIFEST_KEY'] ?? '';
/** Whether signatures are checked in this run. */
export const SIGNATURES_CHECKED = FILE !== '';
const SPKI = SIGNATURES_CHECKED ? open(FILE).replaceAll(/-----[^-]+-----|\s/g, '') : '';
/** r and s, 32 bytes each, in base64url. */
const SIGNATURE = /^[\w-]{86}$/;

let imported: Promise<object> | undefined;
const pinned = (): Promise<object> =>
  (imported ??= crypto.subtle.importKey(
    'spki',
    encoding.b64decode(SPKI, 'std'),
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['verify'],
  ));

const utf8 = (text: string): ArrayBuffer => encoding.b64decode(encoding.b64encode(text, 'std'), 'std');

/** @returns the answer's body as text; empty when it has none or was asked for as something else */
export function textOf({ body }: Pick<RefinedResponse<'text' | 'binary' | 'none'>, 'body'>): string {
  return typeof body === 'string' ? body : '';
}

/** @param text anything @returns what it says as JSON; null when it is none */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/**
 * @param answer asked for as text
 * @param type of the document: `manifest` or `config`
 * @returns the payload, or null when a phone would refuse the document (then a check failed)
 */
export async function openSigned<T>(answer: RefinedResponse<'text'>, type: 'manifest' | 'config'): Promise<T | null> {
  const document = parsed(textOf(answer)) as Readonly<Record<string, unknown>> | null;
  const { type: found, payload, signature } = document ?? {};
  const isSigned =
    found === type && typeof payload === 'string' && typeof signature === 'string' && SIGNATURE.test(signature)
      ? !SIGNATURES_CHECKED || (await isValid(type, payload, signature))
      : false;
  const good = check(answer, { [`${type} head is signed`]: () => isSigned });
  return good ? (parsed(payload as string) as T | null) : null;
}

async function isValid(type: string, payload: string, signature: string): Promise<boolean> {
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signed = utf8(`exposure-edge/${type}/v1\0${payload}`);
  return crypto.subtle.verify(algorithm, await pinned(), encoding.b64decode(signature, 'rawurl'), signed);
}
