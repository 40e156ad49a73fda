/**
 * @module Workers: upload in one go, what isn't of a version, and deletion.
 */
import { deploy } from '../deployments.ts';
import { paged, Refusal, workerNamed } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import { type Account, timestamp, type Worker } from '../state.ts';
import { readable, takeUpload } from '../upload.ts';

const right = RIGHTS.workers;
const SCRIPT = '/accounts/:account_id/workers/scripts/:script';

/** How running Durable Objects get new code; wrangler 4.156 sends it, and npm cloudflare 7.3.0 has no type for it. */
export const CODE_UPDATE: readonly string[] = ['code_update_strategy'];

/**
 * @param context with `script` in the path
 * @returns the Worker
 * @throws Refusal 10007
 */
export const workerOf = ({ account, params }: Context): Worker => workerNamed(account.workers, params['script'] ?? '');

const etagOf = (worker: Worker): string => (worker.versions[0]?.id ?? worker.tag).replaceAll('-', '');

const describe = (name: string, worker: Worker): object => ({
  id: name,
  tag: worker.tag,
  tags: worker.settings['tags'],
  etag: etagOf(worker),
  handlers: ['fetch'],
  created_on: worker.createdOn,
  modified_on: worker.modifiedOn,
  last_deployed_from: 'wrangler',
  usage_model: 'standard',
  has_assets: false,
  has_modules: true,
  logpush: worker.settings['logpush'],
  compatibility_date: worker.versions[0]?.compatibilityDate,
  ...(worker.migrationTag === null ? {} : { migration_tag: worker.migrationTag }),
});

async function upload({ store, params, body, files, query }: Context): Promise<object> {
  const name = params['script'] ?? '';
  const strict = query['bindings_inherit'] === 'strict';
  const { worker, version } = await takeUpload({ store, name, metadata: body, files, versionOnly: false, strict });
  deploy(worker, { versions: [{ version_id: version.id, percentage: 100 }] }, true);
  return {
    ...describe(name, worker),
    deployment_id: version.id.replaceAll('-', ''),
    startup_time_ms: 1,
    entry_point: version.mainModule,
  };
}

function settings(context: Context): object {
  const worker = workerOf(context);
  const [version] = worker.versions;
  return {
    bindings: readable(version?.bindings ?? []),
    compatibility_date: version?.compatibilityDate,
    compatibility_flags: version?.compatibilityFlags,
    usage_model: 'standard',
    ...version?.other,
    ...worker.settings,
    ...(worker.migrationTag === null ? {} : { migrations: { new_tag: worker.migrationTag } }),
  };
}

function changeSettings(context: Context): object {
  const worker = workerOf(context);
  Object.assign(worker.settings, context.body);
  worker.modifiedOn = timestamp();
  return worker.settings;
}

function changeSchedules(context: Context): object {
  const worker = workerOf(context);
  const wanted = context.body as { readonly cron: string }[];
  const unlike = wanted.find(({ cron }) => cron.trim().split(/\s+/).length !== 5);
  if (unlike !== undefined) throw new Refusal(400, 10_021, `invalid cron string: ${unlike.cron}`);
  const now = timestamp();
  worker.schedules = wanted.map(({ cron }) => ({
    cron,
    created_on: worker.schedules.find((schedule) => schedule.cron === cron)?.created_on ?? now,
    modified_on: now,
  }));
  return { schedules: worker.schedules };
}

/** Workers that are bound to this one, by the versions that are newest. */
function incoming(
  account: Account,
  name: string,
): { readonly service: string; readonly kind: string; readonly what: string }[] {
  return Object.entries(account.workers).flatMap(([service, worker]) =>
    service === name
      ? []
      : (worker.versions[0]?.bindings ?? []).flatMap((binding) => {
          if (binding.type === 'service' && binding['service'] === name) {
            return [{ service, kind: 'service', what: binding.name }];
          }
          return binding.type === 'durable_object_namespace' && binding['script_name'] === name
            ? [{ service, kind: 'object', what: String(binding['class_name']) }]
            : [];
        }),
  );
}

function references({ account, params }: Context): object {
  const name = params['script'] ?? '';
  workerNamed(account.workers, name);
  const found = incoming(account, name);
  return {
    services: {
      incoming: found
        .filter(({ kind }) => kind === 'service')
        .map(({ service, what }) => ({ service, environment: 'production', name: what })),
      outgoing: [],
      pages_function: false,
    },
    durable_objects: found
      .filter(({ kind }) => kind === 'object')
      .map(({ service, what }) => ({ service, environment: 'production', durable_object_namespace_name: what })),
    dispatch_outbounds: [],
  };
}

