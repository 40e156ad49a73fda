/**
 * @module What `config` is given by wrangler.toml, parsed once: a bucket it can only read. No secret, no RPC (docs/architecture.md §2).
 */
import { ConfigError, country } from '../shared/env.ts';
import { type ReadOnlyBucket, readOnly } from '../shared/read-only-bucket.ts';
import { type PathMatcher, pathMatcher } from './paths.ts';

/** The bindings of `[env.config]`. */
export interface ConfigEnv {
  /** The `public` bucket; never used but through `readOnly`. */
  readonly PUBLIC: ReadOnlyBucket;
  /** ISO 3166-1 alpha-2, in the path of CWA's v1 configuration. */
  readonly HOME_COUNTRY: string;
}

/** The bindings as the Worker uses them. */
export interface ConfigConfig {
  readonly bucket: ReadOnlyBucket;
  readonly objectKey: PathMatcher;
}

/**
 * @param env the raw bindings
 * @returns the typed configuration
 * @throws ConfigError naming the variable and the rule when one is missing or absurd
 */
export function parseConfigConfig(env: ConfigEnv): ConfigConfig {
  if (env.PUBLIC === undefined) throw new ConfigError('PUBLIC', 'the public R2 bucket must be bound');
  return { bucket: readOnly(env.PUBLIC), objectKey: pathMatcher(country({ ...env }, 'HOME_COUNTRY')) };
}
