/**
 * @module Which Workers there are: wrangler.toml is the one list, read as data. And which path of the local edge's single
 * port belongs to which of them; deployed, each public Worker has routes of its own (docs/deploy.md).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { describeChunkPolicyError, parseChunkPolicy } from '../domain/chunk-policy.ts';

/** The repository's root, absolute, without a trailing slash. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
/** Absolute path of wrangler.toml. */
export const WRANGLER_TOML = `${ROOT}/wrangler.toml`;

/** One environment of wrangler.toml. */
export interface WorkerEnvironment {
  /** Short name, e.g. `upload`: the environment and the folder below workers/. */
  readonly environment: string;
  /** The script's name, e.g. `exposure-edge-upload`. */
  readonly name: string;
  /** Entry file that is deployed, relative to the root. */
  readonly main: string;
  /** Names of the secrets it must have. */
  readonly secrets: readonly string[];
  /** Cron expressions. */
  readonly crons: readonly string[];
  /** Plain variables. */
  readonly vars: Readonly<Record<string, string>>;
}

interface RawEnvironment {
  readonly name: string;
  readonly main: string;
  readonly secrets?: { readonly required?: readonly string[] };
  readonly triggers?: { readonly crons?: readonly string[] };
  readonly vars?: Readonly<Record<string, string>>;
}

/**
 * @param text the text of wrangler.toml; read from the repository when left out
 * @returns every environment, in the order of the file
 */
export function readEnvironments(text = readFileSync(WRANGLER_TOML, 'utf8')): WorkerEnvironment[] {
  const { env } = parse(text) as unknown as { env: Record<string, RawEnvironment> };
  return Object.entries(env).map(([environment, raw]) => ({
    environment,
    name: raw.name,
    main: raw.main,
    secrets: raw.secrets?.required ?? [],
    crons: raw.triggers?.crons ?? [],
    vars: raw.vars ?? {},
  }));
}

/**
 * Refuses a chunk policy that contradicts itself before anything runs; deployed, `origin` would refuse its first call.
 *
 * @param environments of wrangler.toml
 * @param replaced variables of `origin` that replace those
 * @throws Error naming the field, its value and the rule
 */
export function requireChunkPolicy(
  environments: readonly WorkerEnvironment[],
  replaced: Readonly<Record<string, string>> = {},
): void {
  const origin = environments.find(({ environment }) => environment === 'origin');
  const policy = parseChunkPolicy({ ...origin?.vars, ...replaced });
  if (!policy.ok) throw new Error(`[env.origin.vars] ${describeChunkPolicyError(policy.error)}`);
}

/** Variables that a stage must set and wrangler.toml leaves empty, as the local edge and tests have them. */
export const LOCAL_VARS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  portal: {
    AUTHORITY_NAME: 'Example Health Authority',
    AUTHORITY_TELEPHONE: '0800 555 0100',
    APP_NAME: 'Example Warn App',
    DEPLOYMENT_NAME: 'local edge',
    ADMIN_API_HOST: 'codes.localhost',
  },
  // Browsers find `de.localhost` on this machine.
  verification: { LINK_DOMAIN: 'localhost', SMS_WEBHOOK_URL: 'https://sms.localhost/', SMS_KEY_ID: 'local' },
};

/** Host name by which peers' requests are told from phones' on the one local port. */
export const FEDERATION_HOST = 'peers.localhost';

/**
 * Paths of the one local port, as Miniflare's route patterns (the most specific wins). What no pattern names goes to
 * `index`, which refuses unknown shapes. A Worker that isn't here has no route: `origin`.
 */
export const LOCAL_ROUTES: Readonly<Record<string, readonly string[]>> = {
  upload: ['*/version/v1/diagnosis-keys', '*/v1/publish', '*/v1/stats', '*/v1/withdrawal'],
  index: ['*/*'],
  config: ['*/v1/config/*', '*/version/v1/configuration/*', '*/version/v1/app_config_*', '*/version/v2/app_config_*'],
  verification: [
    ...['registrationToken', 'testresult', 'tan', 'forget', 'credential', 'presentation'].map(
      (route) => `*/version/v1/${route}`,
    ),
    '*/v1/credential-status',
    ...['verify', 'certificate', 'user-report'].map((route) => `*/api/${route}`),
    '*/jwks',
    // Links to apps: `de.localhost`. A pattern sees the query too.
    '*.localhost/v*',
    '*.localhost/.well-known/*',
  ],
  laboratory: ['*/api/v1/*'],
  // Its paths are like `index`'s, and deployed it has a host of its own.
  federation: [`${FEDERATION_HOST}/*`],
  portal: [
    '*/operator/*',
    '*/staff',
    '*/staff/*',
    '*/local/teletan',
    // Deployed, the administrators' API has a host of its own.
    ...['issue', 'batch-issue', 'checkcodestatus', 'expirecode'].map((method) => `*/api/${method}`),
    `${LOCAL_VARS['portal']?.['ADMIN_API_HOST']}/*`,
  ],
  clock: ['*/local/clock'],
};
