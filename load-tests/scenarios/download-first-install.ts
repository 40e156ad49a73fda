/**
 * Question: what does a new phone cost, which fetches all of the last 14 days?
 *
 * One session: the head, its pages, every day's chunks, and the hours of the running day. A hundredth of the phones that
 * poll are new: 300,000 an hour of 30 million, more than any launch day saw.
 */
import { anyEdge, arrival, SESSIONS_PER_SECOND, TARGETS, options as loadOptions } from './lib/settings.ts';
import { fetchChunk, fetchDays, fetchHead } from './lib/phone.ts';
import { session } from './lib/session.ts';

export { handleSummary } from './lib/summary.ts';

const NEW_SHARE = 0.01;

export const options = loadOptions({
  scenarios: { phones: arrival(SESSIONS_PER_SECOND * NEW_SHARE, 'phone', 4) },
  correctness: { http_req_failed: [TARGETS.download.httpFailures] },
});

export const phone = session(async () => {
  const edge = anyEdge();
  const fetched = await fetchHead(edge);
  if (fetched === null) return false;
  const days = fetchDays(edge, fetched.head);
  if (days === null) return false;
  const chunks = [...days.flatMap((day) => day.chunks), ...fetched.head.hours];
  return chunks.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
});
