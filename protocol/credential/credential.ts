/**
 * @module The credential of a positive test: what the region that tested says to the region in which a person shares keys (docs/credential.md). An SD-JWT VC (IETF draft-ietf-oauth-sd-jwt-vc, section 3;
 * RFC 9901 §4) without selective disclosures: an issuer-signed JWT (RFC 7519, ES256 of RFC 7518 §3.4), bound to a key of the phone by `cnf` (RFC 7800 §3.2), with its place in a status list. Nothing in
 * it is of a person: no name, no test, no time finer than the day.
 *
 * Keys are looked up by whoever verifies, never taken from a token; the algorithm is fixed (RFC 8725 §3.1).
 */
import { decodeJwt, decodeProtectedHeader, errors, importPKCS8, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import { SECONDS_PER_DAY } from '../gaen/intervals.ts';
import { toBase64Url } from '../primitives/bytes.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import { jwkOf } from '../feed/signature.ts';
import { spkiFromBase64 } from '../directory/spki.ts';
import type { VerificationKey } from '../directory/entry.ts';

/** `typ` of the issuer's JWT (draft-ietf-oauth-sd-jwt-vc, section 3.2.1). */
const CREDENTIAL_TYP = 'dc+sd-jwt';
/** `vct`: which kind of credential (the same, section 3.2.2.1). */
const CREDENTIAL_TYPE = 'urn:exposure-edge:positive-test:1';
export const ALGORITHM = 'ES256';
/** Seven days to come home or to find a network, and what is left of the day in which it was issued. */
const LIFETIME_DAYS = 7;
/** Places in a list: 16 KB of bits. At 3,000 credentials a day and eight days each 24,000 are taken, a fifth, so that a random free one is found at once. */
export const STATUS_LIST_SIZE = 131_072;
/** Below the address of whoever issues. */
export const STATUS_LIST_PATH = '/v1/credential-status';
/** A JWT in three parts and a tilde. */
const SD_JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~$/;
/** 128 random bits in base64url. */
const ID = /^[A-Za-z0-9_-]{22}$/;
const COORDINATE = /^[A-Za-z0-9_-]{43}$/;
/** An issuer's address stands twice in a credential, and all questions of a phone are as long as the longest presentation (docs/decisions/059). */
const MAX_ISSUER_LENGTH = 64;
/** With such an issuer, and a name of its key of 33 characters, it has 863. */
export const MAX_CREDENTIAL_LENGTH = 870;

/** GAEN's words for who says that a person is ill (docs/spec/gaen.md §4.1): a laboratory's test alone is believed abroad. */
const REPORT_TYPES = ['confirmed-test'] as const;

/** An origin as a URL parser writes it, without a slash at its end. */
export const issuerSchema = z
  .string()
  .max(MAX_ISSUER_LENGTH)
  .refine((text) => originOf(text) === text, 'must be an https origin, without a slash at its end');

const isDay = (text: string): boolean => {
  const at = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
};

/** Nothing else may be in it, so that no issuer tells more of a person than this. */
const claimsSchema = z.strictObject({
  iss: issuerSchema,
  vct: z.literal(CREDENTIAL_TYPE),
  /** Unix seconds, the end of a UTC day. */
  exp: z.int().min(0).max(253_402_300_799).multipleOf(SECONDS_PER_DAY),
  jti: z.string().regex(ID),
  /** Of the directory: which region tested. */
  region: z.string().regex(/^[A-Z][A-Z0-9]$/),
  report_type: z.enum(REPORT_TYPES),
  /** UTC day of onset; where the issuer knows none, of the sample; left out where it knows neither. */
  onset: z.string().refine(isDay, 'must be a day').optional(),
  cnf: z.strictObject({
    jwk: z.strictObject({
      kty: z.literal('EC'),
      crv: z.literal('P-256'),
      x: z.string().regex(COORDINATE),
      y: z.string().regex(COORDINATE),
    }),
  }),
  status: z.strictObject({
    status_list: z.strictObject({
      idx: z
        .int()
        .min(0)
        .max(STATUS_LIST_SIZE - 1),
      uri: z.string().max(100),
    }),
  }),
});

/** A key of a phone, public: an uncompressed point of P-256 without its first byte. */
export interface HolderKey {
  /** Base64url of 32 bytes each. */
  readonly x: string;
  readonly y: string;
}

/** What a credential says. */
export interface Credential {
  /** Origin of the `verification` that issued it. */
  readonly issuer: string;
  readonly region: string;
  readonly reportType: (typeof REPORT_TYPES)[number];
  /** `YYYY-MM-DD`, or null. */
  readonly onset: string | null;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** Random, 22 characters. */
  readonly id: string;
  /** Its place in the issuer's status list, 0..131071. */
  readonly statusIndex: number;
  readonly holder: HolderKey;
}

/** Why a credential isn't one, or isn't believed. */
export type CredentialError = 'malformed' | 'bad-signature' | 'expired';

/** Signs for an issuer. */
export interface CredentialSigner {
  /** As in the directory: `<keyId>-<keyVersion>`. */
  readonly kid: string;
  readonly key: CryptoKey;
}

/** @param pem PKCS#8 of a P-256 key @param kid its name in JWTs @throws Error when it is none */
export async function credentialSigner(pem: string, kid: string): Promise<CredentialSigner> {
  return { kid, key: await importPKCS8(pem, ALGORITHM) };
}

/** @param text an address @returns its origin if it is one that others may build on, else null: https, or http on this machine */
export function originOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, origin } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1') ? origin : null;
}

