/**
 * @module Which credentials an issuer took back: a Token Status List (IETF draft-ietf-oauth-status-list, sections 4 and 5.1), one bit a credential, deflated, in a JWT of the issuer's. Whoever verifies fetches all of it once an
 * hour, used or not, so that the issuer learns of no credential's use.
 */
import { SignJWT } from 'jose';
import { deflate, inflate } from 'pako';
import * as z from 'zod';
import type { VerificationKey } from '../directory/entry.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../gaen/intervals.ts';
import { fromBase64Url, toBase64Url } from '../primitives/bytes.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import { ALGORITHM, type CredentialSigner, STATUS_LIST_SIZE, statusListUrl, verifyJwt } from './credential.ts';

const STATUS_LIST_TYP = 'statuslist+jwt';
export const STATUS_LIST_MEDIA_TYPE = `application/${STATUS_LIST_TYP}`;
const STATUS_LIST_BYTES = STATUS_LIST_SIZE / 8;
/** An issuer out of reach for longer is one whose revocations we don't know. */
const VALID_SECONDS = SECONDS_PER_DAY;
/** Half of all places taken back is noise: 16 KB don't deflate, a third more in base64, again in the JWT. */
export const MAX_STATUS_LIST_LENGTH = 32_768;

const claimsSchema = z.object({
  sub: z.string(),
  iat: z.int(),
  exp: z.int(),
  ttl: z.int().optional(),
  status_list: z.object({ bits: z.literal(1), lst: z.string().max(MAX_STATUS_LIST_LENGTH) }),
});

/** A list that holds. */
export interface StatusList {
  /** A bit a place, from the lowest of each byte on. */
  readonly bits: Uint8Array;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export type StatusListError = 'malformed' | 'bad-signature' | 'expired';

/** @param revoked places, each 0..131071 @returns the bits @throws RangeError for another place */
export function statusBits(revoked: Iterable<number>): Uint8Array {
  const bits = new Uint8Array(STATUS_LIST_BYTES);
  for (const index of revoked) {
    if (!Number.isInteger(index) || index < 0 || index >= STATUS_LIST_SIZE)
      throw new RangeError(`status: no place ${index}`);
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return bits;
}

/** @param bits of a list @param index a place of it @returns whether it was taken back */
export const isRevoked = (bits: Uint8Array, index: number): boolean =>
  (((bits[index >> 3] ?? 0xff) >> (index & 7)) & 1) === 1;

/**
 * @param bits see {@link statusBits}
 * @param issuer origin of the `verification` that issued them
 * @param hour since the Unix epoch: all that a list says of when it was made
 * @returns the JWT
 */
export async function signStatusList(
  bits: Uint8Array,
  issuer: string,
  hour: number,
  { kid, key }: CredentialSigner,
): Promise<string> {
  const issuedAt = hour * SECONDS_PER_HOUR;
  const claims = {
    sub: statusListUrl(issuer),
    iat: issuedAt,
    exp: issuedAt + VALID_SECONDS,
    ttl: SECONDS_PER_HOUR,
    status_list: { bits: 1, lst: toBase64Url(deflate(bits, { level: 9 })) },
  };
  return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, typ: STATUS_LIST_TYP, kid }).sign(key);
}

/**
 * @param jwt as fetched
 * @param issuer whose list was asked for
 * @param keys the issuer's, of the directory
 * @param now Unix seconds
 * @returns the list, or the first rule that it breaks
 */
export async function verifyStatusList(
  jwt: string,
  issuer: string,
  keys: readonly VerificationKey[],
  now: number,
): Promise<Result<StatusList, StatusListError>> {
  if (jwt.length > MAX_STATUS_LIST_LENGTH) return err('malformed');
  const verified = await verifyJwt(jwt, keys, STATUS_LIST_TYP);
  if (verified === null) return err('bad-signature');
  const claims = claimsSchema.safeParse(verified);
  if (!claims.success || claims.data.sub !== statusListUrl(issuer)) return err('malformed');
  const { iat, exp, status_list: list } = claims.data;
  if (exp <= now || exp - iat > VALID_SECONDS) return err('expired');
  const bits = inflated(list.lst);
  return bits === null ? err('malformed') : ok({ bits, issuedAt: iat, expiresAt: exp });
}

/** Signed, so no bomb of a stranger's; an issuer's own must not burst us either. */
function inflated(text: string): Uint8Array | null {
  try {
    const bits: unknown = inflate(fromBase64Url(text));
    return bits instanceof Uint8Array && bits.length === STATUS_LIST_BYTES ? bits : null;
  } catch {
    return null;
  }
}
