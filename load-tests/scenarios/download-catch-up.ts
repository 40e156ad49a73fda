/**
 * Question: what do phones cost in the morning that were off overnight?
 *
 * Off since the evening: they have the days before yesterday, and need yesterday's chunk (which holds the evening's hours)
 * and every hour of the running day. Phones by CWA's tree do the same by its lists. A fifth of all phones do so within an
 * hour of the morning, half of them each way.
 */
import { anyEdge, arrival, SESSIONS_PER_SECOND, TARGETS, options as loadOptions } from './lib/settings.ts';
import { cwa, fetchChunk, fetchCwaDates, fetchCwaHours, fetchCwaPackage, fetchDays, fetchHead } from './lib/phone.ts';
import { session } from './lib/session.ts';

export { handleSummary } from './lib/summary.ts';

const OFF_SHARE = 0.2;

export const options = loadOptions({
  scenarios: {
    manifest: arrival((SESSIONS_PER_SECOND * OFF_SHARE) / 2, 'manifestPhone', 2),
    cwa: arrival((SESSIONS_PER_SECOND * OFF_SHARE) / 2, 'cwaPhone', 2),
  },
  correctness: { http_req_failed: [TARGETS.download.httpFailures] },
});

export const manifestPhone = session(async () => {
  const edge = anyEdge();
  const fetched = await fetchHead(edge);
  if (fetched === null) return false;
  const days = fetchDays(edge, fetched.head);
  const chunks = [...(days?.at(-1)?.chunks ?? []), ...fetched.head.hours];
  return days !== null && chunks.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
});

export const cwaPhone = session(() => {
  const edge = anyEdge();
  const dates = fetchCwaDates(edge);
  if (dates === null) return false;
  const yesterday = dates.at(-1);
  if (yesterday !== undefined && !fetchCwaPackage(edge, cwa.day(yesterday))) return false;
  const today = new Date().toISOString().slice(0, 10);
  const hours = fetchCwaHours(edge, today);
  if (hours === null) return false;
  const packages = hours.map((hour) => cwa.hour(today, hour));
  return packages.every((path) => fetchCwaPackage(edge, path));
});
