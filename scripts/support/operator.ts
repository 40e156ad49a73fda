/**
 * @module Operator commands over HTTP (docs/architecture.md §7), as scripts and tests use them, and the driver of the local clock.
 */
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { OriginStatus } from '../../domain/origin-status.ts';

/** Most TANs one command issues (workers/portal). */
const TANS_PER_COMMAND = 1_000;
/** Most verification codes of one command. */
const CODES_PER_COMMAND = 1_000;
/** Each takes about a second of idempotent steps. Past this something turns in circles. */
const MAX_CALLS = 10_000;

/**
 * How a script shows Cloudflare Access, which stands before a deployed portal, that it may pass: a service token, in the
 * variables that wrangler reads too. A local edge has no Access and looks at neither.
 */
function accessHeaders(): Record<string, string> {
  const { CLOUDFLARE_ACCESS_CLIENT_ID: id, CLOUDFLARE_ACCESS_CLIENT_SECRET: secret } = process.env;
  return id === undefined || secret === undefined
    ? {}
    : { 'cf-access-client-id': id, 'cf-access-client-secret': secret };
}

/**
 * @param name at a local edge, whose portal believes it: the name to act under, as the second person; null: `local-operator`
 * @param roles that the name has there
 * @returns headers for {@link command}; a deployed portal looks at none of them
 */
export function asPerson(name: string | null, roles: readonly string[]): Readonly<Record<string, string>> {
  if (name === null) return {};
  const identity = { name, roles, provider: name, at: 0 };
  return { cookie: `local-identity=${encodeURIComponent(JSON.stringify(identity))}` };
}

/**
 * One command.
 *
 * @param url of the edge
 * @param method GET or POST; PUT for the clock
 * @param path e.g. `/operator/tans`
 * @param body sent as JSON
 * @param answers statuses that are answers beside 2xx
 * @param more headers beside Access's
 * @returns the parsed answer
 * @throws Error with status and text when the answer is none, Access wants a sign-in, or the edge isn't reached
 */
export async function command(
  url: string,
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
  answers: readonly number[] = [],
  more: Readonly<Record<string, string>> = {},
) {
  const target = new URL(path, url);
  const sent = method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) };
  const headers = { ...accessHeaders(), ...more, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) };
  let response: Response;
  try {
    // Access answers a stranger with a redirect to its sign-in page; the token must not follow it there.
    response = await fetch(target, { method, headers, redirect: 'manual', ...sent });
  } catch (error) {
    const reason = (error as { cause?: { message?: string } }).cause?.message ?? (error as Error).message;
    throw new Error(`${method} ${target}: not reached (${reason})`, { cause: error });
  }
  if (response.status >= 300 && response.status < 400) {
    throw new Error(
      `${method} ${target}: Access wants a sign-in; set CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET`,
    );
  }
  const text = await response.text();
  if (!response.ok && !answers.includes(response.status)) {
    throw new Error(`${method} ${target}: ${response.status} ${text}`);
  }
  return JSON.parse(text) as unknown;
}

/**
 * @param url of the edge
 * @param count at least 1
 * @param onBatch hears how many there are, after each command of several
 * @returns that many TANs, single use
 */
export async function issueTans(
  url: string,
  count: number,
  onBatch: (done: number) => void = () => undefined,
): Promise<string[]> {
  const tans: string[] = [];
  while (tans.length < count) {
    const batch = Math.min(TANS_PER_COMMAND, count - tans.length);
    const answer = (await command(url, 'POST', '/operator/tans', { count: batch })) as { tans: string[] };
    tans.push(...answer.tans);
    if (count > TANS_PER_COMMAND) onBatch(tans.length);
  }
  return tans;
}

/** A verification code, as `/operator/codes` tells it. */
export interface IssuedCodeAnswer {
  readonly uuid: string;
  readonly code: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly longCode: string | null;
  readonly longExpiresAt: number | null;
}

/** What codes are for; dates are YYYY-MM-DD. Without any date the test was today. */
export interface CodesWanted {
  readonly testType: string;
  readonly symptomDate: string | null;
  readonly testDate: string | null;
  readonly long: boolean;
}

