/**
 * @module 14 days of keys, a day's spread over its hours, sealed hour by hour: what `bench:midnight` and `bench:rollback` begin with.
 */
import { INTERVALS_PER_DAY, RETENTION_DAYS, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import type { LocalEdge } from '../local-edge/local-edge.ts';
import type { OnProgress } from '../scripts/support/command-line/progress.ts';
import { moveClock } from '../scripts/support/operator.ts';
import { DATA_SET_HOUR, dataSet } from './keys.ts';
import { accept } from './seal-edge.ts';

export const FIRST_DAY = Math.floor(DATA_SET_HOUR / 24);
const HOURS = 24;

/** @param day of the fourteen, from 0 @returns its first second, Unix */
export const startOf = (day: number): number => (FIRST_DAY + day) * SECONDS_PER_DAY;

/** @returns the day's keys, as the pinned data set's but of a seed of the day's own, and that many days later */
export function keysOfDay(day: number, count: number): TemporaryExposureKey[] {
  return dataSet(count, `midnight ${day}`).map((key) => ({
    ...key,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber + day * INTERVALS_PER_DAY,
  }));
}

/** Seals the days; the last hour is accepted and not sealed yet. @param count keys a day @param issueIdOf as for `accept` */
export async function fillDays(
  edge: LocalEdge,
  count: number,
  progress: OnProgress,
  issueIdOf?: Parameters<typeof accept>[3],
): Promise<void> {
  for (let day = 0; day < RETENTION_DAYS; day++) {
    const keys = keysOfDay(day, count);
    for (let hour = 0; hour < HOURS; hour++) {
      await moveClock(edge.url, startOf(day) + hour * 3600);
      const [from, to] = [hour, hour + 1].map((n) => Math.floor((n * count) / HOURS));
      await accept(edge, keys.slice(from, to), `day ${day} ${hour}`, issueIdOf);
    }
    progress(`${count} a day`, day + 1, RETENTION_DAYS);
  }
}
