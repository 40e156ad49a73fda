/**
 * @module Smart Tiered Cache, where the bucket serves by itself: one upper tier near the bucket asks it, and all others ask that tier. A switch of the whole zone: a destroy leaves it on.
 */
import { orNull } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import { type Resource, type Work, resource } from './resource.ts';

interface Found {
  /** Tiers at all. */
  readonly tiered: string;
  /** Which tier: null, never set. */
  readonly smart: string | null;
}

async function read({ client, zone, stage }: Context): Promise<Found> {
  if (stage.download === 'worker') return { tiered: 'on', smart: 'on' };
  const tiered = await orNull(client.argo.tieredCaching.get({ zone_id: zone.id }));
  const smart = await orNull(client.cache.smartTieredCache.get({ zone_id: zone.id }));
  return { tiered: tiered?.value ?? 'off', smart: smart?.value ?? null };
}

function work({ client, zone, stage }: Context, { tiered, smart }: Found): Work[] {
  if (stage.download === 'worker') return [];
  const on = { zone_id: zone.id, value: 'on' } as const;
  const one = (what: string, from: string | null, run: () => Promise<unknown>): Work => {
    const fields = differing({ value: from ?? 'off' }, { value: 'on' });
    if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
    return { difference: { resource: what, action: 'change', fields }, run };
  };
  return [
    one('tiered cache', tiered, () => client.argo.tieredCaching.edit(on)),
    one('smart tiered cache', smart, () =>
      smart === null ? client.cache.smartTieredCache.create(on) : client.cache.smartTieredCache.edit(on),
    ),
  ];
}

/** Tiers of the CDN before the bucket. */
export const TIERED_CACHE: Resource<Found> = resource({
  name: 'tiered cache',
  phase: 'before-workers',
  rights: ['Zone: Zone Settings Write', 'Zone: Cache Settings Write'],
  afterBreak: 'each location of the CDN asks the bucket by itself: dearer, and nothing else. Apply again',
  read,
  work,
  remove: ({ stage }) =>
    stage.download === 'worker'
      ? []
      : [{ difference: { resource: 'tiered cache, of the whole zone', action: 'keep', fields: [] } }],
});
