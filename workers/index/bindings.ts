/**
 * @module What `index` is given by wrangler.toml, parsed once: buckets it can only read, and the regions it serves.
 */
import { ConfigError, text } from '../shared/env.ts';
import { type ReadOnlyBucket, readOnly } from '../shared/read-only-bucket.ts';
import type { StaticObject } from '../shared/serve-object.ts';
import { directoryObject } from './directory.ts';
import { type PathMatcher, pathMatcher } from './paths.ts';

/** The bindings of `[env.index]`. No secret, no RPC (docs/architecture.md §2). */
export interface IndexEnv {
  /** The `public` bucket; never used but through `readOnly`. */
  readonly PUBLIC: ReadOnlyBucket;
  /** The objects of the directory's log (docs/directory.md); never used but through `readOnly`. */
  readonly DIRECTORY: ReadOnlyBucket;
  /** Published regions, comma separated, e.g. `DE,EUR`. */
  readonly REGIONS: string;
}

/** The bindings as the Worker uses them. */
export interface IndexConfig {
  readonly bucket: ReadOnlyBucket;
  readonly objectKey: PathMatcher;
  readonly elsewhere: (pathname: string) => StaticObject | null;
}

/**
 * Parses the environment.
 *
 * @param env the raw bindings
 * @returns the typed configuration
 * @throws ConfigError naming the variable and the rule when one is missing or absurd
 */
export function parseIndexConfig(env: IndexEnv): IndexConfig {
  if (env.PUBLIC === undefined) throw new ConfigError('PUBLIC', 'the public R2 bucket must be bound');
  if (env.DIRECTORY === undefined) throw new ConfigError('DIRECTORY', 'the R2 bucket of the directory must be bound');
  const regions = text({ ...env }, 'REGIONS')
    .split(',')
    .map((region) => region.trim());
  for (const region of regions) {
    if (!/^[A-Z]{2,3}$/.test(region)) {
      throw new ConfigError('REGIONS', `two or three capital letters are expected, got "${region}"`);
    }
  }
  const directory = readOnly(env.DIRECTORY);
  return {
    bucket: readOnly(env.PUBLIC),
    objectKey: pathMatcher(regions),
    elsewhere: (pathname) => directoryObject(pathname, directory),
  };
}
