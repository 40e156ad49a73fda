/**
 * @module What `federation` is given by wrangler.toml, parsed once (docs/architecture.md §2): the bucket of feeds and the directory of peers, both read only, and what it trusts of the directory.
 */
import { parseFeeds } from '../../domain/publication/feeds.ts';
import { parsePolicy, type DirectoryPolicy } from '../../protocol/directory/policy.ts';
import type { DesksEnv } from './desks.ts';
import { ConfigError, country } from '../shared/env.ts';
import { readOnly, type ReadOnlyBucket } from '../shared/read-only-bucket.ts';

/** The bindings of `[env.federation]`. */
export interface FederationEnv extends DesksEnv {
  /** What `origin` writes for peers; never used but through `readOnly`. */
  readonly FEEDS: ReadOnlyBucket;
  /** The objects of the directory's log (docs/directory.md). */
  readonly DIRECTORY: ReadOnlyBucket;
  /** JSON (docs/directory.md); empty: there are no peers. */
  readonly DIRECTORY_POLICY: string;
}

/** The bindings as the Worker uses them. */
export interface FederationConfig {
  readonly feeds: ReadOnlyBucket;
  readonly directory: ReadOnlyBucket;
  readonly region: string;
  readonly feedNames: readonly string[];
  /** null: nobody is a peer. */
  readonly policy: DirectoryPolicy | null;
}

/** @param env the raw bindings @throws ConfigError naming the variable that is missing or wrong */
export function parseBindings(env: FederationEnv): FederationConfig {
  if (env.FEEDS === undefined) throw new ConfigError('FEEDS', 'the R2 bucket of feeds must be bound');
  if (env.DIRECTORY === undefined) throw new ConfigError('DIRECTORY', 'the R2 bucket of the directory must be bound');
  const region = country({ ...env }, 'HOME_COUNTRY');
  const { PEER_FEEDS, DIRECTORY_POLICY } = env;
  let feedNames: readonly string[];
  try {
    feedNames = parseFeeds(PEER_FEEDS, region);
  } catch {
    throw new ConfigError('PEER_FEEDS', 'a2a and other regions are expected, comma separated');
  }
  const policy = DIRECTORY_POLICY === '' ? null : parsePolicy(DIRECTORY_POLICY);
  if (policy?.ok === false) throw new ConfigError('DIRECTORY_POLICY', policy.error);
  return {
    feeds: readOnly(env.FEEDS),
    directory: readOnly(env.DIRECTORY),
    region,
    feedNames,
    policy: policy?.value ?? null,
  };
}
