/**
 * Question: what do phones cost in the morning that were off overnight?
 *
 * Off since the evening: they have the days before yesterday, and need yesterday's chunk (which holds the evening's hours)
 * and every hour of the running day. Phones by CWA's tree do the same by its lists. A fifth of all phones do so within an
 * hour of the morning, half of them each way.
 */
import { anyEdge, arrival, COMMON, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';
import {
  cwa,
  fetchChunk,
  fetchCwaDates,
  fetchCwaHours,
  fetchCwaPackage,
  fetchDays,
  pollHead,
  session,
} from './lib/phone.ts';

export { handleSummary } from './lib/summary.ts';

const OFF_SHARE = 0.2;

export const options = {
  ...COMMON,
  scenarios: {
    manifest: arrival((SESSIONS_PER_SECOND * OFF_SHARE) / 2, 'manifestPhone', 2),
    cwa: arrival((SESSIONS_PER_SECOND * OFF_SHARE) / 2, 'cwaPhone', 2),
  },
  thresholds: thresholds({
    checks: ['rate==1'],
    sessions_ok: ['rate==1'],
    http_req_failed: [TARGETS.download.httpFailures],
  }),
};

export function manifestPhone(): void {
  const edge = anyEdge();
  session(() => {
    const polled = pollHead(edge, null);
    if (polled === null) return false;
    const days = fetchDays(edge, polled.head);
    const chunks = [...(days?.at(-1)?.chunks ?? []), ...polled.head.hours];
    return days !== null && chunks.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
  });
}

export function cwaPhone(): void {
  const edge = anyEdge();
  session(() => {
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
}
