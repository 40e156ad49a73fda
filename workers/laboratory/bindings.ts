/**
 * @module What `laboratory` is given by wrangler.toml, parsed once (docs/architecture.md §2): its own object and the key that signed
 * the list of laboratories.
 */
import type { ResultStore } from '../../durable-objects/result-store/result-store.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { ConfigError, text } from '../shared/env.ts';
import { namedKeys } from '../shared/named-keys.ts';

/** The bindings of `[env.laboratory]`. */
export interface LaboratoryEnv {
  readonly RESULT_STORE: DurableObjectNamespace<ResultStore>;
  /** SPKI PEM of the key that signs the list of laboratories. */
  readonly LABORATORY_LIST_PUBLIC_KEY: string;
  readonly LABORATORY_LIST_KEY_ID: string;
  /** Keys whose lists are believed beside it, `id=SPKI` in base64, comma separated: the next one, or the one that signed the list that stands. */
  readonly LABORATORY_LIST_OTHER_KEYS?: string;
}

export interface LaboratoryConfig {
  readonly store: DurableObjectNamespace<ResultStore>;
  /** Key id → SPKI, as protocol/signed-document wants it. */
  readonly listKeys: Readonly<Record<string, Uint8Array>>;
}

/** @throws ConfigError naming the variable that is missing or wrong */
export function parseBindings(env: LaboratoryEnv): LaboratoryConfig {
  if (env.RESULT_STORE === undefined) throw new ConfigError('RESULT_STORE', 'the Durable Object must be bound');
  const variables = env as unknown as Record<string, unknown>;
  let spki: Uint8Array;
  try {
    spki = spkiFromPem(text(variables, 'LABORATORY_LIST_PUBLIC_KEY'));
  } catch {
    throw new ConfigError('LABORATORY_LIST_PUBLIC_KEY', 'a P-256 public key in SPKI PEM is expected');
  }
  const id = text(variables, 'LABORATORY_LIST_KEY_ID');
  const others = namedKeys(env.LABORATORY_LIST_OTHER_KEYS, 'LABORATORY_LIST_OTHER_KEYS', id);
  const listKeys = Object.fromEntries([{ id, spki }, ...others].map((key) => [key.id, key.spki]));
  return { store: env.RESULT_STORE, listKeys };
}
