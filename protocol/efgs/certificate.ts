/**
 * @module Certificates as the gateway knows them (docs/spec/europe.md §3.7): a country, a fingerprint of the whole (all 64 digits of
 * it), and a signature of the gateway's offline trust anchor over the certificate's PEM text, without which none is listed.
 */
import { type KeyObject, X509Certificate, createPrivateKey, sign, verify } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate as CertificateSyntax,
  ExtendedKeyUsage,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyUsage,
  KeyUsageFlags,
} from '@peculiar/asn1-x509';
import { fromBase64, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { ECDSA_HASHES, RSA_HASHES } from './algorithms.ts';

/** A certificate, read once. */
export interface EfgsCertificate {
  /** Of the whole, as the platform read it. */
  readonly der: Uint8Array;
  /** SHA-256 of {@link der}, 64 lowercase hex digits: leading zeros stay (docs/spec/europe.md §3.7, the defect). */
  readonly thumbprint: string;
  /** The subject's one C; null when it has none, or two. */
  readonly country: string | null;
  /** Unix seconds. */
  readonly notBefore: number;
  /** Unix seconds. */
  readonly notAfter: number;
  /** Null where it is too weak, or of a kind that nobody signs batches with. */
  readonly publicKey: KeyObject | null;
  /** It isn't made for TLS, as certificates of the types AUTHENTICATION and CALLBACK are, nor for other than signatures (docs/spec/europe.md §3.7). */
  readonly mayIdentifySigner: boolean;
  /** Hash by which the certificate itself is signed; null for SHA-1 and whatever isn't RSA (PKCS #1) or ECDSA over SHA-2. */
  readonly signatureHash: string | null;
  /** The syntax tree, for messages that name or carry it. */
  readonly syntax: CertificateSyntax;
}

const COUNTRY = '2.5.4.6';
/** The documents ask for more (3,072 in one place); the gateway takes any. Below this none is safe. */
const MIN_RSA_BITS = 2048;
/** Node's names and workerd's. */
const CURVES: readonly unknown[] = ['prime256v1', 'secp384r1', 'secp521r1', 'P-256', 'P-384', 'P-521'];
const ONE_PEM_BLOCK = /^\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

/** @param given one PEM block, or DER @returns the certificate, or null when it is none, or more than one */
export function readEfgsCertificate(given: string | Uint8Array): EfgsCertificate | null {
  if (typeof given === 'string' && !ONE_PEM_BLOCK.test(given)) return null;
  try {
    const x509 = new X509Certificate(given);
    const der = Uint8Array.from(x509.raw);
    const syntax = AsnConvert.parse(der, CertificateSyntax);
    const { subject, validity } = syntax.tbsCertificate;
    const countries = [...subject].flatMap((part) => [...part].filter(({ type }) => type === COUNTRY));
    const algorithm = syntax.signatureAlgorithm.algorithm;
    return {
      der,
      thumbprint: toHex(sha256(der)),
      country: countries.length === 1 ? (countries[0]?.value.toString() ?? null) : null,
      notBefore: validity.notBefore.getTime().getTime() / 1000,
      notAfter: validity.notAfter.getTime().getTime() / 1000,
      publicKey: isStrong(x509.publicKey) ? x509.publicKey : null,
      mayIdentifySigner: isForSigning(syntax),
      signatureHash: ECDSA_HASHES.get(algorithm) ?? RSA_HASHES.get(algorithm) ?? null,
      syntax,
    };
  } catch {
    // The platform's reader and the syntax's each throw in ways of their own: what can't be read is no certificate.
    return null;
  }
}

function isStrong(key: KeyObject): boolean {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type === 'rsa') return (details.modulusLength ?? 0) >= MIN_RSA_BITS;
  return type === 'ec' && CURVES.includes(details.namedCurve);
}

/** Purposes of TLS: who has such a key in a front end must not be able to sign a country's batches, since the anchor's signature doesn't say for what it listed a certificate. */
const TLS_PURPOSES: readonly string[] = [id_kp_clientAuth, id_kp_serverAuth];

/** What names no use may be used for any (RFC 5280 §4.2.1.3, §4.2.1.12). */
function isForSigning({ tbsCertificate: { extensions = [] } }: CertificateSyntax): boolean {
  const value = (id: string): ArrayBuffer | undefined =>
    extensions.find(({ extnID }) => extnID === id)?.extnValue.buffer;
  const [uses, purposes] = [value(id_ce_keyUsage), value(id_ce_extKeyUsage)];
  const signs =
    uses === undefined || (AsnConvert.parse(uses, KeyUsage).toNumber() & KeyUsageFlags.digitalSignature) !== 0;
  const forTls =
    purposes !== undefined && AsnConvert.parse(purposes, ExtendedKeyUsage).some((id) => TLS_PURPOSES.includes(id));
  return signs && !forTls;
}

/** @param certificate of whom @param at Unix seconds @returns whether it is valid then */
export function isValidAt({ notBefore, notAfter }: EfgsCertificate, at: number): boolean {
  return notBefore < at && at < notAfter;
}

/**
 * @param pem the listed certificate's text, to the letter: it is what was signed
 * @param signature of the trust anchor, base64
 * @param anchor the trust anchor's certificate
 * @returns whether the anchor signed this text, by the hash its own certificate is signed with, as the gateway does
 */
export function isListedByAnchor(pem: string, signature: string, anchor: EfgsCertificate): boolean {
  if (anchor.publicKey === null || anchor.signatureHash === null) return false;
  try {
    return verify(anchor.signatureHash, utf8(pem), anchor.publicKey, fromBase64(signature));
  } catch {
    return false;
  }
}

/** Signs batches in a country's name. */
export interface BatchSigner {
  readonly certificate: EfgsCertificate;
  /** @returns the signature over SHA-256 of the bytes: ECDSA in DER, or RSA PKCS #1 */
  sign(bytes: Uint8Array): Uint8Array;
}

/** Why there is no signer; without a byte of the key. */
export type SignerError = 'certificate' | 'country' | 'private-key' | 'not-its-key';

/**
 * @param certificatePem one block, with the country as C
 * @param privateKeyPem PKCS #8 (or SEC 1, PKCS #1), unencrypted: a secret
 * @returns the signer, or what is wrong with the two
 */
export function readBatchSigner(certificatePem: string, privateKeyPem: string): Result<BatchSigner, SignerError> {
  const certificate = readEfgsCertificate(certificatePem);
  const { publicKey = null } = certificate ?? {};
  if (certificate === null || publicKey === null) return err('certificate');
  if (certificate.country === null) return err('country');
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKeyPem);
  } catch {
    return err('private-key');
  }
  const signBytes = (bytes: Uint8Array): Uint8Array => Uint8Array.from(sign('sha256', bytes, key));
  const probe = utf8('exposure-edge/efgs/probe');
  let fits = false;
  try {
    fits = verify('sha256', probe, publicKey, signBytes(probe));
  } catch {
    // A key of another kind than the certificate's: it doesn't fit.
  }
  return fits ? ok({ certificate, sign: signBytes }) : err('not-its-key');
}
