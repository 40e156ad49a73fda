/**
 * @module What of the account runs, for the edge.
 */
import type { UploadedAccount, UploadedWorker } from '../../../local-edge/uploaded/account.ts';
import type { Store, Worker } from './state.ts';

function deployedWorker(name: string, worker: Worker): UploadedWorker | null {
  const [deployment] = worker.deployments;
  if (deployment === undefined) return null;
  const versions = deployment.versions.flatMap(({ version_id: id, percentage }) =>
    worker.versions
      .filter((version) => version.id === id)
      .map((version) => ({
        id,
        number: version.number,
        tag: version.annotations['workers/tag'] ?? '',
        createdOn: version.createdOn,
        percentage,
        mainModule: version.mainModule,
        modules: version.modules,
        compatibilityDate: version.compatibilityDate,
        compatibilityFlags: version.compatibilityFlags,
        bindings: version.bindings,
        exports: version.exports,
      })),
  );
  return { name, versions, classes: worker.classes, crons: worker.schedules.map(({ cron }) => cron) };
}

/**
 * @param store the account
 * @returns its Workers with a deployment, its buckets, and where they answer
 */
export function deployedOf(store: Store): UploadedAccount {
  const { workers, buckets, domains, zones } = store.lasting();
  return {
    workers: Object.entries(workers)
      .map(([name, worker]) => deployedWorker(name, worker))
      .filter((worker) => worker !== null),
    buckets: buckets.map(({ name, jurisdiction }) => ({ name, jurisdiction })),
    hosts: domains.map(({ hostname, service }) => ({ hostname, worker: service })),
    routes: zones.flatMap(({ routes }) => routes.map(({ pattern, script }) => ({ pattern, worker: script ?? null }))),
    bucketHosts: buckets.flatMap((bucket) =>
      bucket.customDomains
        .filter(({ enabled }) => enabled === true)
        .map(({ domain }) => ({
          hostname: String(domain),
          bucket: { name: bucket.name, jurisdiction: bucket.jurisdiction },
        })),
    ),
    bytesOf: (hash) => store.getModule(hash),
  };
}
