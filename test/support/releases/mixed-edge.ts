/**
 * @module A deployment on its way from one release to the next, or back: of each Worker the entry may be of one version and its objects of another, as the platform has them while versions take over
 * (docs/spec/platform.md §1.5), and no two Workers need be of the same. Workers of before run from their kept bundles with their own bindings and variables.
 */
import type { LegacyWorkerOptions } from 'miniflare';
import { ROOT } from '../../../local-edge/workers.ts';
import { bundlesOf, FILES, pathOf } from './archive.ts';

/** A part of a deployment that has one version at a time: `origin` a Worker's entry, `origin/Publisher` its objects of a class. */
export type Part = string;

const NAME = /^exposure-edge-/;
/** Suffix of the Worker that holds what of a Worker isn't of its entry's version. */
const OTHER = '-other';

interface ObjectBinding {
  readonly className: string;
  readonly scriptName?: string;
}

type ObjectBindings = Readonly<Record<string, ObjectBinding>>;

/** @returns a Worker as the release before had it: its code, its bindings and variables; of today its secrets, and what the edge adds */
function former(worker: LegacyWorkerOptions, before: LegacyWorkerOptions, code: string): LegacyWorkerOptions {
  const merged = (name: 'bindings' | 'serviceBindings') => ({
    ...(before[name] as object),
    ...(worker[name] as object),
  });
  return {
    ...worker,
    ...before,
    name: worker.name,
    routes: worker.routes,
    bindings: merged('bindings'),
    serviceBindings: merged('serviceBindings'),
    modules: [{ type: 'ESModule', path: `${ROOT}/.cache/former-${worker.name}.js`, contents: code }],
    modulesRoot: `${ROOT}/.cache`,
  } as LegacyWorkerOptions;
}

/**
 * @param version that is kept
 * @param isFormer whether a part is of that version; else it is today's
 * @returns changes an edge's Workers into the mixture
 */
export async function mixtureOf(
  version: string,
  isFormer: (part: Part) => boolean,
): Promise<(workers: LegacyWorkerOptions[]) => LegacyWorkerOptions[]> {
  const { unstable_getMiniflareWorkerOptions: optionsOf } = await import('wrangler');
  const bundles = bundlesOf(version);
  return (workers) =>
    workers.flatMap((worker) => {
      const environment = (worker.name ?? '').replace(NAME, '');
      const code = bundles[`local-edge/entries/${environment}.ts`];
      if (code === undefined || !NAME.test(worker.name ?? '')) return [worker];
      const before = former(
        worker,
        optionsOf(pathOf(version, FILES.configuration), environment).workerOptions as LegacyWorkerOptions,
        code,
      );
      if (Object.keys(worker.durableObjects ?? {}).length === 0) {
        return [isFormer(environment) ? before : worker];
      }
      const [entry, other] = isFormer(environment) ? [before, worker] : [worker, before];
      const isOther = (className: string): boolean => isFormer(`${environment}/${className}`) !== isFormer(environment);
      const host = { own: worker.name ?? '', other: `${worker.name}${OTHER}` };
      return [
        apart(entry, classesOf(other), (className) => (isOther(className) ? host.other : host.own)),
        {
          ...apart(other, classesOf(entry), (className) => (isOther(className) ? host.other : host.own)),
          name: host.other,
          routes: [],
        },
      ];
    });
}

const classesOf = (worker: LegacyWorkerOptions): ReadonlySet<string> =>
  new Set(Object.values((worker.durableObjects ?? {}) as ObjectBindings).map(({ className }) => className));

/** @returns a Worker that finds each class where it is; one that the other version doesn't know is its own */
function apart(
  worker: LegacyWorkerOptions,
  others: ReadonlySet<string>,
  hostOf: (className: string) => string,
): LegacyWorkerOptions {
  const own = Object.entries((worker.durableObjects ?? {}) as ObjectBindings);
  const bindings = own.map(([binding, { className, ...more }]) => [
    binding,
    { className, ...more, ...(others.has(className) ? { scriptName: hostOf(className) } : {}) },
  ]);
  return { ...worker, durableObjects: Object.fromEntries(bindings) };
}
