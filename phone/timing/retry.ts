/**
 * @module How long a phone waits after a failure: longer each time, and at random, so that phones which failed
 * together do not come back together (CWA solution architecture: "a random time component for the retry, as well as extending retry
 * intervals").
 */
import { type RandomBytes, randomBelow } from '../random.ts';

export interface RetryPolicy {
  /** Upper end of the first wait, seconds. */
  readonly firstSeconds: number;
  /** Upper end that no wait passes, seconds. */
  readonly maximumSeconds: number;
}

/**
 * 1 minute doubling to 1 hour: seven failures pass in about two hours, and from then on a phone asks about once in
 * 45 minutes, no more often than one whose downloads succeed.
 */
export const DEFAULT_RETRY: RetryPolicy = { firstSeconds: 60, maximumSeconds: 3600 };

/**
 * Each wait is drawn from the upper half of a window that doubles, so waits never shrink until the maximum is reached:
 * the least wait after a failure is the greatest one before it.
 *
 * @param failures how many tries in a row have failed, ≥ 1
 * @param random source of bytes
 * @param policy see {@link RetryPolicy}
 * @returns whole seconds to wait, in [window/2, window) where window = min(maximum, first × 2^(failures−1))
 * @throws {RangeError} when there was no failure
 */
export function retryDelay(failures: number, random: RandomBytes, policy: RetryPolicy = DEFAULT_RETRY): number {
  if (!(Number.isInteger(failures) && failures >= 1)) {
    throw new RangeError(`retryDelay: expected at least 1 failure, got ${failures}`);
  }
  const window = Math.min(policy.maximumSeconds, policy.firstSeconds * 2 ** (failures - 1));
  const half = Math.floor(window / 2);
  return half + randomBelow(random, Math.max(1, window - half));
}
