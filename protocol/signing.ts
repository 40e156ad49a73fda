/**
 * @module ECDSA P-256 with SHA-256 (FIPS 186-5 §6), deterministic as RFC 6979 has it, so that the same file always gets the
 * same signature; as DER for exports (docs/spec/gaen.md §4.3) and as r‖s (64 bytes, IEEE P1363) for our own documents. Keys are
 * PKCS#8 (RFC 5208, RFC 5915) and SubjectPublicKeyInfo (RFC 5480), in PEM (RFC 7468), as OpenSSL makes them.
 */
import { p256 } from '@noble/curves/nist.js';
import { concatBytes, equalBytes, fromBase64, fromHex, toBase64 } from './primitives/bytes.ts';
import { sha256 } from './primitives/hash.ts';

/** Signs a message; SHA-256 is part of it. Which encoding comes out is said where one is asked for. */
export interface Signer {
  /**
   * @param message any length
   * @returns DER (70..72 bytes mostly) or r‖s (64 bytes)
   */
  sign(message: Uint8Array): Uint8Array;
}

export interface SigningKey {
  /** X9.62 DER signatures, for export.sig. */
  readonly der: Signer;
  /** r‖s signatures of 64 bytes, for signed documents. */
  readonly raw: Signer;
  /** SubjectPublicKeyInfo, 91 bytes. */
  readonly publicKeySpki: Uint8Array;
}

/** Bytes of a scalar, of r and of s. */
const SCALAR_BYTES = 32;
/** Uncompressed point: 0x04, x, y. */
const POINT_BYTES = 65;
/** SEQUENCE { SEQUENCE { OID id-ecPublicKey, OID prime256v1 }, BIT STRING of 66 bytes (no unused bits) } (RFC 5480 §2). */
const SPKI_PREFIX = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
/** version 0 and the same AlgorithmIdentifier (RFC 5208 §5); what follows is OCTET STRING { ECPrivateKey }. */
const PKCS8_ALGORITHM = fromHex('020100301306072a8648ce3d020106082a8648ce3d030107');
/** version 1 and OCTET STRING of 32 bytes (RFC 5915 §3). */
const EC_PRIVATE_KEY_START = fromHex('0201010420');
/** [1] { BIT STRING of 66 bytes } (RFC 5915 §3). */
const EC_PUBLIC_KEY_START = fromHex('a144034200');

// The message is hashed here, since native SHA-256 is many times faster on a file of megabytes; low-s is not asked for
// by any phone (docs/spec/gaen.md §4.3), and plain RFC 6979 is what its vectors show.
const OPTIONS = { prehash: false, lowS: false } as const;

function keyFromScalar(d: Uint8Array): SigningKey {
  const publicKey = p256.getPublicKey(d, false);
  return {
    der: { sign: (message) => p256.sign(sha256(message), d, { ...OPTIONS, format: 'der' }) },
    raw: { sign: (message) => p256.sign(sha256(message), d, { ...OPTIONS, format: 'compact' }) },
    publicKeySpki: concatBytes(SPKI_PREFIX, publicKey),
  };
}

function pemBody(pem: string, label: string): Uint8Array {
  const found = new RegExp(`^-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----$`).exec(pem.trim());
  const body = found?.[1];
  if (body === undefined) throw new TypeError(`expected one PEM block, -----BEGIN ${label}-----`);
  return fromBase64(body.replace(/\s+/g, ''));
}

function toPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** Reads one DER element with a length below 256 at `at`, which is all that a P-256 key needs. */
function derElement(der: Uint8Array, at: number, tag: number): Uint8Array {
  const short = der[at + 1] ?? 0;
  const start = short === 0x81 ? at + 3 : at + 2;
  const length = short === 0x81 ? (der[at + 2] ?? 0) : short;
  if (der[at] !== tag || short > 0x81 || short === 0x80 || start + length > der.length) {
    throw new TypeError('private key: malformed DER');
  }
  return der.subarray(start, start + length);
}

/** The scalar of PKCS#8. Messages never hold a byte of it. */
function scalarFromPkcs8(der: Uint8Array): Uint8Array {
  const outer = derElement(der, 0, 0x30);
  if (!equalBytes(outer.subarray(0, PKCS8_ALGORITHM.length), PKCS8_ALGORITHM)) {
    throw new TypeError('private key: expected PKCS#8 of an EC key on P-256 (prime256v1)');
  }
  const key = derElement(derElement(outer, PKCS8_ALGORITHM.length, 0x04), 0, 0x30);
  if (!equalBytes(key.subarray(0, EC_PRIVATE_KEY_START.length), EC_PRIVATE_KEY_START)) {
    throw new TypeError('private key: expected ECPrivateKey version 1 with 32 bytes');
  }
  const d = key.slice(EC_PRIVATE_KEY_START.length, EC_PRIVATE_KEY_START.length + SCALAR_BYTES);
  if (!p256.utils.isValidSecretKey(d)) throw new TypeError('private key: scalar outside 1..n−1');
  return d;
}

