/**
 * @module `POST /v1/stats` of Google's dialect (docs/spec/google.md §3.12): what a health authority asks with, and the answer's JSON, of one size.
 */
import { SECONDS_PER_DAY } from '../gaen/intervals.ts';
import type { Authorities, HealthAuthority } from './authorities.ts';
import { openJwt, isPast, isTime, LEEWAY_SECONDS } from './certificate.ts';

export const STATS_PATH = '/v1/stats';
/** `aud` of the token: a certificate, whose audience is the authority's, opens nothing here, and a token no upload. */
const STATS_AUDIENCE = 'keyserver';
/** Google's verification server gives five minutes. */
const MAX_LIFETIME_SECONDS = 3_600;
/**
 * Bytes of every answer. Sixteen days at most, of 50 numbers of 7 digits at most and 230 bytes of names, are 10,100; and padding is never less than 1,024.
 */
export const STATS_RESPONSE_BYTES = 12_288;
/** More days than there are in any deployment's retention aren't said. */
const MAX_DAYS = 16;

/** Counts of one UTC day. */
export interface StatsDay {
  /** Days since the Unix epoch. */
  readonly day: number;
  readonly publishes: number;
  readonly teks: number;
  readonly revisions: number;
  readonly missingOnset: number;
  /** 16 places. */
  readonly tekAges: readonly number[];
  /** 30 places. */
  readonly onsetDays: readonly number[];
}

/** What an answer says. */
export type StatsResponse =
  | { readonly days: readonly StatsDay[] }
  | { readonly error: string; readonly code: 'unauthorized' | 'bad_request' | 'internal_error' };

/**
 * @param header value of `Authorization`; null: there is none
 * @param authorities who may ask
 * @param now Unix seconds
 * @returns whose statistics, or null, whatever is wrong
 */
export async function verifyStatsToken(
  header: string | null,
  authorities: Authorities,
  now: number,
): Promise<HealthAuthority | null> {
  const jwt = /^Bearer (\S+)$/.exec(header ?? '')?.[1] ?? '';
  const opened = await openJwt(jwt, authorities, now);
  if (opened === null) return null;
  const { exp, nbf, iat, aud } = opened.claims;
  const holds = [
    opened.authority.stats === true,
    aud === STATS_AUDIENCE,
    isTime(exp) && exp > now - LEEWAY_SECONDS && exp <= now + MAX_LIFETIME_SECONDS,
    isPast(nbf, now),
    isPast(iat, now),
  ];
  return holds.includes(false) ? null : opened.authority;
}

/**
 * @param response see {@link StatsResponse}
 * @param randomBase64 as many random characters as it is asked for, a multiple of 4
 * @returns JSON of {@link STATS_RESPONSE_BYTES} ASCII characters
 * @throws RangeError when it says more than fits
 */
export function writeStatsResponse(
  response: StatsResponse,
  randomBase64: (characters: number) => string,
): Uint8Array<ArrayBuffer> {
  const said = 'days' in response ? { days: response.days.slice(-MAX_DAYS).map(dayOf) } : response;
  const left = STATS_RESPONSE_BYTES - JSON.stringify({ ...said, padding: '' }).length;
  if (left < 0) throw new RangeError(`stats response: ${STATS_RESPONSE_BYTES} characters expected, ${-left} too many`);
  const padding = randomBase64(left - (left % 4));
  const text = JSON.stringify({ ...said, padding }).padEnd(STATS_RESPONSE_BYTES, ' ');
  return Uint8Array.from(new TextEncoder().encode(text));
}

/** Which platform a phone is of never leaves the first lines of `upload`: all are `unknown`. */
function dayOf(counts: StatsDay): object {
  return {
    day: new Date(counts.day * SECONDS_PER_DAY * 1000).toISOString().replace('.000Z', 'Z'),
    publish_requests: { unknown: counts.publishes, android: 0, ios: 0 },
    total_teks_published: counts.teks,
    requests_with_revisions: counts.revisions,
    tek_age_distribution: counts.tekAges,
    onset_to_upload_distribution: counts.onsetDays,
    requests_missing_onset_date: counts.missingOnset,
  };
}
