/**
 * Question: does any reader see a torn publication while an hour is sealed and published?
 *
 * Phones read heads, chunks and CWA's tree all the time; a third of the run in, load-tests/driver/cli.ts has the origin seal the
 * next hour. No reader may see a 404 for a listed chunk, a head whose newest hour is not the one it was issued for, or
 * a head older than one seen before at the same edge. Some readers ask the Workers without a cache (DIRECT_URL): they see
 * the new head at once, those behind caches when the head's TTL of 60 s is over.
 */
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { cwa, fetchChunk, fetchCwaHours, fetchCwaPackage, fetchDays, type Head, fetchHead } from './lib/phone.ts';
import { session } from './lib/session.ts';
import { anyEdge, arrival, SESSIONS_PER_SECOND, TARGETS, options as loadOptions } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const DIRECT = __ENV['DIRECT_URL'] ?? '';
/** Sessions without a cache: enough to see the instant of publication, too few to hide it behind their own load. */
const DIRECT_PER_SECOND = 20;
/** Heads that were newer than the one at the start: nothing was shown if there is none. */
const newHeads = new Counter('new_heads_seen');

export const options = loadOptions({
  scenarios: {
    cached: arrival(SESSIONS_PER_SECOND, 'cachedPhone'),
    direct: arrival(DIRECT_PER_SECOND, 'directPhone'),
    tree: arrival(SESSIONS_PER_SECOND / 4, 'cwaPhone'),
  },
  correctness: { http_req_failed: [TARGETS.download.httpFailures], new_heads_seen: ['count>0'] },
});

/** Sequence of the head that was there first. */
interface Start {
  readonly sequence: number;
}

export async function setup(): Promise<Start> {
  const fetched = await fetchHead(DIRECT);
  if (fetched === null) throw new Error('seal-under-load: no head');
  return { sequence: fetched.head.sequence };
}

/** Highest sequence that this VU saw, by where it asked. */
const seen: Record<string, number> = {};

/** The newest hour that a head has: of the running day, or, just after midnight, none (its hours moved to a page). */
function newestMatches(head: Head): boolean {
  const newest = head.hours.at(-1)?.hour;
  return newest === undefined ? head.issuedAt % 86_400 === 0 : (newest + 1) * 3_600 === head.issuedAt;
}

async function read(where: string, sequence: number): Promise<boolean> {
  const fetched = await fetchHead(where);
  if (fetched === null) return false;
  const { head } = fetched;
  if (head.sequence > sequence) newHeads.add(1);
  const consistent = check(head, {
    'newest hour is the one the head was issued for': newestMatches,
    'no head goes back': ({ sequence: now }) => now >= (seen[where] ?? 0),
  });
  seen[where] = Math.max(seen[where] ?? 0, head.sequence);
  const newest = head.hours.at(-1);
  const any = head.hours[Math.floor(Math.random() * head.hours.length)];
  const chunks = [newest, any].filter((chunk) => chunk !== undefined);
  return consistent && chunks.map((chunk) => fetchChunk(where, chunk)).every(Boolean);
}

export const cachedPhone = session<Start>(({ sequence }) => read(anyEdge(), sequence));

export const directPhone = session<Start>(async ({ sequence }) => {
  const good = await read(DIRECT, sequence);
  // The page that the head lists, now and then: it changes at midnight alone.
  if (__ITER % 10 !== 0) return good;
  const fetched = await fetchHead(DIRECT);
  return good && fetched !== null && fetchDays(DIRECT, fetched.head) !== null;
});

export const cwaPhone = session(() => {
  const edge = anyEdge();
  const today = new Date().toISOString().slice(0, 10);
  const hours = fetchCwaHours(edge, today);
  if (hours === null) return false;
  const newest = hours.at(-1);
  return newest === undefined || fetchCwaPackage(edge, cwa.hour(today, newest));
});
