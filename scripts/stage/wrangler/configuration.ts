/**
 * @module The configuration that wrangler is given for one Worker of a stage: what wrangler.toml says of it, with the stage's names, buckets, variables and certificates in place.
 * It lies in `.stage/<name>/workers/<worker>/wrangler.jsonc`, is written anew at each run and never edited: its first line says what it was made of, so an edit is seen and told.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse } from 'smol-toml';
import { writeWhole } from '../../../local-edge/state-format.ts';
import { WRANGLER_TOML } from '../../../local-edge/workers.ts';
import { nameInAccount, type WorkerName } from './order.ts';

/** What a stage's file decides of all Workers. */
export interface Placed {
  readonly jurisdiction: 'eu' | 'fedramp' | 'none';
  readonly prefix: string;
  /** Client certificates that `federation` shows, by the name in PEERS. */
  readonly certificates: readonly { readonly binding: string; readonly id: string }[];
}

/** One Worker's, as wrangler reads it; what isn't there isn't said. */
export interface Configuration {
  readonly name: string;
  readonly main: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly compatibility_date: string;
  readonly secrets?: { readonly required: readonly string[] };
  readonly r2_buckets?: readonly {
    readonly binding: string;
    readonly bucket_name: string;
    readonly jurisdiction?: string;
  }[];
  readonly services?: readonly { readonly binding: string; readonly service: string; readonly entrypoint: string }[];
  readonly durable_objects?: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly migrations?: readonly { readonly tag: string }[];
  readonly mtls_certificates?: readonly { readonly binding: string; readonly certificate_id: string }[];
  readonly triggers: { readonly crons: readonly string[] };
  readonly limits?: { readonly cpu_ms: number };
  readonly observability: Readonly<Record<string, unknown>>;
  readonly logpush: boolean;
  readonly [field: string]: unknown;
}

type Toml = Readonly<Record<string, unknown>> & {
  readonly env: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

/** Top-level keys of wrangler.toml that hold for each Worker of it. */
const INHERITED = [
  'compatibility_date',
  'send_metrics',
  'workers_dev',
  'preview_urls',
  'logpush',
  'observability',
] as const;

/**
 * @param worker an environment of wrangler.toml
 * @param options.placed what the stage decides of all Workers
 * @param options.vars the Worker's variables: all that differ from wrangler.toml's
 * @param options.secrets names of all its secrets, those that wrangler.toml requires among them
 * @returns its configuration: the same for the same input, key by key
 * @throws Error when wrangler.toml doesn't have it
 */
export function configurationOf(
  worker: WorkerName,
  options: {
    readonly placed: Placed;
    readonly vars: Readonly<Record<string, string>>;
    readonly secrets: readonly string[];
  },
): Configuration {
  const { placed, vars, secrets } = options;
  const file = parse(readFileSync(WRANGLER_TOML, 'utf8')) as unknown as Toml;
  const own = file.env[worker];
  if (own === undefined) throw new Error(`wrangler.toml has no [env.${worker}]`);
  const named = own as unknown as Configuration;
  const { r2_buckets: buckets, services } = named;
  return {
    ...Object.fromEntries(INHERITED.map((key) => [key, file[key]])),
    ...own,
    name: nameInAccount(named.name, placed.prefix),
    main: 'bundle/main.js',
    no_bundle: true,
    // Names of packages are nobody's business, and of a bundle there are none to find.
    dependencies_instrumentation: { enabled: false },
    vars: { ...named.vars, ...vars },
    triggers: named.triggers ?? { crons: [] },
    ...(secrets.length === 0 ? {} : { secrets: { required: secrets.toSorted() } }),
    ...(services && {
      services: services.map((bound) => ({ ...bound, service: nameInAccount(bound.service, placed.prefix) })),
    }),
    ...(buckets && {
      r2_buckets: buckets.map((bucket) => ({
        ...bucket,
        bucket_name: nameInAccount(bucket.bucket_name, placed.prefix),
        ...(placed.jurisdiction === 'none' ? {} : { jurisdiction: placed.jurisdiction }),
      })),
    }),
    ...(worker === 'federation' &&
      placed.certificates.length > 0 && {
        mtls_certificates: placed.certificates.map(({ binding, id }) => ({ binding, certificate_id: id })),
      }),
  } as unknown as Configuration;
}

const HEAD = /^\/\/ Generated .*, sha256 ([0-9a-f]{64})\n/;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @param folder of the Worker, `.stage/<name>/workers/<worker>` @returns where its configuration lies */
export const configurationFile = (folder: string): string => join(folder, 'wrangler.jsonc');

/**
 * Writes it, whatever lies there. A crash before it leaves the former one, a crash after it this one: both are made anew at the next run.
 *
 * @param folder of the Worker, `.stage/<name>/workers/<worker>`; made where it isn't there
 * @param configuration see {@link configurationOf}
 * @param source the stage's file, for the first line
 * @returns whether somebody had edited what lay there
 */
export function writeConfiguration(folder: string, configuration: Configuration, source: string): boolean {
  const file = configurationFile(folder);
  const body = `${JSON.stringify(configuration, null, 2)}\n`;
  const edited = existsSync(file) && isEdited(readFileSync(file, 'utf8'));
  mkdirSync(dirname(file), { recursive: true });
  writeWhole(
    file,
    `// Generated of ${source} and wrangler.toml; an edit here is told and lost: change those, sha256 ${sha256(body)}\n${body}`,
  );
  return edited;
}

/** @param text of a generated file @returns whether somebody edited it */
export function isEdited(text: string): boolean {
  const head = HEAD.exec(text);
  return head === null || head[1] !== sha256(text.slice(head[0].length));
}