/**
 * @param url of the edge
 * @param count at least 1
 * @param wanted see {@link CodesWanted}
 * @param onBatch is handed the codes of each command at once: they count, whatever becomes of the next one
 * @returns all of them
 * @throws Error when fewer are given: the quota of the day is used up
 */
export async function issueCodes(
  url: string,
  count: number,
  wanted: CodesWanted,
  onBatch: (batch: readonly IssuedCodeAnswer[]) => void = () => undefined,
): Promise<IssuedCodeAnswer[]> {
  const codes: IssuedCodeAnswer[] = [];
  while (codes.length < count) {
    const batch = Math.min(CODES_PER_COMMAND, count - codes.length);
    const answer = (await command(url, 'POST', '/operator/codes', { count: batch, ...wanted })) as {
      codes: IssuedCodeAnswer[];
      missing: number;
    };
    codes.push(...answer.codes);
    onBatch(answer.codes);
    if (answer.missing > 0)
      throw new Error(`${codes.length} of ${count} codes were issued: the quota of the day is used up`);
  }
  return codes;
}

/** Sets how many codes an issuer may have a day. @param url of a local edge, whose portal believes that a health authority asks @param perDay 0..100,000 */
export async function setCodeQuota(url: string, issuer: string, perDay: number): Promise<void> {
  const authority = asPerson('local-health-authority', ['health-authority']);
  await command(url, 'POST', '/operator/codes/quota', { issuer, perDay }, [], authority);
}

/** A key for apps (`device`), systems that issue codes (`admin`) or statistics (`stats`). @param url of the edge @returns its text, which is told once, and its id */
export async function makeApiKey(
  url: string,
  kind: 'device' | 'admin' | 'stats',
  name: string,
): Promise<{ readonly id: string; readonly key: string }> {
  return (await command(url, 'POST', '/operator/api-keys', { kind, name })) as { id: string; key: string };
}

/** @param url of a local edge @returns a teleTAN of its simulated hotline @throws Error when none is given now */
export async function callHotline(url: string): Promise<string> {
  return ((await command(url, 'POST', '/local/teletan')) as { teleTan: string }).teleTan;
}

/** @param url of the edge @returns how far publishing has got */
export async function status(url: string): Promise<OriginStatus> {
  return (await command(url, 'GET', '/operator/status')) as OriginStatus;
}

/**
 * Calls `advance` until nothing is due, as alarm and cron do in their own time.
 *
 * @param url of the edge
 * @param peers whether peers are asked too whose poll is due
 * @throws Error when it doesn't come to rest
 */
export async function advanceUntilIdle(url: string, peers = false): Promise<void> {
  for (let calls = 0; calls < MAX_CALLS; calls += 1) {
    const { idle } = (await command(url, 'POST', '/operator/advance', { peers })) as { idle: boolean };
    if (idle) return;
  }
  throw new Error(`the origin is not idle after ${MAX_CALLS} calls`);
}

/** @param url of the local edge @param now Unix seconds, or null for real time */
export async function setClock(url: string, now: number | null): Promise<void> {
  await command(url, 'PUT', '/local/clock', { now });
}

/** @param url of the local edge @returns its Unix seconds */
export async function readClock(url: string): Promise<number> {
  return ((await command(url, 'GET', '/local/clock')) as { now: number }).now;
}

/** Moves the local clock and lets the origin do what has fallen due. @param url of the local edge @param now Unix seconds @param peers see {@link advanceUntilIdle} */
export async function moveClock(url: string, now: number, peers = false): Promise<void> {
  await setClock(url, now);
  await advanceUntilIdle(url, peers);
}

/** @param url of the edge @returns the clock of each object that publishes or deletes */
export async function readClocks(url: string): Promise<ClockStatus[]> {
  return ((await command(url, 'GET', '/operator/clock')) as { clocks: ClockStatus[] }).clocks;
}

/** Says what time it is, so that objects whose clock isn't believed go on. @param now Unix seconds @returns all clocks */
export async function confirmClocks(url: string, now: number): Promise<ClockStatus[]> {
  return ((await command(url, 'POST', '/operator/clock', { now })) as { clocks: ClockStatus[] }).clocks;
}

/** A clock that jumped: the objects' own says `now`, their second source of time `second`. @param url of the local edge */
export async function jumpClock(url: string, now: number, second: number): Promise<void> {
  await command(url, 'PUT', '/local/clock', { now, second });
}
