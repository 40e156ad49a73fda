/**
 * @module Requests of an Exposure Notifications Express app (docs/spec/google.md §1.2, §5.3), those of each server of one size, chaff among them. Google's apps add padding of a random length, so that one key can still be told
 * from fourteen over some requests; here JSON and padding together are always as long.
 *
 * Chaff says so in a header, `X-Chaff: 1`, as Google's servers want it. A real request has the header too, empty, which both servers take for none; and chaff's body is the byte shorter that its header is longer.
 */
import { toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { MAX_PUBLISHED_KEYS, PUBLISH_PATH } from '../../protocol/publish/request.ts';
import type { SentKey } from '../../protocol/publish/tekmac.ts';
import type { RandomBytes } from '../random.ts';

/** Bytes of a body to the verification server: a nonce is 344 characters, a token or its like a few hundred, and 1,024 of padding are left. */
const VERIFICATION_BODY_BYTES = 2_048;
/** Of a body with keys: thirty of 100 characters, a certificate of 1,000, a revision token of 2,048 at most, and 1,024 of padding are left. */
const PUBLISH_BODY_BYTES = 8_192;
/** Keys of one request at most. */
export const MOST_KEYS = MAX_PUBLISHED_KEYS;

const CHAFF = '1';

/** One request. */
export interface EnxRequest {
  readonly server: 'verification' | 'publish';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What is sent to `/v1/publish`. */
export interface PublishContent {
  readonly temporaryExposureKeys: readonly SentKey[];
  readonly healthAuthorityID: string;
  readonly verificationPayload: string;
  /** Base64. */
  readonly hmacKey: string;
  /** ENIntervalNumber; 0: what the certificate says. */
  readonly symptomOnsetInterval: number;
  readonly traveler: boolean;
  /** Base64: the one that came last, or random bytes as many. */
  readonly revisionToken: string;
}

/** Report types that this app can show: a person whose worst news it can show may have better (docs/spec/google.md §5.3). */
const ACCEPT = ['negative', 'user-report'] as const;

/** @param code see code.ts @param nonce of a report by oneself; null: none @param random source of bytes @param apiKey of the app */
export function verifyRequest(code: string, nonce: Uint8Array | null, apiKey: string, random: RandomBytes): EnxRequest {
  const fields = { code, accept: ACCEPT, ...(nonce !== null && { nonce: toBase64(nonce) }) };
  return toVerification('/api/verify', fields, apiKey, random);
}

/** @param token of `/api/verify` @param tekmac of the keys, 32 bytes @param apiKey of the app @param random source of bytes */
export function certificateRequest(token: string, tekmac: Uint8Array, apiKey: string, random: RandomBytes): EnxRequest {
  return toVerification('/api/certificate', { token, ekeyhmac: toBase64(tekmac) }, apiKey, random);
}

/** What a person says who reports by themselves. Dates are YYYY-MM-DD, "" where they don't know. */
export interface UserReport {
  readonly symptomDate: string;
  readonly testDate: string;
  /** Minutes east of UTC. */
  readonly tzOffset: number;
  /** E.164: the code comes there. */
  readonly phone: string;
}

/** @param report see {@link UserReport} @param nonce of 256 bytes @param apiKey of the app @param random source of bytes */
export function userReportRequest(
  report: UserReport,
  nonce: Uint8Array,
  apiKey: string,
  random: RandomBytes,
): EnxRequest {
  return toVerification('/api/user-report', { ...report, nonce: toBase64(nonce) }, apiKey, random);
}

/** @param content see {@link PublishContent} @param random source of bytes @throws RangeError when it is larger than every request is */
export function publishRequest(content: PublishContent, random: RandomBytes): EnxRequest {
  return request('publish', PUBLISH_PATH, content, {}, random);
}

/**
 * One of each kind that sharing takes, in its order.
 *
 * @param apiKey of the app
 * @param random source of bytes
 * @returns chaff for `/api/verify`, `/api/certificate` and `/v1/publish`
 */
export function chaffRequests(apiKey: string, random: RandomBytes): readonly EnxRequest[] {
  const chaff = { 'x-chaff': CHAFF };
  const key = { 'x-api-key': apiKey };
  return [
    request('verification', '/api/verify', {}, { ...key, ...chaff }, random),
    request('verification', '/api/certificate', {}, { ...key, ...chaff }, random),
    request('publish', PUBLISH_PATH, {}, chaff, random),
  ];
}

const toVerification = (path: string, fields: object, apiKey: string, random: RandomBytes): EnxRequest =>
  request('verification', path, fields, { 'x-api-key': apiKey }, random);

function request(
  server: EnxRequest['server'],
  path: string,
  fields: object,
  headers: Readonly<Record<string, string>>,
  random: RandomBytes,
): EnxRequest {
  const all = { 'content-type': 'application/json', 'x-chaff': '', ...headers };
  const bytes = (server === 'publish' ? PUBLISH_BODY_BYTES : VERIFICATION_BODY_BYTES) - all['x-chaff'].length;
  const left = bytes - utf8(JSON.stringify({ ...fields, padding: '' })).length;
  if (left < 0) throw new RangeError(`${path}: ${bytes} bytes are sent, ${-left} too few for what it says`);
  const padding = toBase64(random(Math.ceil((left * 3) / 4))).slice(0, left);
  return { server, path, headers: all, body: new Uint8Array(utf8(JSON.stringify({ ...fields, padding }))) };
}
