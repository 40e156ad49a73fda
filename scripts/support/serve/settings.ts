/**
 * @module `serve.toml`: what `npm run serve` is told (docs/own-hardware.md). No secret stands in it; it names the files that have them, which nobody else may read.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'smol-toml';
import * as z from 'zod';
import { readEnvironments, type WorkerEnvironment } from '../../../local-edge/workers.ts';
import type { GatePerson, GateService } from './gate/contract.ts';
import { readPrivate, readSecretsFile, SettingsError } from './secrets-file.ts';
import type { StoreSettings } from './store/s3.ts';

/** The buckets of wrangler.toml, by the last part of their names there. */
export const BUCKETS = ['public', 'private', 'feeds', 'directory'] as const;
export type BucketName = (typeof BUCKETS)[number];

/** What is served, where from, for whom. */
export interface ServeSettings {
  /** Folder of the Durable Objects. One process at a time. */
  readonly state: string;
  /** Folder of sockets; what is in it needn't outlive the process. */
  readonly runtime: string;
  /** Where nginx passes phones on: `127.0.0.1:8787`. */
  readonly listen: string;
  readonly store: StoreSettings & { readonly buckets: Readonly<Record<BucketName, string>> };
  /** Secret by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Variables that replace those of wrangler.toml: environment → name → value. */
  readonly vars: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly people: readonly GatePerson[];
  readonly services: readonly (GateService & { readonly person: string })[];
}

/** Files that the file names may lie elsewhere: a systemd unit gets them under a folder of its own. */
export interface FilePlaces {
  readonly secrets: string | null;
  readonly storeCredentials: string | null;
}

const text = z.string().min(1);
const SETTINGS = z.strictObject({
  state: text,
  runtime: text.default('/run/exposure-edge'),
  listen: z
    .string()
    .regex(/^(127\.0\.0\.1|\[::1\]):\d{1,5}$/, 'must be a loopback address and port: TLS and limits are nginx’s')
    .default('127.0.0.1:8787'),
  secrets: text,
  // A stage keeps this one beside its file, not among what is sealed.
  laboratory_list_public_key: text.optional(),
  store: z.strictObject({
    endpoint: z.url({ protocol: /^https?$/ }),
    region: text,
    path_style: z.boolean().default(true),
    credentials: text,
    buckets: z.strictObject({ public: text, private: text, feeds: text, directory: text }),
  }),
  vars: z.record(text, z.record(text, z.string())).default({}),
  people: z
    .array(
      z.strictObject({
        certificate: text,
        email: z.email().max(100),
        roles: z.array(text).min(1),
        provider: text.max(100).optional(),
      }),
    )
    .default([]),
  services: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/),
        secret_sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the secret, lower-case hex'),
        person: z.email().max(100),
      }),
    )
    .default([]),
});
const CREDENTIALS = z.strictObject({ accessKeyId: text, secretAccessKey: text });

/**
 * @param file `serve.toml`
 * @param places see {@link FilePlaces}
 * @returns what it says, with what the files hold that it names
 * @throws SettingsError naming the file, the field and the rule
 */
