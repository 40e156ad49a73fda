/**
 * @module Registration tokens and TANs derived from a secret (docs/architecture.md §7), so that a lost reply can be repeated without
 * storing what it said: the same session gives the same token, and the same number of TAN gives the same TAN.
 *
 * The store keeps a keyed hash of the token, and of a code that was issued the session's seed (a keyed hash of what the person
 * scanned or typed); a test's seed follows from its hashed GUID, which the laboratory is asked by. None of these leads to a token or a TAN without the derivation key.
 */
import { createHash } from 'node:crypto';
import { concatBytes, toBase64Url, toHex, utf8 } from '../protocol/primitives/bytes.ts';
import { hmacSha256, sha256 } from '../protocol/primitives/hash.ts';
import { composeTan, lastDayOfTan, TAN_UNPREDICTABLE_BYTES } from './tan.ts';
import { TELETAN_ALPHABET } from './teletan.ts';

/** What opens a session: the hash of a test's (or a code card's) GUID, or a teleTAN. */
export type KeyType = 'GUID' | 'TELETAN';

const label = (purpose: string): Uint8Array => utf8(`exposure-edge/${purpose}/v1\0`);

/**
 * The date of birth is part of what opens a session: a wrong one leads to another token than the right one does, so the
 * first can end and the second open (decision 024).
 *
 * @param key hashed GUID (64 characters, lower case) or normalised teleTAN
 * @param birthDateKey `birthDateName` of the hash over GUID and date of birth, or null; of sessions older than names, the hash itself
 * @param derivationKey 32 bytes, known to `verification` alone
 * @returns 32 bytes that name the session
 */
export function sessionSeed(
  keyType: KeyType,
  key: string,
  birthDateKey: string | null,
  derivationKey: Uint8Array,
): Uint8Array {
  const opening = birthDateKey === null ? `${keyType}\0${key}` : `${keyType}\0${key}\0${birthDateKey}`;
  return hmacSha256(derivationKey, label('session'), utf8(opening));
}

/** @returns the session's registration token: a version-4 UUID over 122 derived bits (RFC 9562 §5.4) */
export function registrationToken(seed: Uint8Array, derivationKey: Uint8Array): string {
  return uuidV4(hmacSha256(derivationKey, label('registration-token'), seed));
}

/**
 * @param n 0 for the first TAN of the session, 1 for the next …
 * @param expiresAt Unix seconds, as the session keeps them: the same TAN each time needs the same last day
 * @param macKey 32 bytes, the key of self-authenticating TANs (domain/tan)
 * @returns the session's n-th TAN
 */
export function sessionTan(
  seed: Uint8Array,
  { n, expiresAt }: { readonly n: number; readonly expiresAt: number },
  derivationKey: Uint8Array,
  macKey: Uint8Array,
): string {
  const bits = hmacSha256(derivationKey, label('tan'), seed, utf8(String(n)));
  return composeTan(bits.subarray(0, TAN_UNPREDICTABLE_BYTES), lastDayOfTan(expiresAt), macKey);
}

/** Of a keyed hash so much names a row: among 10⁸ rows two meet with a chance of 10⁻²³, and each byte is stored for 60 days. */
const NAME_BYTES = 16;

/** @returns 32 lowercase hex digits of the keyed hash under which a token's session is stored */
export function tokenHash(token: string, hashKey: Uint8Array): string {
  return toHex(hmacSha256(hashKey, label('token-hash'), utf8(token.toLowerCase())).subarray(0, NAME_BYTES));
}

/** @param birthDateKey as for {@link sessionSeed} @returns 32 lowercase hex digits of the keyed hash under which the hash over GUID and date of birth is claimed */
export function birthDateHash(birthDateKey: string, hashKey: Uint8Array): string {
  return toHex(hmacSha256(hashKey, label('birth-date-hash'), utf8(birthDateKey)).subarray(0, NAME_BYTES));
}

/** What staff order codes by: 32 bytes in lowercase hex, which the portal derives for one form of one session (decision 033). */
const CODE_REQUEST = /^[0-9a-f]{64}$/;

/**
 * @param owner issuer or provider
 * @param request 64 lowercase hex digits
 * @returns 32 lowercase hex digits that name an order in the books, and lead back to no code
 * @throws RangeError when `request` has another form
 */
export function codeOrderId(owner: string, request: string): string {
  if (!CODE_REQUEST.test(request)) throw new RangeError('request: 64 lowercase hex digits are expected');
  return toHex(sha256(label('code-order'), utf8(`${owner}\0${request}`)).subarray(0, NAME_BYTES));
}

