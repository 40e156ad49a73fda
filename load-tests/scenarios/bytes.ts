/**
 * Question: what does a phone cost in bytes, a day, over real TLS?
 *
 * k6's own counters, below TLS: handshakes with a chain of usual size, requests, answers. One virtual phone for each kind, each
 * session a new connection, as the phone's schedule has it: 24 a day or one. One session in fifty
 * fails at its very end and is made again. The head is the fullest of the day (the one before midnight).
 * A phone on a journey reads its base region and two others at three hosts, a connection each, and the union at the host of its own: each as large as the others.
 * TCP's and IP's own headers are not in it; load-tests/driver/bytes.ts adds them as a line of its own.
 */
import {
  cwa,
  fetchChunk,
  fetchCwaDates,
  fetchCwaHours,
  fetchCwaPackage,
  fetchDays,
  fetchHead,
  pollHead,
} from './lib/phone.ts';
import { session } from './lib/session.ts';
import { anyEdge, edgeAt, HOME, options as loadOptions, REGION } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const HOURS = 24;
/** Days of an hourly and of a daily phone that are run. */
const HOURLY_DAYS = Number(__ENV['HOURLY_DAYS'] ?? 10);
const DAILY_DAYS = 50;
/** One session in so many fails when it is nearly over, the dearest way, and is made again. */
const RETRY_EACH = 50;
/** Day whose hours are read by CWA's tree: the running day of the edge's clock, which need not be real. */
const DAY = __ENV['DAY'] ?? new Date().toISOString().slice(0, 10);

const phone = (exec: string, sessions: number) => ({
  executor: 'per-vu-iterations',
  vus: 1,
  iterations: sessions + Math.floor(sessions / RETRY_EACH),
  maxDuration: '120s',
  exec,
});

/** KINDS=a,b runs these alone. */
const WANTED = (__ENV['KINDS'] ?? '').split(',').filter((kind) => kind !== '');
const ALL = {
  manifestHourly: HOURLY_DAYS * HOURS,
  manifestDaily: DAILY_DAYS,
  cwaHourly: HOURLY_DAYS * HOURS,
  cwaDaily: DAILY_DAYS,
  roamingHourly: HOURLY_DAYS * HOURS,
  roamingDaily: DAILY_DAYS,
  // The parts that the capacity model is made of.
  headAgain: 50,
  headAlone: 50,
  manifestIndex: 50,
  cwaLists: 50,
};
const KINDS = Object.fromEntries(Object.entries(ALL).filter(([kind]) => WANTED.length === 0 || WANTED.includes(kind)));

export const options = loadOptions({
  scenarios: Object.fromEntries(Object.entries(KINDS).map(([name, sessions]) => [name, phone(name, sessions)])),
  // A threshold is what makes k6 tell a scenario's own counters.
  correctness: Object.fromEntries(
    Object.keys(KINDS).flatMap((name) =>
      ['data_received', 'data_sent', 'iterations'].map((metric) => [`${metric}{scenario:${name}}`, ['count>0']]),
    ),
  ),
});

/** Sessions are numbered without those that failed, so that each hour comes once a day. */
const hourOf = (): number => (__ITER - Math.floor(__ITER / (RETRY_EACH + 1))) % HOURS;

/** What a phone reads: a region's objects at a host. */
interface Feed {
  readonly edge: string;
  readonly region: string;
}

async function hourlySession({ edge, region }: Feed): Promise<boolean> {
  const fetched = await fetchHead(edge, region);
  const hours = fetched?.head.hours.filter(({ file }) => file === 1) ?? [];
  const hour = hours[hourOf() % hours.length];
  if (fetched === null || hour === undefined) return false;
  if (hourOf() === 0 && fetchDays(edge, fetched.head, region) === null) return false;
  const files = fetched.head.hours.filter((chunk) => chunk.hour === hour.hour);
  return files.map((chunk) => fetchChunk(edge, chunk, region)).every(Boolean);
}

async function dailySession({ edge, region }: Feed): Promise<boolean> {
  const fetched = await fetchHead(edge, region);
  const days = fetched === null ? null : fetchDays(edge, fetched.head, region);
  const newest = days?.at(-1)?.chunks ?? [];
  return days !== null && newest.map((chunk) => fetchChunk(edge, chunk, region)).every(Boolean);
}

export const manifestHourly = session(() => hourlySession({ edge: anyEdge(), region: REGION }));

export const manifestDaily = session(() => dailySession({ edge: anyEdge(), region: REGION }));

/** Base, two regions of a journey, and the union of the base: three backends stand behind the edges in turn. */
const JOURNEY: readonly Feed[] = [
  { edge: edgeAt(0), region: HOME },
  { edge: edgeAt(1), region: HOME },
  { edge: edgeAt(2), region: HOME },
  { edge: edgeAt(0), region: REGION },
];

async function ofAll(fetchFeed: (feed: Feed) => Promise<boolean>): Promise<boolean> {
  for (const feed of JOURNEY) if (!(await fetchFeed(feed))) return false;
  return true;
}

export const roamingHourly = session(() => ofAll(hourlySession));

export const roamingDaily = session(() => ofAll(dailySession));

/** CWA's hourly phones fetch the day's package once more when the day is over: hours are dropped for it. */
export const cwaHourly = session(() => {
  const edge = anyEdge();
  const hours = fetchCwaHours(edge, DAY) ?? [];
  const hour = hours[hourOf() % hours.length];
  if (hour === undefined) return false;
  if (hourOf() === 0 && !dayPackage(edge)) return false;
  return fetchCwaPackage(edge, cwa.hour(DAY, hour));
});

export const cwaDaily = session(() => dayPackage(anyEdge()));

function dayPackage(edge: string): boolean {
  const dates = fetchCwaDates(edge);
  const newest = dates?.at(-1);
  return dates !== null && (newest === undefined || fetchCwaPackage(edge, cwa.day(newest)));
}

export const headAlone = session(async () => (await fetchHead(anyEdge())) !== null);

let etag: string | null = null;

export const headAgain = session(async () => {
  if (etag !== null) return pollHead(anyEdge(), etag);
  // The first fetches it and is a hair too dear.
  etag = (await fetchHead(anyEdge()))?.etag ?? null;
  return etag !== null;
});

/** Head and pages, no chunk. */
export const manifestIndex = session(async () => {
  const edge = anyEdge();
  const fetched = await fetchHead(edge);
  return fetched !== null && fetchDays(edge, fetched.head) !== null;
});

export const cwaLists = session(() => {
  const edge = anyEdge();
  return fetchCwaDates(edge) !== null && fetchCwaHours(edge, DAY) !== null;
});
