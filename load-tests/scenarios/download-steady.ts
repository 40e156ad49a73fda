/**
 * Question: do phones that spread evenly over the hour get their heads and new hours, however many they are?
 *
 * Every phone polls the head once an hour and fetches what is new (docs/architecture.md §6; the reference phone spreads by
 * phone/timing/schedule.ts, which makes arrival constant). Since an hour is sealed each hour, a poll normally finds a new head and
 * one new chunk; a phone that comes again within the hour gets 304 and nothing else.
 *
 * EXECUTOR=closed runs a fixed number of phones as fast as they can instead: what a server can at most, for the comparison.
 */
import { anyEdge, arrival, DURATION, SESSIONS_PER_SECOND, TARGETS, options as loadOptions } from './lib/settings.ts';
import { fetchHead, fetchNewest, pollHead } from './lib/phone.ts';
import { session } from './lib/session.ts';

export { handleSummary } from './lib/summary.ts';

/** Polls of a phone that has the newest head already: it was asked for twice in the hour. */
const AGAIN_SHARE = 0.5;
const CLOSED = __ENV['EXECUTOR'] === 'closed';
const CLOSED_PHONES = 24;

export const options = loadOptions({
  scenarios: {
    phones: CLOSED
      ? { executor: 'constant-vus', vus: CLOSED_PHONES, duration: `${DURATION}s`, exec: 'phone' }
      : arrival(SESSIONS_PER_SECOND, 'phone'),
  },
  correctness: { http_req_failed: [TARGETS.download.httpFailures] },
  times: {
    session_duration: [
      `p(95)<${TARGETS.download.sessionMillisecondsP95}`,
      `p(99)<${TARGETS.download.sessionMillisecondsP99}`,
    ],
  },
});

/** The head that phones of this run have, fetched by one of them. */
export async function setup(): Promise<{ readonly etag: string }> {
  const fetched = await fetchHead(anyEdge());
  if (fetched === null) throw new Error('there is no head to be polled: is the edge running and an hour sealed?');
  return { etag: fetched.etag };
}

export const phone = session<{ readonly etag: string }>(({ etag }) =>
  Math.random() < AGAIN_SHARE ? pollHead(anyEdge(), etag) : fetchNewest(anyEdge()),
);