/** @param now Unix seconds @returns Unix seconds at which a credential that is issued now ends: the end of a UTC day, so that it doesn't tell when */
export function credentialEnd(now: number): number {
  return (Math.floor(now / SECONDS_PER_DAY) + 1 + LIFETIME_DAYS) * SECONDS_PER_DAY;
}

/** @returns address of an issuer's status list */
export const statusListUrl = (issuer: string): string => `${issuer}${STATUS_LIST_PATH}`;

/** @param point x and y, 64 bytes @throws RangeError for another length */
export function holderKey(point: Uint8Array): HolderKey {
  if (point.length !== 64) throw new RangeError(`holder key: 64 bytes are expected, got ${point.length}`);
  return { x: toBase64Url(point.subarray(0, 32)), y: toBase64Url(point.subarray(32)) };
}

/**
 * @param credential see {@link Credential}
 * @param signer see {@link CredentialSigner}
 * @returns the SD-JWT: one JWT and a tilde, since nothing is disclosed selectively (RFC 9901 §4)
 */
export async function issueCredential(credential: Credential, { kid, key }: CredentialSigner): Promise<string> {
  const { issuer, region, reportType, onset, expiresAt, id, statusIndex, holder } = credential;
  const claims = claimsSchema.parse({
    iss: issuer,
    vct: CREDENTIAL_TYPE,
    exp: expiresAt,
    jti: id,
    region,
    report_type: reportType,
    ...(onset === null ? {} : { onset }),
    cnf: { jwk: { kty: 'EC', crv: 'P-256', ...holder } },
    status: { status_list: { idx: statusIndex, uri: statusListUrl(issuer) } },
  });
  const jwt = await new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, typ: CREDENTIAL_TYP, kid }).sign(key);
  return `${jwt}~`;
}

/** @param text an SD-JWT that nobody has verified @returns what it says of itself, or null when it has another form */
export function readCredential(text: string): Credential | null {
  if (text.length > MAX_CREDENTIAL_LENGTH || !SD_JWT.test(text)) return null;
  try {
    const claims = claimsSchema.safeParse(decodeJwt(text.slice(0, -1)));
    return claims.success && claims.data.status.status_list.uri === statusListUrl(claims.data.iss)
      ? credentialOf(claims.data)
      : null;
  } catch {
    return null;
  }
}

function credentialOf(claims: z.infer<typeof claimsSchema>): Credential {
  const { x, y } = claims.cnf.jwk;
  return {
    issuer: claims.iss,
    region: claims.region,
    reportType: claims.report_type,
    onset: claims.onset ?? null,
    expiresAt: claims.exp,
    id: claims.jti,
    statusIndex: claims.status.status_list.idx,
    holder: { x, y },
  };
}

/**
 * @param text an SD-JWT without a key binding
 * @param keys the issuer's, of the directory; one that was revoked is not among them
 * @param now Unix seconds
 * @returns what it says, or the first rule that it breaks
 */
export async function verifyCredential(
  text: string,
  keys: readonly VerificationKey[],
  now: number,
): Promise<Result<Credential, CredentialError>> {
  const said = readCredential(text);
  if (said === null) return err('malformed');
  const verified = await verifyJwt(text.slice(0, -1), keys, CREDENTIAL_TYP);
  if (verified === null) return err('bad-signature');
  return said.expiresAt > now ? ok(said) : err('expired');
}

/** Verifies a signature by one of an issuer's keys. Times are the caller's business. @returns the claims, or null */
export async function verifyJwt(
  jwt: string,
  keys: readonly VerificationKey[],
  typ: string,
): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const { kid } = decodeProtectedHeader(jwt);
    const key = keys.map(jwkOfKey).find((one) => one !== null && one.kid === kid);
    if (key === undefined || key === null) return null;
    // Of no time: what must not have ended yet is judged by whoever has the clock.
    const { payload } = await jwtVerify(jwt, key, { algorithms: [ALGORITHM], typ, currentDate: new Date(0) });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null;
    throw error;
  }
}

function jwkOfKey({ keyId, keyVersion, spki }: VerificationKey) {
  const bytes = spkiFromBase64(spki);
  return bytes === null ? null : jwkOf(credentialKeyName({ keyId, keyVersion }), bytes);
}

/** @returns the name of an issuer's key in JWTs */
export const credentialKeyName = ({ keyId, keyVersion }: Pick<VerificationKey, 'keyId' | 'keyVersion'>): string =>
  `${keyId}-${keyVersion}`;
