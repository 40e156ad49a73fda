/**
 * Question: what does a phone cost in bytes, a day, over real TLS?
 *
 * k6's own counters, below TLS: handshakes with a chain of usual size, requests, answers. One virtual phone for each kind, each
 * session a new connection, as the phone's schedule has it: 24 a day or one. One session in fifty
 * fails at its very end and is made again. The head is the fullest of the day (the one before midnight).
 * TCP's and IP's own headers are not in it; load-tests/driver/bytes.ts adds them as a line of its own.
 */
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
import { anyEdge, COMMON, thresholds } from './lib/settings.ts';

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
  // The parts that the capacity model is made of.
  headAgain: 50,
  headAlone: 50,
  manifestIndex: 50,
  cwaLists: 50,
};
const KINDS = Object.fromEntries(Object.entries(ALL).filter(([kind]) => WANTED.length === 0 || WANTED.includes(kind)));

export const options = {
  ...COMMON,
  scenarios: Object.fromEntries(Object.entries(KINDS).map(([name, sessions]) => [name, phone(name, sessions)])),
  thresholds: {
    ...thresholds({ checks: ['rate==1'] }),
    // A threshold is what makes k6 tell a scenario's own counters.
    ...Object.fromEntries(
      Object.keys(KINDS).flatMap((name) =>
        ['data_received', 'data_sent', 'iterations'].map((metric) => [`${metric}{scenario:${name}}`, ['count>0']]),
      ),
    ),
  },
};

/** Sessions are numbered without those that failed, so that each hour comes once a day. */
const hourOf = (): number => (__ITER - Math.floor(__ITER / (RETRY_EACH + 1))) % HOURS;

export function manifestHourly(): void {
  session(() => {
    const edge = anyEdge();
    const polled = pollHead(edge, null);
    const hours = polled?.head.hours.filter(({ file }) => file === 1) ?? [];
    const hour = hours[hourOf() % hours.length];
    if (polled === null || hour === undefined) return false;
    if (hourOf() === 0 && fetchDays(edge, polled.head) === null) return false;
    const files = polled.head.hours.filter((chunk) => chunk.hour === hour.hour);
    return files.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
  });
}

export function manifestDaily(): void {
  session(() => {
    const edge = anyEdge();
    const polled = pollHead(edge, null);
    const days = polled === null ? null : fetchDays(edge, polled.head);
    const newest = days?.at(-1)?.chunks ?? [];
    return days !== null && newest.map((chunk) => fetchChunk(edge, chunk)).every(Boolean);
  });
}

/** CWA's hourly phones fetch the day's package once more when the day is over: hours are dropped for it. */
export function cwaHourly(): void {
  session(() => {
    const edge = anyEdge();
    const hours = fetchCwaHours(edge, DAY) ?? [];
    const hour = hours[hourOf() % hours.length];
    if (hour === undefined) return false;
    if (hourOf() === 0 && !dayPackage(edge)) return false;
    return fetchCwaPackage(edge, cwa.hour(DAY, hour));
  });
}

export function cwaDaily(): void {
  session(() => dayPackage(anyEdge()));
}

function dayPackage(edge: string): boolean {
  const newest = fetchCwaDates(edge)?.at(-1);
  return newest === undefined || fetchCwaPackage(edge, cwa.day(newest));
}

export function headAlone(): void {
  session(() => pollHead(anyEdge(), null) !== null);
}

let etag: string | null = null;

export function headAgain(): void {
  session(() => {
    // The first fetches it and is a hair too dear.
    etag = pollHead(anyEdge(), etag)?.etag ?? etag;
    return true;
  });
}

/** Head and pages, no chunk. */
export function manifestIndex(): void {
  session(() => {
    const edge = anyEdge();
    const polled = pollHead(edge, null);
    return polled !== null && fetchDays(edge, polled.head) !== null;
  });
}

export function cwaLists(): void {
  session(() => {
    const edge = anyEdge();
    return fetchCwaDates(edge) !== null && fetchCwaHours(edge, DAY) !== null;
  });
}
