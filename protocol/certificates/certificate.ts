/**
 * @module An X.509 certificate as its signed part says (RFC 5280 §4.1). What names a certificate here is issuer and serial
 * number, and its public key: never a hash of the whole, for an ECDSA signature (r, s) may be rewritten as (r, n − s) by
 * anybody, which stays valid and gives the same certificate another fingerprint. Signatures are verified by the platform's X.509.
 */
import { X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate as CertificateSyntax, type Name } from '@peculiar/asn1-x509';
import { toHex } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';

/** One extension: whether whoever doesn't know it must refuse, and the DER of its value. */
interface Extension {
  readonly critical: boolean;
  readonly value: ArrayBuffer;
}

export interface Certificate {
  /** The platform's own object: verifies signatures. */
  readonly x509: X509Certificate;
  /** 1, 2 or 3. */
  readonly version: number;
  /** SHA-256 of the issuer's name, 64 lowercase hex digits. */
  readonly issuer: string;
  /** SHA-256 of the subject's name, 64 lowercase hex digits. */
  readonly subject: string;
  /** The subject's name for people. */
  readonly subjectText: string;
  /** Serial number in lowercase hex, whole bytes, without leading zeros. */
  readonly serial: string;
  /** SHA-256 of the public key (SPKI), 64 lowercase hex digits. */
  readonly publicKey: string;
  /** Unix seconds, inclusive. */
  readonly notBefore: number;
  /** Unix seconds; from here on it is refused. */
  readonly notAfter: number;
  /** Object identifier, as it is signed and as it stands beside the signature: they must be one. */
  readonly signatureAlgorithm: string | null;
  /** Extensions by object identifier; null when one stands twice. */
  readonly extensions: ReadonlyMap<string, Extension> | null;
  /** @returns the subject's values of an attribute, by object identifier */
  readonly subjectValues: (attribute: string) => readonly string[];
}

/** The subject's serialNumber: in a professional's certificate the professional's own number. */
export const SERIAL_NUMBER_ATTRIBUTE = '2.5.4.5';

/** @param given PEM or DER @returns the certificate, or null when it is none */
export function readCertificate(given: string | Uint8Array): Certificate | null {
  try {
    const x509 = new X509Certificate(given);
    // The platform's reader takes DER alone, and `raw` is what it understood: both readers see the same bytes.
    const { tbsCertificate: tbs, signatureAlgorithm } = AsnConvert.parse(x509.raw, CertificateSyntax);
    const inner = tbs.signature.algorithm;
    const entries = [...(tbs.extensions ?? [])].map(
      ({ extnID, critical, extnValue }) => [extnID, { critical, value: extnValue.buffer }] as const,
    );
    const extensions = new Map(entries);
    return {
      x509,
      version: tbs.version + 1,
      issuer: hashOfName(tbs.issuer),
      subject: hashOfName(tbs.subject),
      subjectText: (x509.subject ?? '').replaceAll('\n', ', '),
      serial: serialText(new Uint8Array(tbs.serialNumber)),
      publicKey: hexHash(AsnConvert.serialize(tbs.subjectPublicKeyInfo)),
      notBefore: tbs.validity.notBefore.getTime().getTime() / 1000,
      notAfter: tbs.validity.notAfter.getTime().getTime() / 1000,
      signatureAlgorithm: inner === signatureAlgorithm.algorithm ? inner : null,
      extensions: extensions.size === entries.length ? extensions : null,
      subjectValues: (attribute) => valuesIn(tbs.subject, attribute),
    };
  } catch {
    return null;
  }
}

/** @param bytes a serial number as it is signed @returns lowercase hex, whole bytes, without leading zeros */
export function serialText(bytes: Uint8Array): string {
  const hex = toHex(bytes).replace(/^(00)+/, '');
  return hex === '' ? '00' : hex;
}

/** @returns SHA-256 of a name's DER, 64 lowercase hex digits */
export function hashOfName(name: Name): string {
  return hexHash(AsnConvert.serialize(name));
}

/** @returns what a block may name this certificate by: each of them is signed, so none can be rewritten */
export function marksOf({ issuer, serial, publicKey }: Certificate): string[] {
  return [serialMark(issuer, serial), keyMark(publicKey)];
}

/** @param issuer SHA-256 of the issuer's name @param serial see {@link Certificate} */
export const serialMark = (issuer: string, serial: string): string => `serial:${issuer}:${serial}`;

/** @param publicKey SHA-256 of the public key */
const keyMark = (publicKey: string): string => `key:${publicKey}`;

function hexHash(der: ArrayBuffer): string {
  return toHex(sha256(new Uint8Array(der)));
}

function valuesIn(name: Name, attribute: string): string[] {
  return [...name].flatMap((part) =>
    [...part].filter(({ type }) => type === attribute).map(({ value }) => value.toString()),
  );
}
