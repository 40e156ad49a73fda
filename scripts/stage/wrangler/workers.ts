/**
 * @module The Workers of a stage beside those of the account: which of them need anything, and by which way it comes. A Worker that is new, or whose classes migrate, can't be part of a
 * gradual rollout (docs/spec/platform.md §2.1): it is deployed by itself, before all others, and the plan says so.
 */
import { join } from 'node:path';
import { type Made, varsOf } from '../file/vars.ts';
import { told } from '../resources/failure.ts';
import type { Difference, Field } from '../resources/resource.ts';
import type { Rollout } from '../steps/rollout.ts';
import { type FoundWorker, readWorker } from './account-workers.ts';
import { type Bundle, bundleOf } from './bundles.ts';
import { settingFields, versionFields, type WantedWorker } from './compare.ts';
import { type Configuration, configurationOf } from './configuration.ts';
import { fingerprintOf, secretMarks, tagOf } from './fingerprint.ts';
import { DEPLOY_ORDER, scriptName, type WorkerName } from './order.ts';

/**
 * How a Worker is brought: `new`, it isn't there or is an empty draft; `migration`, its classes migrate; `version`, by versions, with the others; `settings`, its version stays; `none`.
 */
type Way = 'new' | 'migration' | 'version' | 'settings' | 'none';

/** Permissions of the API token that Workers need. */
const RIGHTS = ['Account: Workers Scripts Write'];

/** One Worker: what is wanted, what there is, and how the one becomes the other. */
export interface WorkerPlan {
  readonly worker: WorkerName;
  readonly script: string;
  readonly wanted: WantedWorker;
  readonly bundle: Bundle;
  readonly found: FoundWorker | null;
  readonly way: Way;
  /** Of the version, then of the script. */
  readonly fields: { readonly version: readonly Field[]; readonly settings: readonly Field[] };
  /** Of the version that would be made. */
  readonly tag: string;
  /** See fingerprint.ts. */
  readonly marks: Readonly<Record<string, string>>;
}

/** A secret that a Worker requires and the stage hasn't. */
class MissingSecretError extends Error {
  constructor(names: readonly string[], stage: string) {
    super(
      `not among the stage's secrets: ${names.join(', ')}. Draw what is missing and keep what is there: npm run stage -- init ${stage}`,
    );
    this.name = 'MissingSecretError';
  }
}

/** @param worker an environment of wrangler.toml @returns the folder with all that wrangler is given for it */
export const workerFolder = ({ places }: Pick<Rollout, 'places'>, worker: WorkerName): string =>
  join(places.work, 'workers', worker);

/** @param rollout see {@link Rollout} @param worker one of its Workers @param made what the account has made @returns its configuration, as the stage's file says now */
export function stageConfiguration({ stage, secrets }: Rollout, worker: WorkerName, made: Made): Configuration {
  const { jurisdiction, workers, federation } = stage;
  return configurationOf(worker, {
    placed: { jurisdiction, prefix: workers.prefix, certificates: federation.certificates },
    vars: varsOf(stage, worker, made),
    secrets: Object.keys(secrets.of(worker)),
  });
}

/**
 * Reads the account and changes nothing.
 *
 * @param rollout see {@link Rollout}
 * @returns one plan a Worker, in the order of deployment
 * @throws MissingSecretError; Error when a Worker's classes are ahead of this commit's, or a bundle can't be made; ResourceError naming the permission that the token lacks
 */
