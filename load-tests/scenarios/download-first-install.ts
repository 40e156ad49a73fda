/**
 * Question: what does a new phone cost, which fetches all of the last 14 days?
 *
 * One session: the head, its pages, every day's chunks, and the hours of the running day. A hundredth of the phones that
 * poll are new: 300,000 an hour of 30 million, more than any launch day saw.
 */
import { anyEdge, arrival, COMMON, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';
import { fetchChunk, fetchDays, pollHead, session } from './lib/phone.ts';

export { handleSummary } from './lib/summary.ts';

const NEW_SHARE = 0.01;

export const options = {
  ...COMMON,
  scenarios: { phones: arrival(SESSIONS_PER_SECOND * NEW_SHARE, 'phone', 4) },
  thresholds: thresholds({
    checks: ['rate==1'],
    sessions_ok: ['rate==1'],
    http_req_failed: [TARGETS.download.httpFailures],
  }),
};

export function phone(): void {
  const edge = anyEdge();
  session(() => {
    const polled = pollHead(edge, null);
    if (polled === null) return false;
    const days = fetchDays(edge, polled.head);
    if (days === null) return false;
    const chunks = [...days.flatMap((day) => day.chunks), ...polled.head.hours];
    return chunks.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
  });
}
