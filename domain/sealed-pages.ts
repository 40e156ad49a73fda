/**
 * @module Bytes sealed to a public key whose private half is offline: HPKE (RFC 9180), base mode, DHKEM(P-256, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM, in pages of one length, so that memory holds one page beside the whole.
 *
 * | bytes | what |
 * |---|---|
 * | 0..7 | `EESEAL1` and a zero |
 * | 8..11 | number of pages, big-endian |
 * | 12..76 | the encapsulated key, a P-256 point, uncompressed |
 * | then | the pages, all of one length, 262,144 bytes unless it is said otherwise, and a tag of 16 each |
 *
 * Each page is bound to its place by HPKE's sequence number and to the number of pages by the associated data, so one that
 * is missing, doubled, moved or of another object is refused.
 */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { equalBytes, utf8 } from '../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../protocol/primitives/result.ts';
import { pointFromSpki, scalarFromPem, spkiFromPem } from '../protocol/signing.ts';
import type { RandomBytes } from './random.ts';

/** Plain bytes of a page, unless another size is asked for. */
export const PAGE_BYTES = 262_144;
const TAG_BYTES = 16;
const MAGIC = utf8('EESEAL1\0');
const COUNT_OFFSET = MAGIC.length;
const KEY_OFFSET = COUNT_OFFSET + 4;
const POINT_BYTES = 65;
const HEADER_BYTES = KEY_OFFSET + POINT_BYTES;

/** Where a secret is given, the private key isn't asked for. */
const NO_KEY: unknown = null;

const kem = new DhkemP256HkdfSha256();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/**
 * @param pem SPKI PEM of a P-256 public key
 * @returns the key
 * @throws TypeError when it is none
 */
export async function recipientKey(pem: string): Promise<CryptoKey> {
  return kem.deserializePublicKey(pointFromSpki(spkiFromPem(pem)).slice().buffer);
}

/**
 * @param pem PKCS#8 PEM of a P-256 private key
 * @returns the key
 * @throws TypeError when it is none; no message names a byte of it
 */
export async function openerKey(pem: string): Promise<CryptoKey> {
  return kem.deserializePrivateKey(scalarFromPem(pem).slice().buffer);
}

/**
 * @param key see {@link recipientKey}
 * @param random source of the ephemeral key
 * @param use what is sealed, e.g. `exposure-edge/journal/v1`: something sealed for one use opens for no other
 * @param pages number of pages, at least 1
 * @param fill writes the plain bytes of a page into memory that is used again; zeros are there before. What it waits for, others do meanwhile
 * @param pageBytes plain bytes of a page, at least 1
 * @returns the sealed bytes, always as many for as many pages
 */
export async function sealPages(
  key: CryptoKey,
  random: RandomBytes,
  use: string,
  pages: number,
  fill: (page: Uint8Array, n: number) => void | Promise<void>,
  pageBytes = PAGE_BYTES,
): Promise<Uint8Array> {
  const sender = await suite.createSenderContext({
    recipientPublicKey: key,
    info: utf8(use).slice().buffer,
    ekm: random(32),
  });
  const sealedPageBytes = pageBytes + TAG_BYTES;
  const sealed = new Uint8Array(HEADER_BYTES + pages * sealedPageBytes);
  sealed.set(MAGIC);
  new DataView(sealed.buffer).setUint32(COUNT_OFFSET, pages);
  sealed.set(new Uint8Array(sender.enc), KEY_OFFSET);
  const aad = sealed.slice(0, KEY_OFFSET);
  const plain = new Uint8Array(pageBytes);
  for (let n = 0; n < pages; n++) {
    await fill(plain.fill(0), n);
    const page = await sender.seal(plain, aad);
    sealed.set(new Uint8Array(page), HEADER_BYTES + n * sealedPageBytes);
    // Left to the garbage collector, all pages would be there once more.
    page.transfer(0);
  }
  return sealed;
}

/** Why sealed bytes were refused. */
export type OpenError =
  | 'not sealed pages'
  | 'cut off or too long'
  | 'damaged, or sealed to another key or for another use';

/** So much of the beginning of sealed bytes is all that the holder of the private key needs. */
export const SEALED_HEADER_BYTES = HEADER_BYTES;

/**
 * What opens these sealed bytes and no others: so the private key need not be where they are opened.
 *
 * @param key see {@link openerKey}
 * @param header the first {@link SEALED_HEADER_BYTES} of sealed bytes
 * @returns the shared secret of RFC 9180 §4.1, 32 bytes, or why there is none; one for another key opens nothing, which is seen when it is used
 */
export async function secretOf(key: CryptoKey, header: Uint8Array): Promise<Result<Uint8Array, OpenError>> {
  if (!isHeader(header)) return err('not sealed pages');
  try {
    const enc = header.slice(KEY_OFFSET, HEADER_BYTES);
    return ok(new Uint8Array(await kem.decap({ recipientKey: key, enc })));
  } catch {
    return err('damaged, or sealed to another key or for another use');
  }
}

/**
 * @param secret from {@link secretOf}
 * @param use as it was sealed for
 * @param sealed from {@link sealPages}
 * @returns the plain bytes of all pages, or why they can't be had
 */
export async function openWithSecret(
  secret: Uint8Array,
  use: string,
  sealed: Uint8Array,
): Promise<Result<Uint8Array, OpenError>> {
  if (!isHeader(sealed)) return err('not sealed pages');
  const pages = new DataView(sealed.buffer, sealed.byteOffset).getUint32(COUNT_OFFSET);
  // Their length isn't written down: each page's tag fits one length alone.
  const sealedPageBytes = (sealed.length - HEADER_BYTES) / pages;
  if (!Number.isInteger(sealedPageBytes) || sealedPageBytes <= TAG_BYTES) return err('cut off or too long');
  const pageBytes = sealedPageBytes - TAG_BYTES;
  try {
    const enc = sealed.slice(KEY_OFFSET, HEADER_BYTES);
    // The library's key schedule, with a secret that was decapsulated elsewhere.
    const given = Object.create(kem, { decap: { value: async () => secret.slice().buffer } }) as typeof kem;
    const opener = new CipherSuite({ kem: given, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
    const info = utf8(use).slice().buffer;
    const recipient = await opener.createRecipientContext({ recipientKey: NO_KEY as CryptoKey, enc, info });
    const aad = sealed.slice(0, KEY_OFFSET);
    const plain = new Uint8Array(pages * pageBytes);
    for (let n = 0; n < pages; n++) {
      const at = HEADER_BYTES + n * sealedPageBytes;
      plain.set(new Uint8Array(await recipient.open(sealed.slice(at, at + sealedPageBytes), aad)), n * pageBytes);
    }
    return ok(plain);
  } catch {
    return err('damaged, or sealed to another key or for another use');
  }
}

/**
 * @param key see {@link openerKey}
 * @param use as it was sealed for
 * @param sealed from {@link sealPages}
 * @returns the plain bytes of all pages, or why they can't be had
 */
export async function openPages(
  key: CryptoKey,
  use: string,
  sealed: Uint8Array,
): Promise<Result<Uint8Array, OpenError>> {
  const secret = await secretOf(key, sealed.subarray(0, HEADER_BYTES));
  return secret.ok ? openWithSecret(secret.value, use, sealed) : secret;
}

function isHeader(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER_BYTES && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
}
