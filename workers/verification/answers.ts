/**
 * @module Answers of the public routes (docs/spec/cwa.md §3.1): one size for real, dummy and refused, whatever is in
 * them. CWA's server padded each route by hand and lost the equality when two fields were added (docs/spec/cwa.md §3.4 d);
 * here the padding is what is left of a fixed length, so it can't get out of step; and it is as dense as an encoder's own
 * output, so that a hop which encodes the body all the same tells little (answers.test.ts has the figures).
 */
import type { CredentialRefusal } from '../../domain/credential.ts';
import { AS_IT_STANDS, type LevelStatus, PAD_HEADER, padFor } from '../shared/level-answer.ts';

/** Bytes of every body. The longest: a credential of 870 characters, 908 bytes (docs/decisions/059). */
export const ANSWER_BODY_BYTES = 910;

/** What a route says, without padding; a refusal says nothing but its status, but for a credential's. */
export type Answer =
  | {
      readonly status: 201;
      readonly body:
        | { readonly registrationToken: string }
        | { readonly tan: string }
        | { readonly credential: string };
    }
  | {
      readonly status: 200;
      readonly body: { readonly testResult: number; readonly sc: number; readonly labId?: string };
    }
  | { readonly status: 200; readonly body: { readonly forgotten: true } }
  /** Whoever holds a credential may know why it opens nothing: the directory and the list are public, the rest is their own. */
  | { readonly status: 400; readonly body: { readonly refused: CredentialRefusal } }
  | { readonly status: 400 | 403 | 404 | 405 | 429 | 500; readonly body: Record<string, never> };

/** Six bits a character and no escapes in JSON: gzip finds nothing to save, as in a token (zeros cost it nothing at all). */
const PADDING_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** @returns random text of six bits a character: padding, and what a dummy is given */
export function padding(length: number): string {
  const random = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(random, (byte) => PADDING_ALPHABET.charAt(byte % PADDING_ALPHABET.length)).join('');
}

/** @returns the refusal of this status */
export function refusal(status: 400 | 403 | 404 | 405 | 429 | 500): Answer {
  return { status, body: {} };
}

/**
 * @param answer what is said
 * @param statusLineHasPhrase see level-answer.ts
 * @returns the answer, `ANSWER_BODY_BYTES` long
 * @throws RangeError when the body alone is longer, a defect that a test must find
 */
export function paddedAnswer({ status, body }: Answer, statusLineHasPhrase: boolean): Response {
  return filledAnswer({ status, body, filler: 'responsePadding' }, statusLineHasPhrase);
}

/** What fills up an answer. */
interface Filled {
  readonly status: LevelStatus;
  readonly body: object;
  /** Name of the member that is padding. */
  readonly filler: string;
  /** Of one length in all answers of a route. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** @returns an answer `ANSWER_BODY_BYTES` long @throws RangeError as {@link paddedAnswer} */
export function filledAnswer({ status, body, filler, headers = {} }: Filled, statusLineHasPhrase: boolean): Response {
  const bare = JSON.stringify({ ...body, [filler]: '' });
  const missing = ANSWER_BODY_BYTES - new TextEncoder().encode(bare).length;
  if (missing < 0) throw new RangeError(`answer: ${-missing} bytes longer than ${ANSWER_BODY_BYTES}`);
  return new Response(JSON.stringify({ ...body, [filler]: padding(missing) }), {
    status,
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': String(ANSWER_BODY_BYTES),
      ...AS_IT_STANDS,
      'x-content-type-options': 'nosniff',
      [PAD_HEADER]: padFor(status, statusLineHasPhrase),
    },
  });
}
