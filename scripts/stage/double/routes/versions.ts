/**
 * @module Versions and deployments.
 */
import { deploy } from '../deployments.ts';
import { Refusal, Reply, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Deployment, Version, Worker } from '../state.ts';
import { readable, takeUpload } from '../upload.ts';
import { CODE_UPDATE, workerOf } from './scripts.ts';

const right = RIGHTS.workers;
const SCRIPT = '/accounts/:account_id/workers/scripts/:script';
const EMAIL = 'operator@example.org';

const brief = (version: Version): object => ({
  id: version.id,
  number: version.number,
  metadata: {
    created_on: version.createdOn,
    modified_on: version.createdOn,
    source: version.source,
    author_id: '',
    author_email: EMAIL,
    has_preview: false,
  },
  annotations: version.annotations,
});

const whole = (version: Version): object => ({
  ...brief(version),
  startup_time_ms: 1,
  resources: {
    bindings: readable(version.bindings),
    script: {
      etag: version.id.replaceAll('-', ''),
      handlers: ['fetch'],
      last_deployed_from: version.source,
      named_handlers: version.exports.filter((name) => name !== 'default').map((name) => ({ name, handlers: [] })),
    },
    script_runtime: {
      compatibility_date: version.compatibilityDate,
      compatibility_flags: version.compatibilityFlags,
      usage_model: 'standard',
      ...(version.migrationTag === null ? {} : { migration_tag: version.migrationTag }),
      ...(version.other['limits'] === undefined ? {} : { limits: version.other['limits'] }),
    },
  },
});

const describeDeployment = (deployment: Deployment): object => ({
  id: deployment.id,
  created_on: deployment.createdOn,
  source: deployment.source,
  author_email: EMAIL,
  strategy: 'percentage',
  annotations: deployment.annotations,
  versions: deployment.versions,
});

async function uploadVersion(context: Context): Promise<object> {
  // The platform makes no Worker for a version.
  workerOf(context);
  const { store, params, body, files, query } = context;
  const { version } = await takeUpload({
    store,
    name: params['script'] ?? '',
    metadata: body,
    files,
    versionOnly: true,
    strict: query['bindings_inherit'] === 'strict',
  });
  return whole(version);
}

const versionOf = (worker: Worker, id: string | undefined): Version =>
  required(
    worker.versions.find((version) => version.id === id),
    new Refusal(404, 100_146, 'The version does not exist.'),
  );

function listVersions(context: Context): Reply {
  const { versions } = workerOf(context);
  const page = Number(context.query['page'] ?? 1);
  const perPage = Number(context.query['per_page'] ?? 100);
  const items = versions.slice((page - 1) * perPage, page * perPage).map(brief);
  return new Reply(
    { items },
    { result_info: { page, per_page: perPage, count: items.length, total_count: versions.length } },
  );
}

function makeDeployment(context: Context): object {
  const worker = workerOf(context);
  const wanted = context.body as Parameters<typeof deploy>[1];
  return describeDeployment(deploy(worker, wanted, context.query['force'] === 'true'));
}

/** Versions and deployments. */
export const VERSION_ROUTES: readonly Route[] = [
  { method: 'GET', path: `${SCRIPT}/versions`, right, params: 'VersionListParams', handle: listVersions },
  {
    method: 'POST',
    path: `${SCRIPT}/versions`,
    right,
    // wrangler sends limits and placement with a version too; in the library only ScriptUpdateParams knows them.
    params: { query: ['bindings_inherit'], types: 'ScriptUpdateParams', beyond: CODE_UPDATE },
    form: 'metadata',
    handle: uploadVersion,
  },
  {
    method: 'GET',
    path: `${SCRIPT}/versions/:version`,
    right,
    handle: (context) => whole(versionOf(workerOf(context), context.params['version'])),
  },
  {
    method: 'GET',
    path: `${SCRIPT}/deployments`,
    right,
    params: 'DeploymentListParams',
    handle: (context) => ({ deployments: workerOf(context).deployments.map(describeDeployment) }),
  },
  {
    method: 'POST',
    path: `${SCRIPT}/deployments`,
    right,
    params: { query: ['force'], types: 'DeploymentCreateParams', beyond: CODE_UPDATE },
    handle: makeDeployment,
  },
  {
    method: 'GET',
    path: `${SCRIPT}/deployments/:deployment`,
    right,
    handle: (context) =>
      describeDeployment(
        required(
          workerOf(context).deployments.find(({ id }) => id === context.params['deployment']),
          new Refusal(404, 10_021, 'The deployment does not exist.'),
        ),
      ),
  },
];
