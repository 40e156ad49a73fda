/**
 * Question: what if nobody spreads, and all phones of the hour come in one minute, to caches that are cold?
 *
 * 30 million phones × RATE_FACTOR come within 60 s: sixty times the rate of download-steady at the same factor. The caches
 * start empty (load-tests/driver/cli.ts begins each scenario with new ones), so the first second is a herd at every object.
 */
import { anyEdge, arrival, SESSIONS_PER_SECOND, TARGETS, options as loadOptions } from './lib/settings.ts';
import { fetchNewest } from './lib/phone.ts';
import { session } from './lib/session.ts';

export { handleSummary } from './lib/summary.ts';

/** The hour's phones in one minute. */
const CROWD = 60;

export const options = loadOptions({
  scenarios: { phones: arrival(SESSIONS_PER_SECOND * CROWD, 'phone') },
  correctness: { http_req_failed: [TARGETS.download.httpFailures] },
  times: { session_duration: [`p(99)<${TARGETS.download.sessionMillisecondsP99}`] },
});

export const phone = session(() => fetchNewest(anyEdge()));
