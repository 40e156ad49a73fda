/**
 * @module What a phone does in a session, by the manifest (docs/architecture.md §6) and by CWA's tree (docs/spec/cwa.md §1.4). Each answer
 * is checked: status, and for whatever is named by its hash the hash. Signatures are the reference phone's to check
 * (phone/), since k6 measures bytes and times.
 */
import { check } from 'k6';
import crypto from 'k6/crypto';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { REGION } from './settings.ts';

/** Sessions that got everything they asked for. */
const sessionsOk = new Rate('sessions_ok');
/** Whole session, handshake included. */
const sessionMilliseconds = new Trend('session_duration', true);
/** Answers by what the edge says of its cache: nginx's X-Cache-Status, or Cloudflare's CF-Cache-Status. */
const fromCache = new Counter('answers_from_cache');
const notFromCache = new Counter('answers_not_from_cache');
/** Seconds an answer had been in a cache (Cloudflare's Age), where the edge says so. */
const age = new Trend('answer_age_seconds');

/** A chunk as the manifest lists it (protocol/index/manifest.ts). */
export interface Chunk {
  readonly hour?: number;
  readonly file: number;
  readonly sha256: string;
  readonly size: number;
  readonly empty?: true;
}

/** The part of a head that a phone goes by. */
export interface Head {
  readonly sequence: number;
  readonly issuedAt: number;
  readonly validUntil: number;
  readonly hours: readonly Chunk[];
  readonly pages: readonly { readonly sha256: string }[];
}

type Answer = RefinedResponse<'text' | 'binary' | 'none'>;

const CACHE_STATUS = /^(HIT|STALE|UPDATING|REVALIDATED)$/;

function note(answer: Answer): void {
  const status = answer.headers['X-Cache-Status'] ?? answer.headers['Cf-Cache-Status'];
  if (status !== undefined) (CACHE_STATUS.test(status) ? fromCache : notFromCache).add(1);
  const seconds = answer.headers['Age'];
  if (seconds !== undefined) age.add(Number(seconds));
}

/** Name of a request in k6's metrics: the kind, not the address, or each chunk would be a series of its own. */
const named = (name: string, more: object = {}) => ({ tags: { name }, timeout: '20s', ...more });

/**
 * Polls the head.
 *
 * @param edge base address
 * @param etag of the head that the phone has, or null
 * @returns the head and its ETag; null when it has not changed, or when the answer was wrong (then a check failed)
 */
export function pollHead(edge: string, etag: string | null): { head: Head; etag: string } | null {
  const headers = etag === null ? { 'Accept-Encoding': 'gzip' } : { 'Accept-Encoding': 'gzip', 'If-None-Match': etag };
  const answer = http.get(`${edge}/v1/${REGION}/manifest.json`, named('head', { headers, responseType: 'text' }));
  note(answer);
  const good = check(answer, { 'head is 200 or 304': (r) => r.status === 200 || (r.status === 304 && etag !== null) });
  if (!good || answer.status === 304) return null;
  const document = JSON.parse(textOf(answer)) as { readonly payload: string };
  return { head: JSON.parse(document.payload) as Head, etag: answer.headers['Etag'] ?? '' };
}

/** @returns the body of an answer that was asked for as text; empty when it has none */
export function textOf({ body }: Pick<Answer, 'body'>): string {
  return typeof body === 'string' ? body : '';
}

/** @returns true when the bytes hash to the name (base64url of SHA-256, no padding) */
function hashIs(body: Answer['body'], name: string): boolean {
  return body !== null && crypto.sha256(body, 'base64rawurl') === name;
}

/**
 * Fetches one chunk and holds it to its name.
 *
 * @param edge base address
 * @param chunk as listed
 * @returns true when it came whole
 */
