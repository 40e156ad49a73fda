/**
 * @module What a phone does in a session, by the manifest (docs/architecture.md §6) and by CWA's tree (docs/spec/cwa.md §1.4). Each answer
 * is checked: status; a head by its signature (signed.ts); a page by the hash that is its name; a chunk, and an object of the tree, by its
 * ETag, which is R2's: the MD5 of its bytes. What is signed within a chunk is the reference phone's to check (phone/).
 */
import { check } from 'k6';
import crypto from 'k6/crypto';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { CHECK_ETAGS, REGION, REQUEST_TIMEOUT } from './settings.ts';
import { openSigned, parsed, textOf } from './signed.ts';

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
const named = (name: string, more: object = {}) => ({ tags: { name }, timeout: REQUEST_TIMEOUT, ...more });

const headAddress = (edge: string, region: string): string => `${edge}/v1/${region}/manifest.json`;

/**
 * Fetches the head.
 *
 * @param edge base address
 * @param region whose; the run's unless it is given
 * @returns the head and its ETag; null when the answer was wrong (then a check failed)
 */
export async function fetchHead(edge: string, region = REGION): Promise<{ head: Head; etag: string } | null> {
  const headers = { 'Accept-Encoding': 'gzip' };
  const answer = http.get(headAddress(edge, region), named('head', { headers, responseType: 'text' }));
  note(answer);
  if (!check(answer, { 'head is 200': (r) => r.status === 200 })) return null;
  const head = await openSigned<Head>(answer, 'manifest');
  return head === null ? null : { head, etag: answer.headers['Etag'] ?? '' };
}

/**
 * Polls the head as a phone does that has one.
 *
 * @param edge base address
 * @param etag of the head that the phone has
 * @returns true for 304, or for a new head when one was published since
 */
export async function pollHead(edge: string, etag: string): Promise<boolean> {
  const headers = { 'Accept-Encoding': 'gzip', 'If-None-Match': etag };
  const answer = http.get(headAddress(edge, REGION), named('head', { headers, responseType: 'text' }));
  note(answer);
  if (!check(answer, { 'head is 200 or 304': (r) => r.status === 200 || r.status === 304 })) return false;
  return answer.status === 304 || (await openSigned(answer as RefinedResponse<'text'>, 'manifest')) !== null;
}

/** @returns true when the bytes hash to the name (base64url of SHA-256, no padding) */
function hashIs(body: Answer['body'], name: string): boolean {
  return body !== null && crypto.sha256(body, 'base64rawurl') === name;
}

/**
 * Fetches one chunk as our phone does, in its compact form (docs/compact-chunk.md), and holds it to its ETag.
 *
 * @param edge base address
 * @param chunk as listed
 * @param region whose; the run's unless it is given
 * @returns true when it came whole
 */
export function fetchChunk(edge: string, chunk: Chunk, region = REGION): boolean {
  if (chunk.empty === true) return true;
  const url = `${edge}/v1/${region}/chunks/${chunk.sha256}.compact`;
  const answer = http.get(url, named('chunk', { responseType: 'binary' }));
  note(answer);
  return check(answer, {
    'listed chunk is there': (r) => r.status === 200,
    'chunk is what its ETag says': (r) => r.status !== 200 || !CHECK_ETAGS || isOfItsEtag(r),
    'chunk is smaller than its ZIP': (r) => r.status !== 200 || (r.body as ArrayBuffer).byteLength < chunk.size,
  });
}

/**
 * Fetches the head and the newest hour that it lists: what a phone does that comes once an hour.
 *
 * @param edge base address
 * @returns true when both came whole; a head of midnight lists no hour
 */
export async function fetchNewest(edge: string): Promise<boolean> {
  const fetched = await fetchHead(edge);
  const newest = fetched?.head.hours.at(-1);
  return fetched !== null && (newest === undefined || fetchChunk(edge, newest));
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
 * @param region whose; the run's unless it is given
 * @returns their days, ascending; null when one was wrong
 */
export function fetchDays(edge: string, head: Head, region = REGION): Day[] | null {
  const days: Day[] = [];
  for (const page of head.pages) {
    const url = `${edge}/v1/${region}/days/${page.sha256}.json`;
    const answer = http.get(url, named('page', { headers: { 'Accept-Encoding': 'gzip' }, responseType: 'text' }));
    note(answer);
    const good = check(answer, {
      'listed page is there': (r) => r.status === 200,
      'page hashes to its name': (r) => r.status !== 200 || hashIs(r.body, page.sha256),
    });
    if (!good) return null;
    days.push(...(parsed(textOf(answer)) as { readonly days: Day[] }).days);
  }
  return days;
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
 * Apps discard an answer without exactly one ETag. A cache that encodes a body makes its ETag a weak one.
 *
 * @param answer not cut
 * @returns true when it has one, and that is the MD5 of the body
 */
export function isOfItsEtag({ headers, body }: Pick<Answer, 'headers' | 'body'>): boolean {
  const [, md5 = ''] = /^(?:W\/)?"([0-9a-f]{32})"$/.exec(headers['Etag'] ?? '') ?? [];
  return body !== null && crypto.md5(body, 'hex') === md5;
}

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
    'tree object is what its ETag says': isOfItsEtag,
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
  return answer === null ? null : listOf(answer, 'string');
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
  return answer === null ? null : listOf(answer, 'number');
}

function listOf<K extends 'string' | 'number'>(answer: Answer, kind: K) {
  const list = parsed(textOf(answer));
  const good = check(answer, {
    'list is one': () => Array.isArray(list) && list.every((entry) => typeof entry === kind),
  });
  return good ? (list as (K extends 'string' ? string : number)[]) : null;
}
