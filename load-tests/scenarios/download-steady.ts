/**
 * Question: do phones that spread evenly over the hour get their heads and new hours, however many they are?
 *
 * Every phone polls the head once an hour and fetches what is new (docs/architecture.md §6; the reference phone spreads by
 * phone/timing/schedule.ts, which makes arrival constant). Since an hour is sealed each hour, a poll normally finds a new head and
 * one new chunk; a phone that comes again within the hour gets 304 and nothing else.
 *
 * EXECUTOR=closed runs a fixed number of phones as fast as they can instead: what a server can at most, for the comparison.
 */
import { anyEdge, arrival, COMMON, DURATION, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';
import { fetchChunk, pollHead, session } from './lib/phone.ts';

export { handleSummary } from './lib/summary.ts';

/** Polls of a phone that has the newest head already: it was asked for twice in the hour. */
const AGAIN_SHARE = 0.5;
const CLOSED = __ENV['EXECUTOR'] === 'closed';
const CLOSED_PHONES = 24;

export const options = {
  ...COMMON,
  scenarios: {
    phones: CLOSED
      ? { executor: 'constant-vus', vus: CLOSED_PHONES, duration: `${DURATION}s`, exec: 'phone' }
      : arrival(SESSIONS_PER_SECOND, 'phone'),
  },
  thresholds: thresholds(
    { checks: ['rate==1'], sessions_ok: ['rate==1'], http_req_failed: [TARGETS.download.httpFailures] },
    {
      session_duration: [
        `p(95)<${TARGETS.download.sessionMillisecondsP95}`,
        `p(99)<${TARGETS.download.sessionMillisecondsP99}`,
      ],
    },
  ),
};

/** The head that phones of this run have, fetched by one of them. */
export function setup(): { readonly etag: string } {
  const polled = pollHead(anyEdge(), null);
  if (polled === null) throw new Error('there is no head to be polled: is the edge running and an hour sealed?');
  return { etag: polled.etag };
}

export function phone({ etag }: { readonly etag: string }): void {
  const edge = anyEdge();
  session(() => {
    if (Math.random() < AGAIN_SHARE) {
      // 304, or a new head when one was published since.
      pollHead(edge, etag);
      return true;
    }
    const polled = pollHead(edge, null);
    const newest = polled?.head.hours.at(-1);
    return polled !== null && (newest === undefined || fetchChunk(edge, newest));
  });
}
