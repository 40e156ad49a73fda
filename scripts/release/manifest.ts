/**
 * @module `release.json`: what somebody who deploys a release must know of it, and what tells whether one may follow another.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { SCHEMA_VERSIONS } from '../../domain/schema-versions.ts';
import { STATE_FORMAT } from '../../local-edge/state-format.ts';
import type { Commit, LockedPackages } from './repository.ts';

interface RawWorker {
  readonly name: string;
  readonly secrets?: { readonly required?: readonly string[] };
  readonly migrations?: readonly { readonly tag: string; readonly [change: string]: unknown }[];
}

interface RawConfiguration {
  readonly compatibility_date: string;
  readonly env: Readonly<Record<string, RawWorker>>;
}

/** What else goes into it. */
export interface Facts {
  readonly version: string;
  readonly commit: Commit;
  /** YYYY-MM-DD, of the changelog. */
  readonly day: string;
  readonly locked: LockedPackages;
  /** Text of surface.json. */
  readonly surface: string;
  /** Worker → names of its modules. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
}

/** @param root of the checkout @param facts see {@link Facts} @returns the manifest, always the same of the same commit */
export function manifestOf(root: string, facts: Facts): object {
  const configuration = parse(readFileSync(join(root, 'wrangler.toml'), 'utf8')) as unknown as RawConfiguration;
  const versionOf = (name: string): string | null => facts.locked[`node_modules/${name}`]?.version ?? null;
  const workers = Object.entries(configuration.env).map(([environment, { name, secrets, migrations = [] }]) => [
    environment,
    {
      name,
      modules: (facts.modules[environment] ?? []).map((module) => `workers/${environment}/${module}`),
      secrets: secrets?.required ?? [],
      migrations: migrations.map(({ tag }) => tag),
    },
  ]);
  return {
    format: 'exposure-edge/release/v1',
    version: facts.version,
    commit: facts.commit.id,
    committedAt: new Date(facts.commit.at * 1000).toISOString(),
    day: facts.day,
    wrangler: versionOf('wrangler'),
    workerd: versionOf('workerd'),
    compatibilityDate: configuration.compatibility_date,
    stateFormat: STATE_FORMAT,
    schemas: SCHEMA_VERSIONS,
    surfaceSha256: createHash('sha256').update(facts.surface).digest('hex'),
    workers: Object.fromEntries(workers),
  };
}
