/**
 * @module When a peer is asked next (docs/spec/europe.md §2.4 R9): when it recommends, and up to a minute later, so that a cluster's consumers don't come in one second; after a failure later and later.
 */
import { below, type RandomBytes } from '../random.ts';

/** Drawn anew for each poll. */
export const MOST_JITTER_SECONDS = 60;
/** A peer that recommends nothing is asked so often: its hours come once an hour. */
const POLL_SECONDS = 600;
/** Nor sooner than this, whatever it recommends; nor later, so that a mistyped year costs half a day. */
const SOONEST_SECONDS = 60;
const LATEST_SECONDS = 12 * 3600;
const FIRST_WAIT_SECONDS = 60;
const LONGEST_WAIT_SECONDS = 3600;

/**
 * @param now Unix seconds
 * @param after what came of the poll: how many have failed in a row, 0 for one that didn't; and what the peer recommends
 * @returns Unix seconds, after `now`
 */
export function nextPoll(
  now: number,
  after: { readonly failures: number; readonly recommendedNextPollTime: number | null },
  random: RandomBytes,
): number {
  const jitter = below(random, MOST_JITTER_SECONDS + 1);
  if (after.failures > 0) return now + waitAfter(after.failures) + jitter;
  const wanted = after.recommendedNextPollTime ?? now + POLL_SECONDS;
  return Math.floor(Math.min(Math.max(wanted, now + SOONEST_SECONDS), now + LATEST_SECONDS)) + jitter;
}

/** @param failures in a row, at least one @returns seconds */
export function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** Math.min(failures - 1, 10));
}