export async function readSettings(file: string, places: FilePlaces): Promise<ServeSettings> {
  const told = parsed(file, () => parse(readFileSync(file, 'utf8')), SETTINGS);
  const at = (name: string): string => resolve(dirname(file), name);
  const workers = readEnvironments();
  const { store, services } = told;
  if (new Set(Object.values(store.buckets)).size < BUCKETS.length) {
    throw new SettingsError(
      `${file}: store.buckets: must be four buckets: what is public must not lie beside what is not`,
    );
  }
  const secretsFile = places.secrets ?? at(told.secrets);
  const { laboratory_list_public_key: listKey } = told;
  const secrets = {
    ...(await readSecretsFile(secretsFile)),
    ...(listKey === undefined ? {} : { LABORATORY_LIST_PUBLIC_KEY: readFileSync(at(listKey), 'utf8') }),
  };
  requireSecrets(secretsFile, secrets, workers);
  return {
    state: at(told.state),
    runtime: at(told.runtime),
    listen: told.listen,
    store: {
      endpoint: store.endpoint,
      region: store.region,
      pathStyle: store.path_style,
      buckets: store.buckets,
      credentials: readCredentials(places.storeCredentials ?? at(store.credentials)),
    },
    secrets,
    vars: checkedVars(file, told.vars, workers, services),
    people: told.people.map(({ certificate, email, roles, provider }) => ({
      fingerprint: fingerprintOf(at(certificate)),
      email,
      roles,
      provider: provider ?? email,
    })),
    services: services.map(({ id, secret_sha256: secretSha256, person }) => ({ id, secretSha256, person })),
  };
}

/**
 * @param file null: the variables that S3's own tools read
 * @returns as whom a store is tried
 * @throws SettingsError when there are none
 */
export function readCredentials(file: string | null): StoreSettings['credentials'] {
  if (file !== null) return parsed(file, () => JSON.parse(readPrivate(file)) as unknown, CREDENTIALS);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env;
  if (!accessKeyId || !secretAccessKey) {
    throw new SettingsError('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set, or --store-credentials given');
  }
  return { accessKeyId, secretAccessKey };
}

function parsed<T>(file: string, read: () => unknown, schema: z.ZodType<T>): T {
  let found: unknown;
  try {
    found = read();
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    const isRead = (error as NodeJS.ErrnoException).code === undefined;
    throw new SettingsError(
      `${file}: ${isRead ? 'is not of its format' : 'can’t be read'}: ${(error as Error).message}`,
    );
  }
  const result = schema.safeParse(found);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const extra = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  throw new SettingsError(`${file}: ${[...(issue?.path ?? []), ...extra].join('.')}: ${issue?.message}`);
}

/** @throws SettingsError naming the first that a Worker lacks */
function requireSecrets(
  file: string,
  found: Readonly<Record<string, string>>,
  workers: readonly WorkerEnvironment[],
): void {
  for (const { environment, secrets } of workers) {
    const missing = secrets.find((name) => found[name] === undefined);
    if (missing !== undefined) throw new SettingsError(`${file}: ${missing}: is missing; ${environment} needs it`);
  }
}

/** Names that no Worker knows are mistakes: a limit that is misspelt must not be one that isn't there. */
function checkedVars(
  file: string,
  vars: ServeSettings['vars'],
  workers: readonly WorkerEnvironment[],
  services: readonly { readonly id: string; readonly person: string }[],
): ServeSettings['vars'] {
  for (const [environment, own] of Object.entries(vars)) {
    const worker = workers.find((one) => one.environment === environment);
    if (worker === undefined) throw new SettingsError(`${file}: vars.${environment}: wrangler.toml has no such Worker`);
    const stranger = Object.keys(own).find((name) => worker.vars[name] === undefined && !OPTIONAL.test(name));
    if (stranger !== undefined) {
      throw new SettingsError(`${file}: vars.${environment}.${stranger}: ${environment} has no such variable`);
    }
  }
  if (services.length === 0) return vars;
  const owners = services.map(({ id, person }) => `${id}=${person}`).join(',');
  return { ...vars, portal: { ...vars['portal'], OPERATOR_SERVICES: owners } };
}

/** Variables that wrangler.toml names in comments alone, since a deployment has them for a while or as it likes. */
const OPTIONAL = /^([A-Z]+_FORMER_KEY_(ID|VERSION|UNTIL)|RESERVE_UPLOADS)$/;

function fingerprintOf(file: string): string {
  try {
    return new X509Certificate(readFileSync(file)).fingerprint256.replaceAll(':', '').toLowerCase();
  } catch {
    throw new SettingsError(`${file}: is no certificate in PEM`);
  }
}
