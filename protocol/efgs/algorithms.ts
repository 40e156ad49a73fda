/**
 * @module Object identifiers of the hashes and signatures that batches and certificates may have: SHA-2 with ECDSA (RFC 5758) or RSA
 * PKCS #1 (RFC 4055). SHA-1 and MD5 are not among them; nor is RSA-PSS, which no country was seen to use.
 */

/** Hash identifier → name for `node:crypto`. */
export const HASHES: ReadonlyMap<string, string> = new Map([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/** ecdsa-with-SHA2 → hash. */
export const ECDSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
]);

/** sha2WithRSAEncryption → hash. */
export const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
]);

export const SHA_256 = '2.16.840.1.101.3.4.2.1';
export const ECDSA_WITH_SHA_256 = '1.2.840.10045.4.3.2';
/** As openssl and Bouncy Castle write it in CMS: the hash is the digest algorithm's (RFC 3370 §3.2). */
export const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
