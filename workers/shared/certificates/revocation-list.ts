/**
 * @module A certificate revocation list (RFC 5280 §5), read and verified once, when an operator brings it: complete lists of
 * the authority that issued the certificates. Lists that cover a part (delta, distribution point) or other authorities'
 * certificates carry a critical extension, and none of those is taken.
 */
import { verify } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Extension, KeyUsageFlags, Name, Time } from '@peculiar/asn1-x509';
import { type Certificate, hashOfName, serialText } from '../../../protocol/certificates/certificate.ts';
import { type Element, elements } from './der.ts';
import { keyUsage, SIGNATURE_ALGORITHMS } from '../../../protocol/certificates/path.ts';

/** Tags (ITU-T X.690) that a list is made of. */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const SEQUENCE = 0x30;
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
const EXTENSIONS = 0xa0;
const CRL_NUMBER = '2.5.29.20';

export interface RevocationList {
  /** The authority's counter of its lists, in hex of 40 digits, so that texts compare as numbers do (RFC 5280 §5.2.3: 20 bytes). */
  readonly number: string;
  /** Unix seconds. */
  readonly thisUpdate: number;
  /** Unix seconds from which on the list says nothing any more. */
  readonly nextUpdate: number;
  /** Serial numbers as {@link Certificate} has them; certificates on hold are among them. */
  readonly revoked: readonly string[];
}

type RevocationListError = 'syntax' | 'issuer' | 'algorithm' | 'signature' | 'key-usage' | 'critical' | 'time';

export type RevocationListResult =
  | { readonly ok: true; readonly value: RevocationList }
  | { readonly ok: false; readonly error: RevocationListError };

/** An authority's clock may be ahead of ours by so much. */
const FAST_ISSUER_SECONDS = 300;
const NUMBER_BYTES = 20;

/**
 * @param der the list
 * @param authority who must have signed it, validated before
 * @param now Unix seconds
 * @returns what it says, or why it isn't taken
 */
export function readRevocationList(der: Uint8Array, authority: Certificate, now: number): RevocationListResult {
  try {
    const error = signatureFault(der, authority);
    return error === null ? contentOf(der, now) : { ok: false, error };
  } catch {
    return { ok: false, error: 'syntax' };
  }
}

/** Signature first: nothing else of what a stranger made is looked at. */
function signatureFault(der: Uint8Array, authority: Certificate): RevocationListError | null {
  const [list, ...trailing] = elements(der);
  const [signed, outer, signature, ...more] = elements(expected(list, SEQUENCE).value);
  if (trailing.length > 0 || more.length > 0) return 'syntax';
  const algorithm = AsnConvert.parse(expected(outer, SEQUENCE).whole, AlgorithmIdentifier).algorithm;
  const { algorithm: inner, issuer } = headOf(expected(signed, SEQUENCE));
  const hash = SIGNATURE_ALGORITHMS.get(algorithm);
  if (algorithm !== inner || hash === undefined) return 'algorithm';
  if (issuer !== authority.subject) return 'issuer';
  if (((keyUsage(authority) ?? 0) & KeyUsageFlags.cRLSign) === 0) return 'key-usage';
  // A bit string begins with the number of bits that are left over: none.
  const { value } = expected(signature, BIT_STRING);
  const right = value[0] === 0 && verify(hash, signed?.whole ?? value, authority.x509.publicKey, value.subarray(1));
  return right ? null : 'signature';
}

/** What comes before the times: version 2, algorithm, issuer. */
function headOf(signed: Element): { algorithm: string; issuer: string; rest: readonly Element[] } {
  const [version, algorithm, issuer, ...rest] = elements(signed.value);
  if (expected(version, INTEGER).value.join() !== '1') throw new RangeError('a list of version 2 is expected');
  return {
    algorithm: AsnConvert.parse(expected(algorithm, SEQUENCE).whole, AlgorithmIdentifier).algorithm,
    issuer: hashOfName(AsnConvert.parse(expected(issuer, SEQUENCE).whole, Name)),
    rest,
  };
}

function contentOf(der: Uint8Array, now: number): RevocationListResult {
  const [list] = elements(der);
  const [signed] = elements(expected(list, SEQUENCE).value);
  const { rest } = headOf(expected(signed, SEQUENCE));
  const [thisUpdate, nextUpdate, ...tail] = rest;
  const [from, until] = [timeOf(thisUpdate), timeOf(nextUpdate)];
  const entries = tail.find(({ tag }) => tag === SEQUENCE);
  const number = numberIn(tail.find(({ tag }) => tag === EXTENSIONS));
  if (number === null) return { ok: false, error: 'critical' };
  if (number === undefined) return { ok: false, error: 'syntax' };
  if (from > now + FAST_ISSUER_SECONDS || until <= now) return { ok: false, error: 'time' };
  const revoked: string[] = [];
  for (const entry of entries === undefined ? [] : elements(entries.value)) {
    const [serial, , extensions] = elements(expected(entry, SEQUENCE).value);
    if (extensions !== undefined && extensionsIn(extensions.value).some(({ critical }) => critical)) {
      return { ok: false, error: 'critical' };
    }
    revoked.push(serialText(expected(serial, INTEGER).value));
  }
  return { ok: true, value: { number, thisUpdate: from, nextUpdate: until, revoked } };
}

/** @returns the list's number; null when an extension is critical, undefined when there is none */
function numberIn(extensions: Element | undefined): string | null | undefined {
  const [all] = extensions === undefined ? [] : elements(extensions.value);
  const found = all === undefined ? [] : extensionsIn(all.value);
  if (found.some(({ critical }) => critical)) return null;
  const own = found.find(({ extnID }) => extnID === CRL_NUMBER);
  if (own === undefined) return undefined;
  const [integer] = elements(new Uint8Array(own.extnValue.buffer));
  const hex = serialText(expected(integer, INTEGER).value);
  return hex.length > 2 * NUMBER_BYTES ? undefined : hex.padStart(2 * NUMBER_BYTES, '0');
}

const extensionsIn = (bytes: Uint8Array): Extension[] =>
  [...elements(bytes)].map(({ whole }) => AsnConvert.parse(whole, Extension));

function timeOf(element: Element | undefined): number {
  if (element?.tag !== UTC_TIME && element?.tag !== GENERALIZED_TIME) throw new RangeError('a time is expected');
  return AsnConvert.parse(element.whole, Time).getTime().getTime() / 1000;
}

function expected(element: Element | undefined, tag: number): Element {
  if (element?.tag !== tag) throw new RangeError(`a tag ${tag} is expected`);
  return element;
}
