/**
 * @module What the platform can still bring back when everything is destroyed, and until when (docs/spec/platform.md §1.2, §1.3).
 */
import { dateOf, SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';
import { type ObjectRemains, type Proof, RECOVERY_DAYS } from './sunset.ts';

/** @param objects of every Worker, purged @returns lines of the certificate */
export function recoveryOf(objects: readonly ObjectRemains[]): Proof['recovery'] {
  const last = Math.max(0, ...objects.map(({ since }) => since ?? 0));
  // The day on which the last of them can't be restored any more.
  const endsOn = dateOf((last + 1) * SECONDS_PER_HOUR + (RECOVERY_DAYS + 1) * SECONDS_PER_DAY);
  return [
    { what: `point-in-time recovery of Durable Objects, ${RECOVERY_DAYS} days`, endsOn },
    { what: 'bucket locks, where an operator has set any: docs/deploy.md forbids them', endsOn: null },
    { what: 'copies that an operator made of the buckets, and keys that are offline: docs/sunset.md', endsOn: null },
  ];
}
