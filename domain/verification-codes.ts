/**
 * @module Verification codes of Google's dialect (docs/spec/google.md §5.5): a short one that is read out or typed, a long one for a link. Derived from a seed that the code's row holds while it is
 * live, so that a lost reply can be repeated and no code is stored; found again by keyed hashes.
 */
import { concatBytes, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../protocol/primitives/hash.ts';
import { uniformCharacters } from './teletan.ts';

/** 10⁸ short codes: with 100 live ones a million guesses find one. */
export const SHORT_CODE_DIGITS = 8;
/** While somebody guesses, new codes are so long, and guessing is 10⁴ times dearer (decision 066). No code that is out is refused for it. */
export const GUARDED_CODE_DIGITS = 12;
const LONG_CODE_LENGTH = 16;
/** 15 minutes, and 24 hours. */
export const SHORT_CODE_SECONDS = 900;
export const LONG_CODE_SECONDS = 86_400;

const DIGITS = '0123456789';
/** 36¹⁶ ≈ 83 bit. */
const LONG_ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const TYPED = new RegExp(`^(?:\\d{6,${GUARDED_CODE_DIGITS}}|[a-z0-9]{${LONG_CODE_LENGTH}})$`);
/** With what people write between digits. */
const MAX_TYPED_LENGTH = 64;

const label = (purpose: string): Uint8Array => utf8(`exposure-edge/${purpose}/v1\0`);

/** Bytes of a code's seed. */
export const CODE_SEED_BYTES = 16;

/** What a code follows from. */
export interface CodeChoice {
  /** {@link CODE_SEED_BYTES} random bytes. */
  readonly seed: Uint8Array;
  /** Of the short code. */
  readonly digits: number;
}

/** @param derivationKey 32 bytes, known to `verification` alone @returns the same codes each time */
export function codesOf({ seed, digits }: CodeChoice, derivationKey: Uint8Array): { short: string; long: string } {
  let block = 0;
  const stream = (purpose: string) => (length: number) => {
    const blocks: Uint8Array[] = [];
    for (let have = 0; have < length; have += 32) {
      blocks.push(hmacSha256(derivationKey, label(purpose), seed, Uint8Array.of(block++)));
    }
    return concatBytes(...blocks);
  };
  return {
    short: uniformCharacters(DIGITS, digits, stream('short-code')),
    long: uniformCharacters(LONG_ALPHABET, LONG_CODE_LENGTH, stream('long-code')),
  };
}

/** @param typed any text @returns a short or long code, without spaces and hyphens, in lower case; null when it has the form of neither */
export function parseVerificationCode(typed: string): string | null {
  if (typed.length > MAX_TYPED_LENGTH) return null;
  const code = typed.replace(/[\s-]/g, '').toLowerCase();
  return TYPED.test(code) ? code : null;
}

/** What the store is told of a text instead of the text; it hashes it once more, with a key that it erases. */
export type Concealed = 'code' | 'nonce' | 'phone' | 'ekeyhmac' | 'external-issuer' | 'code-fields' | 'api-key';

/** @param hashKey 32 bytes, `TAN_HASH_KEY` @returns 32 bytes */
export function concealed(purpose: Concealed, value: Uint8Array | string, hashKey: Uint8Array): Uint8Array {
  return hmacSha256(hashKey, label(`concealed-${purpose}`), typeof value === 'string' ? utf8(value) : value);
}
