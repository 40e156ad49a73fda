/**
 * @module Test results as laboratories post them and apps read them (docs/spec/cwa.md §3.1, §3.5). Codes, ids and the rules
 * for a batch; pure.
 */
import { SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';

/** Result codes of a PCR test; a rapid test adds 5, PoC-NAT adds 10 (given to the app less 10). */
const TEST_RESULT = { PENDING: 0, NEGATIVE: 1, POSITIVE: 2, INVALID: 3, REDEEMED: 4 } as const;

/**
 * The three kinds of laboratory route, each with the codes it may post (docs/spec/cwa.md §3.5). A partner's QR code holds a hash
 * already, over name and date of birth too: the phone registers its SHA-256, the partner posts it as it stands, and a date of birth of
 * its own doesn't exist there.
 */
const RESULT_KINDS = {
  lab: { min: 1, max: 3, given: 0, isHashOfQrCode: false },
  quicktest: { min: 5, max: 9, given: 0, isHashOfQrCode: true },
  pocnat: { min: 10, max: 14, given: 10, isHashOfQrCode: true },
} as const;
export type ResultKind = keyof typeof RESULT_KINDS;

/** Rows of one request: a laboratory's morning run fits, a flood does not. */
export const MAX_RESULTS_PER_REQUEST = 5_000;
/** A result is answered as redeemed 21 days after it was first posted and forgotten after 60 (docs/spec/cwa.md §3.5). */
const RESULT_REDEEMED_AFTER_SECONDS = 21 * 86_400;
export const RESULT_FORGOTTEN_AFTER_SECONDS = 60 * 86_400;
/**
 * A test that is over, forgotten by time or by its person, is known to be so for a year more: what a laboratory posts of it again is
 * no result. Longer than any archive is replayed; shorter than for ever, since it says that there was such a test (decision 032).
 */
export const OVER_KNOWN_SECONDS = 365 * 86_400;
/** A sample may be dated ahead by a laboratory's wrong clock, at most this much. */
const SAMPLE_TIME_SKEW_SECONDS = 3_600;

/** SHA-256 of the QR code's GUID in hex; with a date of birth the first character is `x` (docs/spec/cwa.md §3.1). */
const HASHED_GUID = /^[xX0-9A-Fa-f][0-9A-Fa-f]{63}$/;

/**
 * @param text a test id as it came
 * @returns the id in lower case, or null when it is not 64 hex digits (the first may be x)
 */
function parseHashedGuid(text: unknown): string | null {
  return typeof text === 'string' && HASHED_GUID.test(text) ? text.toLowerCase() : null;
}

/** As above, the id of a test: 64 hex digits, no x. */
const TEST_KEY = /^[0-9A-Fa-f]{64}$/;
/** With a date of birth: x in place of the first digit, so that no test's id can pass for one. */
const BIRTH_DATE_KEY = /^[xX][0-9A-Fa-f]{63}$/;

/** @param text `key` of a registration @returns it in lower case, or null when it is not 64 hex digits */
export function parseTestKey(text: unknown): string | null {
  return typeof text === 'string' && TEST_KEY.test(text) ? text.toLowerCase() : null;
}

/** @param text `keyDob` of a registration @returns it in lower case, or null when it is not x and 63 hex digits */
export function parseBirthDateKey(text: unknown): string | null {
  return typeof text === 'string' && BIRTH_DATE_KEY.test(text) ? text.toLowerCase() : null;
}

/** Digits of a {@link birthDateName} that are of the SHA-256: 104 bits. */
const NAME_DIGITS = 26;
const BIRTH_DATE_NAME = new RegExp(`^x[0-9a-f]{${1 + NAME_DIGITS}}$`);

/**
 * What the hash over GUID and date of birth is kept as, where results and sessions are: a row that anybody may leave is to be small
 * (decision 029). A hash of the whole and no part of it, because a phone chooses all 63 digits: two that begin alike are two. The
 * digit after the x stays, since it says in which shard the result is. Among 10⁸ posted dates of birth two meet with a chance of
 * 10⁻¹⁷; to find another one that has a given one's name takes 2¹⁰⁴ tries.
 *
 * @param id x and 63 hex digits in lower case; any other id, or a name, is its own name
 * @returns x and 27 hex digits: 14 bytes
 */
export function birthDateName(id: string): string {
  if (!BIRTH_DATE_KEY.test(id)) return id;
  return `${id.slice(0, 2)}${toHex(sha256(utf8(id))).slice(0, NAME_DIGITS)}`;
}

/** @param text what `verification` asks by @returns an id as results are kept, or null when it is neither a hash nor a name */
export function parseResultName(text: unknown): string | null {
  if (typeof text === 'string' && BIRTH_DATE_NAME.test(text)) return text;
  const id = parseHashedGuid(text);
  return id === null ? null : birthDateName(id);
}

export interface PostedResult {
  /** What the phone registers, lower case: the id as it was posted, or on the partners' routes its SHA-256. */
  readonly id: string;
  /** Code as stored: 1..3, 5..9 or 10..14. */
  readonly result: number;
  /** When the sample was collected, Unix seconds; null: the laboratory didn't say. */
  readonly sampleCollected: number | null;
}

/** A result as it is kept. */
export interface KeptResult {
  readonly result: number;
  /** Unix seconds; of a row that came without, when it came. */
  readonly sampleCollected: number;
  /** False while no row said when the sample was collected: nothing can be older than a time that nobody knows. */
  readonly isSampleTimeSaid: boolean;
  /** Unix seconds at which the test was posted first: its age counts from then on, whatever is posted later. */
  readonly postedAt: number;
  /** UTC day since the Unix epoch on which its laboratory first called it positive since it last was not; null while it is not. */
  readonly positiveDay: number | null;
}

export type PostedResultError = {
  readonly field: string;
  readonly rule: string;
};

/**
 * Reads one request of a laboratory: `{testResults: [{id, result, sc?}]}`.
 *
 * @param body parsed JSON
 * @param kind which route it came by
 * @param now Unix seconds
 * @returns the rows in order, or the first field that breaks a rule; nothing of a refused request is stored
 */
export function parsePostedResults(
  body: unknown,
  kind: ResultKind,
  now: number,
): { ok: true; value: PostedResult[] } | { ok: false; error: PostedResultError } {
  const refuse = (field: string, rule: string) => ({ ok: false as const, error: { field, rule } });
  const rows = isObject(body) ? body['testResults'] : undefined;
  if (!Array.isArray(rows)) return refuse('testResults', 'must be an array');
  if (rows.length < 1 || rows.length > MAX_RESULTS_PER_REQUEST) {
    return refuse('testResults', `must have 1..${MAX_RESULTS_PER_REQUEST} rows, has ${rows.length}`);
  }
  const { min, max, isHashOfQrCode } = RESULT_KINDS[kind];
  const seen = new Set<string>();
  const value: PostedResult[] = [];
  for (const [i, row] of rows.entries()) {
    const at = `testResults[${i}]`;
    if (!isObject(row)) return refuse(at, 'must be an object');
    const id = isHashOfQrCode ? parseTestKey(row['id']) : parseHashedGuid(row['id']);
    if (id === null) return refuse(`${at}.id`, `must be 64 hex digits${isHashOfQrCode ? '' : ' (the first may be x)'}`);
    if (seen.has(id)) return refuse(`${at}.id`, 'stands twice in this request');
    seen.add(id);
    const result = row['result'];
    if (typeof result !== 'number' || !Number.isInteger(result) || result < min || result > max) {
      return refuse(`${at}.result`, `must be an integer ${min}..${max} on this route`);
    }
    const sc = row['sc'] ?? null;
    const isTime = typeof sc === 'number' && Number.isInteger(sc) && sc > 0 && sc <= now + SAMPLE_TIME_SKEW_SECONDS;
    if (sc !== null && !isTime) return refuse(`${at}.sc`, 'must be Unix seconds, not in the future');
    value.push({ id: isHashOfQrCode ? hashOfQrHash(id) : id, result, sampleCollected: isTime ? sc : null });
  }
  return { ok: true, value };
}

/** @param hash of a partner's QR code, 64 hex digits in lower case @returns what the phone that scanned it registers */
export function hashOfQrHash(hash: string): string {
  return toHex(sha256(utf8(hash)));
}

/**
 * A test that was forgotten more than a year ago is known to nobody; its sample's time tells it all the same, where it is said.
 *
 * @param now Unix seconds
 * @returns whether a result of this sample would be forgotten by now, had it been posted when the sample was collected
 */
export function isOver({ sampleCollected }: PostedResult, now: number): boolean {
  return sampleCollected !== null && now - sampleCollected >= RESULT_FORGOTTEN_AFTER_SECONDS;
}

/**
 * What a row that comes again makes of the one that is kept. An equal row changes nothing, its age least of all; a redeemed one stays
 * redeemed; one with an older sample undoes nothing; of two about one sample the later is the correction. A row without a time of its
 * sample is as new as its coming, but one that says pending without it is a late copy; and where the kept one has none, nothing is older.
 *
 * @param now Unix seconds
 * @returns what to keep, or null: nothing changes
 */
export function resultAfter(kept: KeptResult, posted: PostedResult, now: number): KeptResult | null {
  const next = nextAfter(kept, posted, now);
  return next === null ? null : { ...next, positiveDay: positiveDayOf(next.result, now, kept.positiveDay) };
}

/**
 * Who vouches for an upload does so on the day on which a test becomes positive, whatever was posted of it before (workers/verification/issues.ts).
 *
 * @param stored code as stored
 * @param now Unix seconds
 * @param before day on which it became positive, if it was so already
 */
export function positiveDayOf(stored: number, now: number, before: number | null = null): number | null {
  return isPositive(givenToApp(stored)) ? (before ?? Math.floor(now / SECONDS_PER_DAY)) : null;
}

function nextAfter(kept: KeptResult, posted: PostedResult, now: number): KeptResult | null {
  if (isRedeemed(resultForApp(kept.result, now - kept.postedAt))) return null;
  const { result, sampleCollected } = posted;
  const isSaid = sampleCollected !== null;
  const isNewer = isSaid && kept.isSampleTimeSaid && sampleCollected > kept.sampleCollected;
  const next = { ...kept, result, sampleCollected: sampleCollected ?? Math.max(now, kept.sampleCollected) };
  if (result === kept.result) {
    return isNewer || (isSaid && !kept.isSampleTimeSaid) ? { ...next, isSampleTimeSaid: true } : null;
  }
  if (isPending(result)) return isNewer ? next : null;
  if (isSaid && kept.isSampleTimeSaid && sampleCollected < kept.sampleCollected) return null;
  return { ...next, isSampleTimeSaid: kept.isSampleTimeSaid || isSaid };
}

/**
 * @param stored code as stored
 * @param ageSeconds time since the result was first posted
 * @returns the code an app is given: PoC-NAT less 10, and redeemed (4 or 9) when it is older than 21 days
 */
export function resultForApp(stored: number, ageSeconds: number): number {
  const given = givenToApp(stored);
  if (ageSeconds < RESULT_REDEEMED_AFTER_SECONDS) return given;
  return given >= RESULT_KINDS.quicktest.min ? 9 : TEST_RESULT.REDEEMED;
}

/** @returns true for a result that gives a right to upload: POSITIVE (2) or rapid-test POSITIVE (7) */
export function isPositive(givenResult: number): boolean {
  return givenResult === TEST_RESULT.POSITIVE || givenResult === TEST_RESULT.POSITIVE + RESULT_KINDS.quicktest.min;
}

/** @returns true for a result that says the test was not positive; one that was and is redeemed is none */
export function speaksAgainst(givenResult: number): boolean {
  return !isPositive(givenResult) && !isRedeemed(givenResult);
}

function givenToApp(stored: number): number {
  return stored >= RESULT_KINDS.pocnat.min ? stored - RESULT_KINDS.pocnat.given : stored;
}

function isPending(stored: number): boolean {
  const given = givenToApp(stored);
  return given === TEST_RESULT.PENDING || given === TEST_RESULT.PENDING + RESULT_KINDS.quicktest.min;
}

function isRedeemed(givenResult: number): boolean {
  return givenResult === TEST_RESULT.REDEEMED || givenResult === TEST_RESULT.REDEEMED + RESULT_KINDS.quicktest.min;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
