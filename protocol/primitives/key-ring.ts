/**
 * @module A symmetric secret as a ring of keys (docs/rotation.md): `key[,key[,key]]`. The first makes, all are accepted, so a secret is changed in three deployments and nothing that
 * its former key made is lost: `old,new`, then `new,old`, then, once the last thing that the old key made is over, `new`.
 */
import { equalBytes, fromBase64 } from './bytes.ts';

const KEY_BYTES = 32;
/** One that goes, one that makes, one that comes: a second rotation may begin before the first is over. */
export const MAX_RING_KEYS = 3;

/** Keys of {@link KEY_BYTES} bytes, no two the same. */
export interface KeyRing {
  /** Makes. */
  readonly current: Uint8Array;
  /** Accepted too, in their order: former keys, and those that are to make next. Mostly none. */
  readonly others: readonly Uint8Array[];
  /** {@link current} and {@link others}. */
  readonly all: readonly Uint8Array[];
}

/** A secret is no ring. The message names the secret and the rule, never a value. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
  readonly problem: string;
  constructor(secret: string, problem: string) {
    super(`${secret}: ${problem}`);
    this.problem = problem;
  }
}

/**
 * @param value of the secret as it is deployed
 * @param name of the secret, for the error
 * @returns its keys
 * @throws KeyRingError naming the rule that it breaks
 */
export function keyRing(value: unknown, name: string): KeyRing {
  if (typeof value !== 'string' || value === '') throw new KeyRingError(name, 'a non-empty text is expected');
  const parts = value.split(',');
  if (parts.length > MAX_RING_KEYS) {
    throw new KeyRingError(name, `at most ${MAX_RING_KEYS} keys, split by commas, are expected, got ${parts.length}`);
  }
  const all = parts.map((part, i) =>
    keyOf(part, parts.length === 1 ? '' : ` as key ${i + 1} of ${parts.length}`, name),
  );
  const [current, ...others] = all as [Uint8Array, ...Uint8Array[]];
  if (all.some((key, i) => all.slice(i + 1).some((other) => equalBytes(key, other)))) {
    throw new KeyRingError(name, 'keys of a ring must differ, got one twice');
  }
  return { current, others, all };
}

function keyOf(part: string, place: string, name: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(part);
  } catch {
    throw new KeyRingError(name, `base64 of ${KEY_BYTES} bytes is expected${place}, got no base64`);
  }
  if (bytes.length !== KEY_BYTES) {
    throw new KeyRingError(name, `base64 of ${KEY_BYTES} bytes is expected${place}, got ${bytes.length} bytes`);
  }
  return bytes;
}

/**
 * With one key it costs what the question costs; another key is tried where those before it say no.
 *
 * @param ring keys
 * @param ask of one key: what is looked for, or null
 * @returns the first answer that isn't null, of the current key before others; null when no key has one
 */
export function firstOf<T>(ring: KeyRing, ask: (key: Uint8Array) => T | null): T | null {
  for (const key of ring.all) {
    const answer = ask(key);
    if (answer !== null) return answer;
  }
  return null;
}