export function fetchChunk(edge: string, chunk: Chunk): boolean {
  if (chunk.empty === true) return true;
  const url = `${edge}/v1/${REGION}/chunks/${chunk.sha256}.zip`;
  const answer = http.get(url, named('chunk', { responseType: 'binary' }));
  note(answer);
  return check(answer, {
    'listed chunk is there': (r) => r.status === 200,
    'chunk hashes to its name': (r) => r.status !== 200 || hashIs(r.body as ArrayBuffer, chunk.sha256),
  });
}

/** One complete day of a page. */
interface Day {
  readonly date: string;
  readonly chunks: readonly Chunk[];
}

/**
 * Fetches the pages that a head lists.
 *
 * @param edge base address
 * @param head as polled
 * @returns their days, ascending; null when one was wrong
 */
export function fetchDays(edge: string, head: Head): Day[] | null {
  const days: Day[] = [];
  for (const page of head.pages) {
    const url = `${edge}/v1/${REGION}/days/${page.sha256}.json`;
    const answer = http.get(url, named('page', { headers: { 'Accept-Encoding': 'gzip' }, responseType: 'text' }));
    note(answer);
    const good = check(answer, {
      'listed page is there': (r) => r.status === 200,
      'page hashes to its name': (r) => r.status !== 200 || hashIs(r.body, page.sha256),
    });
    if (!good) return null;
    days.push(...(JSON.parse(textOf(answer)) as { readonly days: Day[] }).days);
  }
  return days;
}

/**
 * Runs one session and counts it.
 *
 * @param body true when the phone got everything
 */
export function session(body: () => boolean): void {
  const started = Date.now();
  const good = body();
  sessionMilliseconds.add(Date.now() - started);
  sessionsOk.add(good);
}

const TREE = '/version/v1/diagnosis-keys/country';

/** The parts of CWA's tree (docs/spec/cwa.md §1.4), as paths behind the edge's address. */
export const cwa = {
  dates: () => `${TREE}/${REGION}/date`,
  day: (date: string) => `${TREE}/${REGION}/date/${date}`,
  hours: (date: string) => `${TREE}/${REGION}/date/${date}/hour`,
  hour: (date: string, hour: number) => `${TREE}/${REGION}/date/${date}/hour/${hour}`,
};

/**
 * Fetches one object of CWA's tree; its apps discard an answer without exactly one ETag.
 *
 * @param edge base address
 * @param path of {@link cwa}
 * @param kind for k6's metrics: `list` or `package`
 * @returns the answer; null when it was wrong
 */
function fetchCwa(edge: string, path: string, kind: 'list' | 'package'): Answer | null {
  const more =
    kind === 'list' ? { responseType: 'text', headers: { 'Accept-Encoding': 'gzip' } } : { responseType: 'binary' };
  const answer = http.get(`${edge}${path}`, named(`cwa-${kind}`, more));
  note(answer);
  const good = check(answer, {
    'tree object is there': (r) => r.status === 200,
    'tree object has one ETag': (r) => (r.headers['Etag'] ?? '').split('"').length === 3,
  });
  return good ? answer : null;
}

/**
 * Fetches a package of CWA's tree.
 *
 * @param edge base address
 * @param path of {@link cwa}
 * @returns true when it came whole
 */
export function fetchCwaPackage(edge: string, path: string): boolean {
  return fetchCwa(edge, path, 'package') !== null;
}

/**
 * Fetches a list of CWA's tree.
 *
 * @param edge base address
 * @returns the days of the region (YYYY-MM-DD), ascending; null when the answer was wrong
 */
export function fetchCwaDates(edge: string): string[] | null {
  const answer = fetchCwa(edge, cwa.dates(), 'list');
  return answer === null ? null : (JSON.parse(textOf(answer)) as string[]);
}

/**
 * Fetches a list of CWA's tree.
 *
 * @param edge base address
 * @param date YYYY-MM-DD
 * @returns the hours of the day, 0..23, ascending; null when the answer was wrong
 */
export function fetchCwaHours(edge: string, date: string): number[] | null {
  const answer = fetchCwa(edge, cwa.hours(date), 'list');
  return answer === null ? null : (JSON.parse(textOf(answer)) as number[]);
}