function remove({ account, params, query }: Context): object {
  const name = params['script'] ?? '';
  workerNamed(account.workers, name);
  const users = incoming(account, name);
  if (query['force'] !== 'true' && users.length > 0) {
    const who = users.map(({ service }) => service).join(', ');
    throw new Refusal(400, 10_064, `This script is referenced by: ${who}. Use force to delete it.`);
  }
  delete account.workers[name];
  account.domains = account.domains.filter(({ service }) => service !== name);
  for (const zone of account.zones) zone.routes = zone.routes.filter(({ script }) => script !== name);
  return { id: name };
}

const service = ({ account, params }: Context): object => {
  const name = params['script'] ?? '';
  const worker = workerNamed(account.workers, name);
  return {
    id: name,
    default_environment: { environment: 'production', script: describe(name, worker) },
    created_on: worker.createdOn,
    modified_on: worker.modifiedOn,
    usage_model: 'standard',
    environments: [{ environment: 'production', created_on: worker.createdOn, modified_on: worker.modifiedOn }],
  };
};

/** Workers as such. */
export const SCRIPT_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/accounts/:account_id/workers/scripts',
    right,
    params: 'ScriptListParams',
    handle: ({ account, query }) =>
      paged(
        Object.entries(account.workers).map(([name, worker]) => describe(name, worker)),
        query,
      ),
  },
  {
    method: 'PUT',
    path: SCRIPT,
    right,
    params: { query: ['excludeScript', 'bindings_inherit'], types: 'ScriptUpdateParams', beyond: CODE_UPDATE },
    form: 'metadata',
    handle: upload,
  },
  { method: 'DELETE', path: SCRIPT, right, params: 'ScriptDeleteParams', handle: remove },
  { method: 'GET', path: `${SCRIPT}/settings`, right, handle: settings },
  { method: 'GET', path: `${SCRIPT}/script-settings`, right, handle: (context) => workerOf(context).settings },
  { method: 'PATCH', path: `${SCRIPT}/script-settings`, right, params: 'SettingEditParams', handle: changeSettings },
  {
    method: 'GET',
    path: `${SCRIPT}/schedules`,
    right,
    handle: (context) => ({ schedules: workerOf(context).schedules }),
  },
  { method: 'PUT', path: `${SCRIPT}/schedules`, right, params: 'ScheduleUpdateParams', handle: changeSchedules },
  { method: 'GET', path: `${SCRIPT}/subdomain`, right, handle: (context) => workerOf(context).subdomain },
  {
    method: 'POST',
    path: `${SCRIPT}/subdomain`,
    right,
    params: 'SubdomainCreateParams',
    handle: (context) => Object.assign(workerOf(context).subdomain, context.body),
  },
  { method: 'GET', path: `${SCRIPT}/references`, right, handle: references },
  // Tail consumers: a stage has none.
  { method: 'GET', path: '/accounts/:account_id/workers/tails/by-consumer/:script', right, handle: () => [] },
  // wrangler looks for a deleted Worker's sites (`deleteSiteNamespaceIfExisting`); a stage has no KV.
  {
    method: 'GET',
    path: '/accounts/:account_id/storage/kv/namespaces',
    right,
    params: { query: ['page', 'per_page', 'order', 'direction'] },
    handle: ({ query }) => paged([], query),
  },
  { method: 'GET', path: '/accounts/:account_id/workers/services/:script', right, handle: service },
  {
    method: 'DELETE',
    path: '/accounts/:account_id/workers/services/:script',
    right,
    params: 'ScriptDeleteParams',
    handle: remove,
  },
  {
    method: 'GET',
    path: '/accounts/:account_id/workers/workers/:script',
    right,
    handle: (context) => {
      const worker = workerOf(context);
      return {
        id: worker.tag,
        name: context.params['script'],
        subdomain: worker.subdomain,
        tags: worker.settings['tags'],
      };
    },
  },
  {
    method: 'GET',
    path: '/accounts/:account_id/workers/subdomain',
    right,
    handle: ({ account }) => ({ subdomain: account.subdomain }),
  },
  {
    method: 'GET',
    path: '/accounts/:account_id/workers/durable_objects/namespaces',
    right,
    params: { query: ['page', 'per_page'] },
    handle: ({ account, query }) =>
      paged(
        Object.entries(account.workers).flatMap(([script, worker]) =>
          Object.entries(worker.classes).map(([className, { namespaceId, sqlite }]) => ({
            id: namespaceId,
            name: `${script}_${className}`,
            script,
            class: className,
            use_sqlite: sqlite,
          })),
        ),
        query,
      ),
  },
];
