/**
 * @module Configuration of the SubmissionBuffer, parsed once from the environment of `origin`.
 */
import { type KeyRing, keyRing } from '../../protocol/primitives/key-ring.ts';
import { countedAs, parseFeeds } from '../../domain/publication/feeds.ts';
import type { Provenance } from '../../domain/publication/packed-keys.ts';
import { RevisionTokens } from '../../protocol/publish/revision-token.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import {
  describeChunkPolicyError,
  parseChunkPolicy,
  type ChunkPolicy,
  variableText,
} from '../../domain/chunk-policy.ts';

export interface BufferConfig {
  readonly homeCountry: string;
  /** The region that publishes every key. */
  readonly unionRegion: string;
  /** Regions that are published: the home country, then the union. */
  readonly regions: readonly string[];
  readonly policy: ChunkPolicy;
  /** Feeds that peers read (domain/publication/feeds.ts); none: there are no peers. */
  readonly feeds: readonly string[];
  /** Keys of the keyed hash that outlives a forgotten row: the first makes them, and they are looked up by all (docs/rotation.md). */
  readonly knownKeyHashKeys: KeyRing;
  /** By which phones of Google's dialect say something else of their keys. */
  readonly revisionTokens: RevisionTokens;
  /** SPKI PEM: what the journal is sealed to; the private half is offline. */
  readonly restorePublicKey: string;
}

/**
 * @param env variables and secrets of `origin`
 * @throws Error naming the field, its value (unless secret) and the rule
 */
export function parseBufferConfig(env: Readonly<Record<string, unknown>>): BufferConfig {
  const policy = parseChunkPolicy(env);
  if (!policy.ok) throw new Error(describeChunkPolicyError(policy.error));
  const homeCountry = text(env, 'HOME_COUNTRY', /^[A-Z]{2}$/, 'an ISO 3166-1 alpha-2 code');
  const unionRegion = text(env, 'UNION_REGION', /^[A-Z]{2,3}$/, 'two or three capital letters');
  if (unionRegion === homeCountry) throw new Error(`UNION_REGION=${unionRegion} must differ from HOME_COUNTRY`);
  return {
    homeCountry,
    unionRegion,
    regions: [homeCountry, unionRegion],
    policy: policy.value,
    feeds: parseFeeds(typeof env['PEER_FEEDS'] === 'string' ? env['PEER_FEEDS'] : '', homeCountry),
    knownKeyHashKeys: keyRing(env['KNOWN_KEY_HASH_KEY'], 'KNOWN_KEY_HASH_KEY'),
    revisionTokens: new RevisionTokens(keyRing(env['REVISION_TOKEN_KEY'], 'REVISION_TOKEN_KEY')),
    restorePublicKey: publicKey(env, 'RESTORE_PUBLIC_KEY'),
  };
}

/** @returns under which names of `release_counter` rows are counted: their regions, the union, and where they may go (domain/publication/feeds.ts) */
export function countedUnder(
  { unionRegion, homeCountry }: Pick<BufferConfig, 'unionRegion' | 'homeCountry'>,
  about: Pick<Provenance, 'regions' | 'consentToFederation' | 'origin'>,
): string[] {
  return [...new Set([...about.regions, unionRegion]), countedAs(about, homeCountry)];
}

/**
 * What is sealed to something else is read by nobody, and that would be seen when it is needed.
 *
 * @returns the SPKI PEM of a P-256 key, whose private half is offline
 * @throws Error naming the field and the rule
 */
export function publicKey(env: Readonly<Record<string, unknown>>, field: string): string {
  const rule = 'an SPKI PEM of a P-256 key';
  const pem = text(env, field, /^-----BEGIN PUBLIC KEY-----/, rule);
  try {
    spkiFromPem(pem);
  } catch {
    throw new Error(`${field} must be ${rule}`);
  }
  return pem;
}

/**
 * @param secret true: the value isn't named in the error
 * @returns the text of a variable that must be there and match
 * @throws Error naming the field and the rule
 */
export function text(
  env: Readonly<Record<string, unknown>>,
  field: string,
  pattern: RegExp,
  rule: string,
  secret = false,
): string {
  const value = env[field];
  if (typeof value === 'string' && pattern.test(value)) return value;
  const shown = value === undefined ? ' is missing:' : secret ? '' : `=${variableText(value)}`;
  throw new Error(`${field}${shown} must be ${rule}`);
}
