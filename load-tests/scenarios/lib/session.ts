/**
 * @module A session: what k6 calls an iteration. Everything a scenario runs is one, and it is good only when its function says so:
 * one that throws, or that k6 cuts off, is not. A threshold on a Rate or Trend that got no sample is met, and so is one on checks
 * that nobody made; so sessions are counted, and {@link sessionRules} demands of each k6 scenario that some were good and none
 * was not.
 */
import { Counter, Trend } from 'k6/metrics';

/** Sessions that began: as many as `iterations`, which load-tests/driver/run-scenario.ts asserts. */
const begun = new Counter('sessions_begun');
/** Sessions that got everything they asked for. */
const good = new Counter('sessions_good');
/** One more at a beginning, one less at a good end: k6 can't compare two counters. */
const notGood = new Counter('sessions_not_good');
/** Whole session, handshake included. */
const milliseconds = new Trend('session_duration', true);

/**
 * Makes a function that k6 runs as a session.
 *
 * @param body true when it got everything as it must be
 * @param options.timed false for a flood, whose times are nobody's
 * @returns the function to export
 */
export function session<T = unknown>(
  body: (data: T) => boolean | Promise<boolean>,
  { timed = true }: { readonly timed?: boolean } = {},
): (data: T) => Promise<void> {
  return async (data) => {
    const started = Date.now();
    begun.add(1);
    notGood.add(1);
    // k6 shows what is thrown, and goes on; the session stays counted as one that is not good.
    const isGood = await body(data);
    if (timed) milliseconds.add(Date.now() - started);
    if (!isGood) return;
    good.add(1);
    notGood.add(-1);
  };
}

/**
 * @param scenarios names of a run's k6 scenarios
 * @returns thresholds that no run meets in which one of them had no good session, or one that wasn't
 */
export function sessionRules(scenarios: readonly string[]): Record<string, string[]> {
  return Object.fromEntries(
    scenarios.flatMap((name) => [
      [`sessions_good{scenario:${name}}`, ['count>0']],
      [`sessions_not_good{scenario:${name}}`, ['count==0']],
    ]),
  );
}
