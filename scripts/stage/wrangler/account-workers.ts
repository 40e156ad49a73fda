/**
 * @module What the account has of a Worker: which versions take its traffic, who made them, and everything a version or the script says that a stage decides. By the maker's library;
 * secrets by their names alone, since nobody can read them back.
 */
import type Cloudflare from 'cloudflare';
import { NotFoundError } from 'cloudflare';

/** A binding as a version has it. */
export interface FoundBinding {
  readonly name: string;
  readonly type: string;
  readonly [field: string]: unknown;
}

/** One version. */
export interface FoundVersion {
  readonly id: string;
  /** Counted by the platform, from 1. */
  readonly number: number;
  /** What `--tag` gave it; null: none. */
  readonly tag: string | null;
  /** The stage whose release made it, as its message says ({@link releaseMessage}); null: no release did. */
  readonly stage: string | null;
  /** `wrangler`, `api`, `dash`, … as the platform says. */
  readonly source: string;
  /** `secret`, `upload`, `rollback`, …; null: the platform doesn't say. */
  readonly triggeredBy: string | null;
  /** ISO 8601. */
  readonly createdOn: string | null;
  readonly bindings: readonly FoundBinding[];
  readonly compatibilityDate: string | null;
  /** ms; null: the plan's default. */
  readonly cpuMs: number | null;
  /** Tag of the newest migration of classes; null: there was none. */
  readonly migrationTag: string | null;
}

/** A Worker that exists. */
export interface FoundWorker {
  /** Versions that take traffic, or may be asked for by name, with percentages, newest deployment; none: it is an empty draft. */
  readonly traffic: readonly { readonly versionId: string; readonly percentage: number }[];
  /** The version with most of the traffic; null: it is an empty draft. */
  readonly active: FoundVersion | null;
  /** What no version says, as the API has it. */
  readonly settings: {
    readonly logpush: boolean;
    readonly observability: unknown;
    readonly tailConsumers: readonly string[];
  };
  readonly crons: readonly string[];
  readonly workersDev: boolean;
  readonly previewUrls: boolean;
}

/** What the API says of a version beyond the library's types: wrangler reads the same. */
interface Annotated {
  readonly annotations?: Readonly<Record<string, string | undefined>>;
}

/** How to ask. */
export interface AccountOf {
  readonly client: Cloudflare;
  readonly accountId: string;
}

/** A version is looked for among this many of the newest: more were never uploaded between two runs of an apply that was cut off. */
const RECENT_VERSIONS = 20;

const RELEASE_MESSAGE = /^release \d+ of (\S+)$/;

/** @param release its number @param stage its name @returns the message of versions that it makes: by it another stage knows that they aren't its own */
export const releaseMessage = (release: number, stage: string): string => `release ${release} of ${stage}`;

/**
 * @param workers of the account that have the names of this stage's
 * @param stage its name
 * @returns a line for each that another stage's release made: two stages of one account with one `workers.prefix`, a copied file for one
 */
export const othersWorkers = (
  workers: readonly { readonly script: string; readonly found: Pick<FoundWorker, 'active'> | null }[],
  stage: string,
): string[] =>
  workers.flatMap(({ script, found }) => {
    const owner = found?.active?.stage ?? null;
    return owner === null || owner === stage ? [] : [`${script}: it is of the stage ${owner}`];
  });

/**
 * @param of the account
 * @param script the script's name
 * @returns the Worker, or null when there is none of that name
 * @throws the library's errors
 */
export async function readWorker(of: AccountOf, script: string): Promise<FoundWorker | null> {
  const { client, accountId } = of;
  const at = { account_id: accountId };
  const { scripts } = client.workers;
  let traffic: FoundWorker['traffic'];
  try {
    traffic = await trafficOf(of, script);
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
  const most = traffic.toSorted((a, b) => b.percentage - a.percentage)[0];
  const [active, settings, schedules, subdomain] = await Promise.all([
    most === undefined ? null : readVersion(of, script, most.versionId),
    scripts.settings.get(script, at),
    scripts.schedules.get(script, at),
    scripts.subdomain.get(script, at),
  ]);
  return {
    traffic,
    active,
    settings: {
      logpush: settings.logpush ?? false,
      observability: settings.observability ?? null,
      tailConsumers: (settings.tail_consumers ?? []).map(({ service }) => service),
    },
    crons: schedules.schedules.map(({ cron }) => cron),
    workersDev: subdomain.enabled,
    previewUrls: subdomain.previews_enabled,
  };
}

async function trafficOf({ client, accountId }: AccountOf, script: string): Promise<FoundWorker['traffic']> {
  // The library takes this for a page of deployments; the API answers with an object that holds them, the newest first.
  const page = await client.workers.scripts.deployments.list(script, { account_id: accountId });
  const { deployments = [] } = page.result as {
    readonly deployments?: readonly {
      readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
    }[];
  };
  return (deployments[0]?.versions ?? []).map(({ version_id: versionId, percentage }) => ({ versionId, percentage }));
}

/**
 * @param of the account
 * @param script the script's name
 * @param id of the version
 * @returns what it has in it
 * @throws the library's errors
 */
export async function readVersion({ client, accountId }: AccountOf, script: string, id: string): Promise<FoundVersion> {
  const version = await client.workers.scripts.versions.get(id, { account_id: accountId, script_name: script });
  const { annotations = {} } = version as Annotated;
  const { bindings, script_runtime: runtime } = version.resources;
  return {
    id,
    number: version.number ?? 0,
    tag: annotations['workers/tag'] ?? null,
    stage: RELEASE_MESSAGE.exec(annotations['workers/message'] ?? '')?.[1] ?? null,
    source: version.metadata?.source ?? 'unknown',
    triggeredBy: annotations['workers/triggered_by'] ?? null,
    createdOn: version.metadata?.created_on ?? null,
    bindings: (bindings ?? []) as readonly FoundBinding[],
    compatibilityDate: runtime?.compatibility_date ?? null,
    cpuMs: runtime?.limits?.cpu_ms ?? null,
    migrationTag: runtime?.migration_tag ?? null,
  };
}

/**
 * @param of the account
 * @param script the script's name
 * @param tag see fingerprint.ts
 * @param newerThan number of a version: the one with the traffic. An older one with the tag may have secrets of its time, and the platform lets nobody go back to those
 * @returns the newest version that has it: one that a run before this one uploaded, which was cut off before anything else; null: none
 * @throws the library's errors
 */
export async function versionWithTag(
  of: AccountOf,
  script: string,
  tag: string,
  newerThan: number,
): Promise<string | null> {
  const { client, accountId } = of;
  const page = await client.workers.scripts.versions.list(script, { account_id: accountId, per_page: RECENT_VERSIONS });
  for (const version of page.getPaginatedItems()) {
    if (version.id === undefined || (version.number ?? 0) <= newerThan) continue;
    const { annotations } = version as Annotated;
    const found = annotations?.['workers/tag'] ?? (await readVersion(of, script, version.id)).tag;
    if (found === tag) return version.id;
  }
  return null;
}