/**
 * @param pem PKCS#8, `-----BEGIN PRIVATE KEY-----`, of a P-256 key
 * @returns signers and the public key
 * @throws {TypeError} when it is something else; no message names a byte of the key
 */
export function signerFromPkcs8Pem(pem: string): SigningKey {
  return keyFromScalar(scalarFromPem(pem));
}

/**
 * @param pem PKCS#8, `-----BEGIN PRIVATE KEY-----`, of a P-256 key
 * @returns its scalar, 32 bytes
 * @throws {TypeError} when it is something else; no message names a byte of the key
 */
export function scalarFromPem(pem: string): Uint8Array {
  return scalarFromPkcs8(pemBody(pem, 'PRIVATE KEY'));
}

/**
 * @param d private scalar, 32 bytes, 1..n−1, from a cryptographic source of randomness
 * @returns PKCS#8 PEM, the same text that `openssl pkcs8 -topk8 -nocrypt` writes
 * @throws {TypeError} when the scalar is out of range (draw again: it happens once in 2³² draws)
 */
export function pkcs8PemFromScalar(d: Uint8Array): string {
  if (d.length !== SCALAR_BYTES || !p256.utils.isValidSecretKey(d)) {
    throw new TypeError('pkcs8PemFromScalar: expected 32 bytes in 1..n−1');
  }
  const ecPrivateKey = concatBytes(EC_PRIVATE_KEY_START, d, EC_PUBLIC_KEY_START, p256.getPublicKey(d, false));
  const octets = concatBytes(Uint8Array.of(0x30, ecPrivateKey.length), ecPrivateKey);
  const body = concatBytes(PKCS8_ALGORITHM, Uint8Array.of(0x04, octets.length), octets);
  return toPem('PRIVATE KEY', concatBytes(Uint8Array.of(0x30, 0x81, body.length), body));
}

/**
 * @param pem `-----BEGIN PUBLIC KEY-----` of a P-256 key
 * @returns SubjectPublicKeyInfo, 91 bytes
 * @throws {TypeError} when it is another key, or its point is not on the curve
 */
export function spkiFromPem(pem: string): Uint8Array {
  const spki = pemBody(pem, 'PUBLIC KEY');
  pointFromSpki(spki);
  return spki;
}

/**
 * @param spki SubjectPublicKeyInfo of a P-256 key, 91 bytes
 * @returns `-----BEGIN PUBLIC KEY-----` PEM
 * @throws {TypeError} when it is another key, or its point is not on the curve
 */
export function spkiToPem(spki: Uint8Array): string {
  pointFromSpki(spki);
  return toPem('PUBLIC KEY', spki);
}

/**
 * @param spki SubjectPublicKeyInfo of a P-256 key, 91 bytes
 * @returns its point, uncompressed, 65 bytes
 * @throws {TypeError} when it is another key, or its point is not on the curve
 */
export function pointFromSpki(spki: Uint8Array): Uint8Array {
  const point = spki.subarray(SPKI_PREFIX.length);
  if (!equalBytes(spki.subarray(0, SPKI_PREFIX.length), SPKI_PREFIX) || point.length !== POINT_BYTES) {
    throw new TypeError('public key: expected SubjectPublicKeyInfo of an uncompressed P-256 point, 91 bytes');
  }
  if (!p256.utils.isValidPublicKey(point, false)) throw new TypeError('public key: no point of P-256');
  return point;
}

function verify(spki: Uint8Array, message: Uint8Array, signature: Uint8Array, format: 'der' | 'compact'): boolean {
  const point = pointFromSpki(spki);
  try {
    return p256.verify(signature, sha256(message), point, { ...OPTIONS, format });
  } catch {
    // noble throws on a signature of the wrong shape; to a reader that is one more signature that does not fit.
    return false;
  }
}

/**
 * @param spki SubjectPublicKeyInfo, 91 bytes
 * @param message what was signed
 * @param signature strict DER; any bytes are allowed and simply do not verify
 * @returns whether the signature is valid
 * @throws {TypeError} when the key is no P-256 key: a fault of the caller's configuration
 */
export function verifyDer(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(spki, message, signature, 'der');
}

/**
 * @param spki SubjectPublicKeyInfo, 91 bytes
 * @param message what was signed
 * @param signature r‖s, 64 bytes; any bytes are allowed and simply do not verify
 * @returns whether the signature is valid
 * @throws {TypeError} when the key is no P-256 key: a fault of the caller's configuration
 */
export function verifyRaw(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(spki, message, signature, 'compact');
}
