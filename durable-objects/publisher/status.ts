/**
 * @module What an operator is told of publishing (docs/deploy.md): how far each region is, and whether anything is due.
 */
import type { OriginStatus } from '../../domain/origin-status.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { PublisherStore } from './store.ts';

/**
 * @param regions published
 * @param now Unix seconds
 * @param failing whether a region's last step failed
 * @param counters of the object
 */
export function originStatus(
  store: PublisherStore,
  regions: readonly string[],
  now: number,
  failing: (region: string) => boolean,
  counters: OriginStatus['counters'],
): OriginStatus {
  const first = store.meta('first_hour');
  const written = regions.map((region) => store.writtenThrough(region) ?? (first ?? 0) - 1);
  const purged = store.hoursIn('PLANNED').length === 0 && store.hoursIn('FROZEN').length === 0;
  return {
    regions: regions.map((region) => {
      const head = store.head(region);
      const [sequence, lastIndexedHour] = [head?.sequence ?? 0, head?.throughHour ?? null];
      return { region, sequence, lastIndexedHour, failing: failing(region) };
    }),
    idle: first !== null && hourEnd(Math.min(...written) + 1) > now && purged,
    counters,
  };
}
