/**
 * @module Secrets of a Worker: written one by one, listed by name, never read. Each change makes a version that differs in it alone, and
 * deploys it; while the newest version has no traffic, the platform refuses (wrangler: VERSION_NOT_DEPLOYED_ERR_CODE).
 */
import { deploy, latestIsDeployed } from '../deployments.ts';
import { Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import { type Binding, newUuid, timestamp, type Version, type Worker } from '../state.ts';
import { isSecret } from '../upload.ts';
import { workerOf } from './scripts.ts';

const right = RIGHTS.workers;
const SECRETS = '/accounts/:account_id/workers/scripts/:script/secrets';

const describe = ({ name, type }: Binding): object => ({ name, type });

function change(worker: Worker, changes: Readonly<Record<string, Binding | null>>): void {
  const [latest] = worker.versions;
  if (latest === undefined || !latestIsDeployed(worker)) {
    throw new Refusal(
      400,
      10_215,
      'Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn’t currently deployed.',
    );
  }
  const taken = latest.bindings.find((binding) => Object.hasOwn(changes, binding.name) && !isSecret(binding));
  if (taken !== undefined) throw new Refusal(400, 10_053, `Binding name '${taken.name}' already in use.`);
  const kept = latest.bindings.filter(({ name }) => !Object.hasOwn(changes, name));
  const version: Version = {
    ...latest,
    id: newUuid(),
    number: latest.number + 1,
    createdOn: timestamp(),
    annotations: { 'workers/triggered_by': 'secret' },
    bindings: [...kept, ...Object.values(changes).filter((binding) => binding !== null)],
  };
  worker.versions.unshift(version);
  deploy(worker, { versions: [{ version_id: version.id, percentage: 100 }] }, true);
}

const list = (context: Context): object[] =>
  (workerOf(context).versions[0]?.bindings ?? []).filter(isSecret).map(describe);

const named = (context: Context): Binding =>
  required(
    workerOf(context).versions[0]?.bindings.find(
      (binding) => isSecret(binding) && binding.name === context.params['secret'],
    ),
    new Refusal(404, 10_056, 'Binding not found.'),
  );

function put(context: Context): object {
  const secret = context.body as Binding;
  change(workerOf(context), { [secret.name]: secret });
  return describe(secret);
}

function bulk(context: Context): object {
  const { secrets } = context.body as { secrets: Record<string, Binding | null> };
  change(workerOf(context), secrets);
  return list(context);
}

/** Secrets. */
export const SECRET_ROUTES: readonly Route[] = [
  { method: 'GET', path: SECRETS, right, handle: list },
  { method: 'PUT', path: SECRETS, right, params: 'SecretUpdateParams', handle: put },
  { method: 'GET', path: `${SECRETS}/:secret`, right, handle: (context) => describe(named(context)) },
  {
    method: 'DELETE',
    path: `${SECRETS}/:secret`,
    right,
    handle: (context) => {
      change(workerOf(context), { [named(context).name]: null });
      return null;
    },
  },
  { method: 'PATCH', path: `${SECRETS}-bulk`, right, params: 'SecretBulkUpdateParams', handle: bulk },
];
