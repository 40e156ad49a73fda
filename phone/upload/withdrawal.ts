/**
 * @module How a phone takes back keys that it shared (docs/decisions/042): a secret a key, drawn before the key is sent and kept for as long as the key may be published;
 * its hash goes with the upload, and the secret itself only when its person withdraws. A withdrawal has the size of an upload on the wire, headers included.
 */
import { keyEnd, RETENTION_DAYS, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import {
  encodeWithdrawal,
  MOST_OPENINGS,
  WITHDRAWAL_PATH,
  WITHDRAWAL_SECRET_BYTES,
  type Opening,
} from '../../protocol/withdrawal.ts';
import type { RandomBytes } from '../random.ts';
import type { Store } from '../store.ts';
import { isTryAgain, send, type UploadPorts } from './upload.ts';
import { padded, type UploadContent, type UploadRequest } from './upload-request.ts';

/** What the phone keeps of a key that it shared, or was about to. */
export interface KeptSecret extends Opening {
  /** Unix seconds from which on nobody publishes the key any more. */
  readonly until: number;
  /** Its person took it back, and no answer has come yet. */
  readonly asked?: WithdrawalAsked;
}

/** How often the server was told in vain, and when the phone tells it again by itself: Unix seconds. */
interface WithdrawalAsked {
  readonly failures: number;
  readonly at: number;
  /** There was nothing to take back: key and secret are made up, a dummy is sent in their place. */
  readonly cover?: true;
}

/** Openings of one request. */
export const MOST_AT_ONCE = MOST_OPENINGS;

/**
 * Its parameter makes up for the path, which is shorter than the upload's: by 12 characters, for HTTP/1.1, and by 8 bytes in HPACK's Huffman code (RFC 7541, appendix B:
 * `;` has 8 bits, `=` 6, `a` and `0` 5), for HTTP/2. No server looks at it.
 */
const LEVELLING_TYPE = `application/x-protobuf;a=${'0'.repeat(9)}`;

/** A key that is published for `RETENTION_DAYS` leaves with a midnight, and what names it some hours after. */
export const KEPT_SECONDS = (RETENTION_DAYS + 2) * SECONDS_PER_DAY;

/** What {@link withSecrets} works with. */
export interface SecretPorts {
  /** Where secrets are kept; left out: keys go without, and can't be taken back. */
  readonly secrets?: Store<readonly KeptSecret[]>;
  readonly random: RandomBytes;
  /** Unix seconds: what has had its time is forgotten. */
  readonly clock: () => number;
}

/**
 * Draws and keeps a secret for each key that has none: who sends a key again, in whatever upload, sends the same hash, since the server keeps the first.
 *
 * @param content about to be shared
 * @param ports see {@link SecretPorts}; what is kept is durable when this returns, so that what a phone that dies has sent can be taken back
 * @returns the content, its keys with their secrets; with none where the store can't be read, which is then left as it is
 */
export async function withSecrets(
  content: UploadContent,
  { secrets, random, clock }: SecretPorts,
): Promise<UploadContent> {
  const loaded = await secrets?.load();
  if (secrets === undefined || loaded?.ok !== true) return content;
  const kept = new Map((loaded.value ?? []).filter(({ until }) => until > clock()).map((one) => [nameOf(one), one]));
  // Whoever shares a key anew no longer takes it back.
  const asked = content.keys.flatMap((key) => kept.get(nameOf(key)) ?? []).filter((one) => one.asked !== undefined);
  for (const { keyData, secret, until } of asked) kept.set(nameOf({ keyData }), { keyData, secret, until });
  const fresh = content.keys.filter((key) => !kept.has(nameOf(key)));
  for (const key of fresh) {
    const secret = Uint8Array.from(random(WITHDRAWAL_SECRET_BYTES));
    kept.set(nameOf(key), { keyData: key.keyData, secret, until: keyEnd(key) + KEPT_SECONDS });
  }
  if (fresh.length > 0 || asked.length > 0) await secrets.save([...kept.values()]);
  const keys = content.keys.map((key) => ({ ...key, withdrawalSecret: kept.get(nameOf(key))?.secret ?? null }));
  return { ...content, keys };
}

/**
 * @param openings {@link MOST_AT_ONCE} at most; none: a dummy
 * @param random for the padding
 * @param bodyBytes as for `uploadRequest`
 * @returns the request
 */
function withdrawalRequest(openings: readonly Opening[], random: RandomBytes, bodyBytes?: number): UploadRequest {
  if (openings.length > MOST_AT_ONCE) throw new RangeError(`${openings.length} openings, ${MOST_AT_ONCE} at most`);
  const said = {
    openings: openings.map(({ keyData, secret }) => ({ keyData, secret })),
    cover: openings.length === 0,
  };
  const body = padded((padding) => encodeWithdrawal(said, padding), random, bodyBytes);
  if (!body.ok) throw new Error('openings always fit');
  return {
    path: WITHDRAWAL_PATH,
    headers: { 'content-type': LEVELLING_TYPE },
    body: body.value,
  };
}

/** Why a withdrawal was not heard; `refused` says a fault of the app, or of something in between. */
export type WithdrawalFailure = { readonly kind: 'try-again' | 'refused'; readonly status: number | null };

/**
 * @param openings see {@link withdrawalRequest}
 * @param ports where and with what
 * @returns ok when the server has looked into them; whether they opened anything it tells nobody
 */
export async function withdraw(
  openings: readonly Opening[],
  ports: UploadPorts,
): Promise<Result<null, WithdrawalFailure>> {
  const status = await send(withdrawalRequest(openings, ports.random, ports.bodyBytes), ports);
  if (status === 200) return ok(null);
  return err({ kind: status === null || isTryAgain(status) ? 'try-again' : 'refused', status });
}

/** @param value what was read from disk @returns whether it is what {@link withSecrets} keeps */
export function areKeptSecrets(value: unknown): value is readonly KeptSecret[] {
  return Array.isArray(value) && value.every(isKept);
}

function isKept(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { keyData, secret, until, asked } = value as Record<string, unknown>;
  const isKey = keyData instanceof Uint8Array && secret instanceof Uint8Array && typeof until === 'number';
  return isKey && (asked === undefined || isAsked(asked));
}

function isAsked(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { failures, at, cover } = value as Record<string, unknown>;
  return typeof failures === 'number' && typeof at === 'number' && (cover === undefined || cover === true);
}

const nameOf = ({ keyData }: { readonly keyData: Uint8Array }): string => toHex(keyData);
