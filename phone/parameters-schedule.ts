/**
 * @module When a phone asks for its parameters again: at the seed's time (next interval + random spread), later after each
 * failure, and only inside the windows that the parameters themselves allow.
 */
import type { Polling } from '../protocol/parameters/operations.ts';
import { type RandomBytes, randomBelow } from './random.ts';
import { retryDelay } from './retry.ts';
import { secondsToNextInterval } from './schedule.ts';

const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_DAY = 86_400;

/** What the schedule goes by before the first document arrives: the seed's hour (seeds/001). */
export const DEFAULT_POLLING: Pick<Polling, 'parameters' | 'retry' | 'windows'> = {
  parameters: { intervalSeconds: 3600, spreadSeconds: 3600 },
  retry: { firstSeconds: 60, maximumSeconds: 3600 },
  windows: [{ fromMinute: 0, toMinute: 1440 }],
};

/**
 * @param now Unix seconds
 * @param failures in a row, 0 after a success
 * @param random source of bytes
 * @returns Unix seconds at which to ask next
 */
export function nextParametersCheck(
  polling: Pick<Polling, 'parameters' | 'retry' | 'windows'>,
  now: number,
  failures: number,
  random: RandomBytes,
): number {
  const { intervalSeconds, spreadSeconds } = polling.parameters;
  const wait =
    failures > 0
      ? retryDelay(failures, random, polling.retry)
      : secondsToNextInterval(now, intervalSeconds) + randomBelow(random, spreadSeconds);
  return intoWindow(polling.windows, now + wait, random);
}

/**
 * Moves a time into the next window. A moved time falls anywhere in it, so that phones which were shut out don't all come
 * at its first second.
 * @param time Unix seconds
 */
function intoWindow(windows: Polling['windows'], time: number, random: RandomBytes): number {
  const midnight = Math.floor(time / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const bounds = [0, SECONDS_PER_DAY].flatMap((day) =>
    windows.map(({ fromMinute, toMinute }) => ({
      from: midnight + day + fromMinute * SECONDS_PER_MINUTE,
      to: midnight + day + toMinute * SECONDS_PER_MINUTE,
    })),
  );
  const next = bounds.find(({ to }) => time < to);
  if (next === undefined || time >= next.from) return time;
  return next.from + randomBelow(random, next.to - next.from);
}
