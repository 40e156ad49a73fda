/**
 * @module When a phone asks for its parameters again: at the seed's time (next interval + random spread), later after
 * each failure, and only inside the windows that the parameters themselves allow.
 */
import type { Polling } from '../../protocol/parameters/operations.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import { retryDelay } from '../timing/retry.ts';
import { intoWindow, secondsToNextInterval } from '../timing/schedule.ts';

/** What the schedule goes by before the first document arrives: the hour of the architecture (CWA solution architecture). */
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
  return intoWindow(now + wait, polling.windows, random);
}
