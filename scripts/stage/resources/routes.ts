/**
 * @module Routes of `config` on the host of keys. A route stands before whatever answers at a host: one of somebody else's on a host of ours would see what phones send, and is refused.
 */
import { gone } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import { everything } from './lists.ts';
import { workerName } from './names.ts';
import { type Resource, type Work, resource } from './resource.ts';
import { ROUTED_WORKERS, configRoutes, hostFields } from './stage-hosts.ts';

type Found = readonly { readonly id: string; readonly pattern: string; readonly script?: string }[];

const read = ({ client, zone }: Context): Promise<Found> =>
  everything('routes', (options) => client.workers.routes.list({ zone_id: zone.id }, options));

function work({ client, stage, zone }: Context, found: Found, wanted = configRoutes(stage)): Work[] {
  const ours = new Set(ROUTED_WORKERS.map((worker) => workerName(stage, worker)));
  const hosts = hostFields(stage).map(([, host]) => host);
  const works: Work[] = [];
  for (const { id, pattern, script } of found) {
    if (wanted.has(pattern)) continue;
    const what = `route ${pattern}`;
    if (script !== undefined && ours.has(script)) {
      works.push({
        difference: { resource: what, action: 'delete', fields: differing({ worker: script }, null) },
        run: () => gone(client.workers.routes.delete(id, { zone_id: zone.id })),
      });
      continue;
    }
    const covered = hosts.filter((host) => covers(pattern, host));
    const fields = differing({ worker: script ?? 'none' }, null);
    if (covered.length === 0) works.push({ difference: { resource: what, action: 'keep', fields: [], foreign: true } });
    else {
      works.push({
        difference: { resource: what, action: 'change', fields, foreign: true },
        refuse: `it isn't this stage's and stands before ${covered.join(', ')}: what is sent there would go to ${script ?? 'no Worker at all'}; take it away first`,
      });
    }
  }
  for (const [pattern, worker] of wanted) {
    const there = found.find((one) => one.pattern === pattern);
    const fields = differing(there === undefined ? null : { worker: there.script ?? null }, { worker });
    const what = `route ${pattern}`;
    const body = { zone_id: zone.id, pattern, script: worker };
    if (there === undefined) {
      works.push({
        difference: { resource: what, action: 'create', fields },
        run: () => client.workers.routes.create(body),
      });
    } else if (fields.length === 0) works.push({ difference: { resource: what, action: 'keep', fields } });
    else {
      works.push({
        difference: { resource: what, action: 'change', fields },
        run: () => client.workers.routes.update(there.id, body),
      });
    }
  }
  return works;
}

/**
 * @param pattern of a route: `*example.org/*`, `https://keys.example.org/v1/*`; a star stands for anything
 * @param host that answers
 * @returns whether a request to the host can match
 */
export function covers(pattern: string, host: string): boolean {
  const [place = ''] = pattern.replace(/^https?:\/\//, '').split('/');
  const form = place
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${form}$`).test(host);
}

/** Routes of `config`. */
export const ROUTES: Resource<Found> = resource({
  name: 'routes',
  phase: 'after-workers',
  rights: ['Zone: Workers Routes Write'],
  afterBreak:
    'phones get 404 for the configuration of paths whose route isn’t there yet, and keep what they have. Apply again: routes that are there are kept',
  read,
  work: (context, found) => work(context, found),
  remove: (context, found) => work(context, found, new Map()).filter(({ difference }) => difference.foreign !== true),
});
