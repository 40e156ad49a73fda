/**
 * @module Which versions get traffic, and which deployments the platform refuses.
 */
import { Refusal } from './refusal.ts';
import { type Deployment, newUuid, timestamp, type Version, type Worker } from './state.ts';
import { isSecret } from './upload.ts';

interface Wanted {
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const secretsOf = (version: Version): Map<string, string> =>
  new Map(version.bindings.filter(isSecret).map((binding) => [binding.name, JSON.stringify(binding)]));

/** Names of secrets in which an older version differs from the one that runs. */
function changedSecrets(older: Version, running: Version): string[] {
  const then = secretsOf(older);
  const now = secretsOf(running);
  return [...new Set([...then.keys(), ...now.keys()])].filter((name) => then.get(name) !== now.get(name)).toSorted();
}

function versionsOf(worker: Worker, { versions }: Wanted): Version[] {
  if (versions.length === 0 || versions.length > 2) {
    throw new Refusal(400, 10_021, 'a deployment has one version or two');
  }
  const sum = versions.reduce((total, { percentage }) => total + percentage, 0);
  if (sum !== 100 || versions.some(({ percentage }) => percentage < 0)) {
    throw new Refusal(400, 10_021, `percentages must total 100, and total ${sum}`);
  }
  if (new Set(versions.map(({ version_id }) => version_id)).size < versions.length) {
    throw new Refusal(400, 10_021, 'a version is named twice');
  }
  return versions.map(({ version_id }) => {
    const found = worker.versions.find(({ id }) => id === version_id);
    if (found === undefined) throw new Refusal(404, 100_146, `version ${version_id} does not exist`);
    return found;
  });
}

/**
 * @param worker changed in place
 * @param wanted versions and percentages
 * @param force although secrets have changed since
 * @returns the deployment, now the newest
 * @throws Refusal past a migration, or 10220 past a changed secret without `force` (wrangler: CANNOT_ROLLBACK_WITH_MODIFIED_SECERT_CODE)
 */
export function deploy(worker: Worker, wanted: Wanted, force: boolean): Deployment {
  const versions = versionsOf(worker, wanted);
  for (const version of versions) {
    if (version.migrationTag !== worker.migrationTag) {
      throw new Refusal(
        400,
        10_021,
        `version ${version.id} was uploaded before migration '${worker.migrationTag ?? ''}' and cannot be deployed any more`,
      );
    }
  }
  const running = (worker.deployments[0]?.versions ?? [])
    .flatMap(({ version_id }) => worker.versions.filter(({ id }) => id === version_id))
    .toSorted((a, b) => b.number - a.number)[0];
  const changed = [
    ...new Set(
      versions.flatMap((version) =>
        running !== undefined && version.number < running.number ? changedSecrets(version, running) : [],
      ),
    ),
  ];
  // A version that already has traffic may keep it beside the new one.
  const back = versions.length === 1;
  if (back && changed.length > 0 && !force) {
    throw new Refusal(
      400,
      10_220,
      `Cannot roll back to a version whose secrets differ. The following secrets have changed: ${changed.join(', ')}`,
    );
  }
  const deployment: Deployment = {
    id: newUuid(),
    createdOn: timestamp(),
    source: 'wrangler',
    annotations: { ...wanted.annotations, 'workers/triggered_by': 'deployment' },
    versions: wanted.versions.map(({ version_id, percentage }) => ({ version_id, percentage })),
  };
  worker.deployments.unshift(deployment);
  worker.modifiedOn = timestamp();
  return deployment;
}

/**
 * @param worker any
 * @returns its newest version and whether all traffic goes to it
 */
export function latestIsDeployed(worker: Worker): boolean {
  const [first] = worker.deployments[0]?.versions ?? [];
  return first !== undefined && first.percentage === 100 && first.version_id === worker.versions[0]?.id;
}