export async function lookAtWorkers(rollout: Rollout): Promise<WorkerPlan[]> {
  requireSecrets(rollout);
  const made = await rollout.made();
  const plans: WorkerPlan[] = [];
  for (const worker of DEPLOY_ORDER) {
    const script = scriptName(worker, rollout.stage.workers.prefix);
    const secrets = rollout.secrets.of(worker);
    const configuration = stageConfiguration(rollout, worker, made);
    const bundle = await bundleOf(worker, () =>
      rollout.say(`${worker}: its code has changed since it was bundled last; bundling`),
    );
    const marks = secretMarks(secrets, rollout.secrets.markKey);
    const fingerprint = fingerprintOf({ bundle, configuration, marks });
    const wanted = { configuration, fingerprint, secrets: Object.keys(secrets) };
    const found = await told(
      { resource: `Worker ${script}`, afterBreak: 'nothing was changed by reading', rights: RIGHTS },
      () => readWorker(rollout.context, script),
    );
    plans.push({
      worker,
      script,
      wanted,
      bundle,
      found,
      ...wayOf(worker, wanted, found),
      tag: tagOf(rollout.commit, fingerprint),
      marks,
    });
  }
  return plans;
}

function wayOf(
  worker: WorkerName,
  wanted: WantedWorker,
  found: FoundWorker | null,
): Pick<WorkerPlan, 'way' | 'fields'> {
  const { migrations = [] } = wanted.configuration;
  const newest = migrations.at(-1)?.tag ?? null;
  if (found?.active === undefined || found.active === null) {
    return { way: 'new', fields: { version: [{ name: 'code', from: null, to: 'this commit’s' }], settings: [] } };
  }
  const at = found.active.migrationTag;
  if (at !== null && !migrations.some(({ tag }) => tag === at)) {
    throw new Error(
      `${worker}: its classes are at migration ${at}, which this commit doesn't know: it is older than what is deployed. Check out the release that is deployed, or a newer one.`,
    );
  }
  const fields = { version: versionFields(wanted, found), settings: settingFields(wanted, found) };
  if (at !== newest) {
    return {
      way: 'migration',
      fields: { ...fields, version: [{ name: 'migration', from: at, to: newest }, ...fields.version] },
    };
  }
  if (fields.version.length > 0) return { way: 'version', fields };
  return { way: fields.settings.length > 0 ? 'settings' : 'none', fields };
}

/** What a Worker's secrets are called, whatever the stage: what wrangler.toml requires. */
function requireSecrets({ secrets, stage }: Rollout): void {
  const missing = DEPLOY_ORDER.flatMap((worker) => {
    const held = secrets.of(worker);
    return requiredOf(worker)
      .filter((name) => held[name] === undefined)
      .map((name) => `${name} (${worker})`);
  });
  if (missing.length > 0) throw new MissingSecretError(missing, stage.name);
}

/** @param worker an environment of wrangler.toml @returns names of secrets that it refuses to start without */
function requiredOf(worker: WorkerName): readonly string[] {
  const { secrets } = configurationOf(worker, {
    placed: { jurisdiction: 'none', prefix: '', certificates: [] },
    vars: {},
    secrets: [],
  });
  return secrets?.required ?? [];
}

/** What a person reads of each way. */
const WAY_TEXT: Readonly<Record<Way, string>> = {
  new: 'deployed by itself, with its secrets: it is new',
  migration:
    'deployed by itself, before the others: its classes migrate, which no gradual rollout can hold, and no rollback goes back past',
  version: 'uploaded, checked, then given traffic, with the others',
  settings: 'its version stays',
  none: '',
};

/** @param plan of a Worker @returns it as a plan prints it */
export function differenceOf({ script, way, fields }: WorkerPlan): Difference {
  return {
    resource: `Worker ${script}`,
    action: way === 'none' ? 'keep' : way === 'new' ? 'create' : 'change',
    fields: [
      ...(way === 'none' ? [] : [{ name: 'how', from: null, to: WAY_TEXT[way] }]),
      ...fields.version,
      ...fields.settings,
    ],
  };
}

/** @param rollout see {@link Rollout} @returns what an apply would do to Workers, in order @throws as {@link lookAtWorkers} */
export async function planWorkers(rollout: Rollout): Promise<Difference[]> {
  return (await lookAtWorkers(rollout)).map(differenceOf);
}
