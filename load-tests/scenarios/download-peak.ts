/**
 * Question: what if nobody spreads, and all phones of the hour come in one minute, to caches that are cold?
 *
 * 30 million phones × RATE_FACTOR come within 60 s: sixty times the rate of download-steady at the same factor. The caches
 * start empty (load-tests/driver/cli.ts begins each scenario with new ones), so the first second is a herd at every object.
 */
import { anyEdge, arrival, COMMON, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';
import { fetchChunk, pollHead, session } from './lib/phone.ts';

export { handleSummary } from './lib/summary.ts';

/** The hour's phones in one minute. */
const CROWD = 60;

export const options = {
  ...COMMON,
  scenarios: { phones: arrival(SESSIONS_PER_SECOND * CROWD, 'phone') },
  thresholds: thresholds(
    { checks: ['rate==1'], sessions_ok: ['rate==1'], http_req_failed: [TARGETS.download.httpFailures] },
    { session_duration: [`p(99)<${TARGETS.download.sessionMillisecondsP99}`] },
  ),
};

export function phone(): void {
  const edge = anyEdge();
  session(() => {
    const polled = pollHead(edge, null);
    const newest = polled?.head.hours.at(-1);
    return polled !== null && (newest === undefined || fetchChunk(edge, newest));
  });
}
