/** @module Public keys beside the one that stands in a secret, while one is being changed for another (docs/rotation.md). */
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { pointFromSpki } from '../../protocol/signing.ts';
import { ConfigError } from './env.ts';

/** A P-256 key and the name by which a signature says it. */
export interface NamedKey {
  readonly id: string;
  readonly spki: Uint8Array;
}

/** As signed documents and certificates name keys. */
export const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/;

/**
 * @param value of the variable: `id=SPKI` in base64, comma separated; empty or left out: none
 * @param variable its name, for the error
 * @param ownId of the key that they stand beside
 * @returns the keys, in their order
 * @throws ConfigError naming the variable when one is none, or has another one's id
 */
export function namedKeys(value: string | undefined, variable: string, ownId: string): readonly NamedKey[] {
  const entries = (value ?? '') === '' ? [] : (value ?? '').split(',');
  const keys = entries.map((entry) => namedKey(entry.trim(), variable));
  if (new Set([ownId, ...keys.map(({ id }) => id)]).size <= keys.length) {
    throw new ConfigError(variable, 'each key needs an id of its own');
  }
  return keys;
}

function namedKey(entry: string, variable: string): NamedKey {
  const at = entry.indexOf('=');
  const id = entry.slice(0, at);
  try {
    const spki = fromBase64(entry.slice(at + 1));
    pointFromSpki(spki);
    if (at > 0 && KEY_ID.test(id)) return { id, spki };
  } catch {
    // Said below.
  }
  throw new ConfigError(variable, 'expected id=SPKI in base64 of a P-256 key, comma separated');
}