/**
 * The bytes that the codes of one order are drawn from: the same order gives the same codes, so that a form that is sent
 * twice makes nothing twice and a lost answer can be shown again, though no code is stored. Without the request, which is
 * stored nowhere, the derivation key leads to none of them.
 *
 * @param derivationKey 32 bytes, known to `verification` alone
 * @param purpose which kind of code
 * @param owner issuer or provider: another one's same request gives other codes
 * @param request 64 lowercase hex digits
 * @returns a source of bytes, each call's new ones
 */
export function codeBytes(
  derivationKey: Uint8Array,
  purpose: 'teletan' | 'card' | 'api-key',
  owner: string,
  request: string,
): (length: number) => Uint8Array {
  const seed = hmacSha256(derivationKey, label(`${purpose}-codes`), utf8(`${owner}\0${request}`));
  let block = 0;
  return (length) => {
    const blocks: Uint8Array[] = [];
    for (let have = 0; have < length; have += 32) blocks.push(hmacSha256(seed, utf8(String(block++))));
    return concatBytes(...blocks).subarray(0, length);
  };
}

/** Bits of a credential's id: {@link NAME_BYTES} bytes. */
const CREDENTIAL_ID_BYTES = 16;

/**
 * @param seed of the session that a credential is issued for
 * @returns its id: the same whenever the phone asks again, so that a lost answer is no second credential; 22 characters
 */
export function credentialId(seed: Uint8Array, derivationKey: Uint8Array): string {
  return toBase64Url(hmacSha256(derivationKey, label('credential-id'), seed).subarray(0, CREDENTIAL_ID_BYTES));
}

/**
 * @param issuer who issued it
 * @param id of the credential
 * @returns 32 bytes that name the session which it opens here
 */
export function credentialSeed(issuer: string, id: string, derivationKey: Uint8Array): Uint8Array {
  return hmacSha256(derivationKey, label('credential'), utf8(`${issuer}\0${id}`));
}

/** @param point of a phone's key @returns 32 lowercase hex digits by which it is known again, and by nobody else */
export function holderName(point: Uint8Array, hashKey: Uint8Array): string {
  return toHex(hmacSha256(hashKey, label('credential-holder'), point).subarray(0, NAME_BYTES));
}

/** Random characters of a typed card code: 31^14 ≈ 69 bit; fewer than 64 could be guessed. */
export const CARD_CODE_RANDOM_CHARACTERS = 14;
/** With its check character. */
const CARD_CODE_LENGTH = CARD_CODE_RANDOM_CHARACTERS + 1;

/**
 * The GUID of a code card: what its QR code holds, and what the phone makes of the typed form. Six hex digits and a
 * version-4 UUID, the form of a test's GUID (docs/spec/cwa.md §3.1), so that an app that scans tests can scan a card.
 *
 * @param code normalised typed form of the card
 */
export function cardGuid(code: string): string {
  const digest = createHash('sha256').update(label('card-guid')).update(code, 'utf8').digest();
  return `${toHex(digest.subarray(16, 19)).toUpperCase()}-${uuidV4(digest).toUpperCase()}`;
}

/** @returns the hashed GUID of docs/spec/cwa.md §3.1: SHA-256 of the GUID's text, lowercase hex */
export function hashGuid(guid: string): string {
  return createHash('sha256').update(guid, 'utf8').digest('hex');
}

/** Check character of a card code: position-weighted sum, so that it finds one wrong letter and two that changed places. */
export function cardCheckCharacter(random: string): string {
  let sum = 0;
  for (const [i, c] of Array.from(random).entries()) sum += (i + 1) * TELETAN_ALPHABET.indexOf(c);
  return TELETAN_ALPHABET.charAt(sum % TELETAN_ALPHABET.length);
}

/** @returns the normalised card code, or null when length, alphabet or check character is wrong */
export function parseCardCode(typed: string): string | null {
  if (typed.length > 4 * CARD_CODE_LENGTH) return null;
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  if (code.length !== CARD_CODE_LENGTH) return null;
  for (const c of code) if (!TELETAN_ALPHABET.includes(c)) return null;
  return cardCheckCharacter(code.slice(0, -1)) === code.at(-1) ? code : null;
}

/** Sets version and variant over the first 16 bytes. */
function uuidV4(bytes: Uint8Array): string {
  const b = concatBytes(bytes.subarray(0, 16));
  b[6] = ((b[6] as number) & 0x0f) | 0x40;
  b[8] = ((b[8] as number) & 0x3f) | 0x80;
  const hex = toHex(b);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
