/**
 * @module The zone's managed transforms: visitors' addresses are taken out of the headers that Workers are sent. The Workers don't read them anyway; what isn't there can't be logged by
 * mistake. A switch of the whole zone: a destroy leaves it on, others may have come to rely on it.
 */
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import { type Resource, type Work, resource } from './resource.ts';

interface Transform {
  readonly id: string;
  readonly enabled: boolean;
  readonly conflicts_with?: readonly string[];
}

type Found = readonly Transform[];

const OURS = 'remove_visitor_ip_headers';
/** Of the two the platform lets one be on (developers.cloudflare.com/rules/transform/managed-transforms/reference). */
const OPPOSITE = 'add_true_client_ip_headers';
/** What others of the platform's say about who asks. */
const TELLS: Readonly<Record<string, string>> = {
  add_true_client_ip_headers: 'the address of who asks',
  add_visitor_location_headers: 'where who asks is',
  add_bot_protection_headers: 'a score of who asks',
};

async function read({ client, zone }: Context): Promise<Found> {
  const { managed_request_headers: headers } = await client.managedTransforms.list({ zone_id: zone.id });
  return headers;
}

function work({ client, zone }: Context, found: Found): Work[] {
  const there = found.find(({ id }) => id === OURS);
  const fields = differing({ enabled: there?.enabled ?? false }, { enabled: true });
  const what = `transform ${OURS}`;
  const excluded = new Set([OPPOSITE, ...(there?.conflicts_with ?? [])]);
  const conflicts = found.filter(({ id, enabled }) => enabled && excluded.has(id));
  const telling = found
    .filter(({ id, enabled }) => enabled && TELLS[id] !== undefined && !conflicts.some((one) => one.id === id))
    .map(({ id }): Work => {
      const label = `transform ${id}, of the zone: Workers are sent ${TELLS[id]}, and don't read it`;
      return { difference: { resource: label, action: 'keep', fields: [], foreign: true } };
    });
  if (fields.length === 0) return [{ difference: { resource: what, action: 'keep', fields } }, ...telling];
  if (conflicts.length > 0) {
    const names = conflicts.map(({ id }) => id).join(', ');
    return [
      {
        difference: { resource: what, action: 'change', fields, foreign: true },
        refuse: `it can't be together with ${names}, which somebody switched on; switch that off first`,
      },
      ...telling,
    ];
  }
  return [
    {
      difference: { resource: what, action: 'change', fields },
      run: () =>
        client.managedTransforms.edit({ zone_id: zone.id, managed_request_headers: [{ id: OURS, enabled: true }] }),
    },
    ...telling,
  ];
}

/** Visitors' addresses are taken out of headers. */
export const TRANSFORMS: Resource<Found> = resource({
  name: 'transforms',
  phase: 'before-workers',
  rights: ['Zone: Managed Headers Write'],
  afterBreak: 'Workers are sent addresses in headers, which they don’t read. Apply again',
  read,
  work,
  remove: () => [
    { difference: { resource: 'transform remove_visitor_ip_headers, of the whole zone', action: 'keep', fields: [] } },
  ],
});
