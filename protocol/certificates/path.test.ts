/** @module Paths, in Node and in workerd: certificates of a test authority, and each fault of RFC 5280 that must end one. */
import { beforeAll, describe, it } from 'vitest';
import {
  type CertificateSubject,
  ExtendedKeyUsage,
  Extension,
  issueCertificate,
  KeyUsageFlags,
  makeRsaKeys,
  type TestCertificate,
  unknownExtension,
  withNegatedS,
} from '../../test/support/certificate-authority.ts';
import { type Certificate, marksOf, readCertificate, SERIAL_NUMBER_ATTRIBUTE } from './certificate.ts';
import { type PathError, validateAuthority, validatePath } from './path.ts';

const NOW = 1_790_000_000;
const AUTHORITY = { authority: true, notBefore: NOW - 600 };
const CARD: CertificateSubject = { name: 'CN=Dr. A. Jansen, SERIALNUMBER=900012345, O=Practice', notBefore: NOW - 60 };

let root: TestCertificate;
let between: TestCertificate;
beforeAll(async () => {
  root = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
  between = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2026' }, root);
});

function read(given: TestCertificate | Uint8Array): Certificate {
  const found = readCertificate(given instanceof Uint8Array ? given : new Uint8Array(given.certificate.rawData));
  if (found === null) throw new Error('no certificate');
  return found;
}

const outcome = (leaf: TestCertificate | Uint8Array, intermediates: readonly TestCertificate[] = [], top = root) => {
  const source = { intermediates: intermediates.map((one) => read(one)), roots: [read(top)], now: NOW };
  const path = validatePath(read(leaf), source);
  return path.ok ? path.links.length : path.error;
};

describe('a path', () => {
  it('leads to the root, through any authorities in any order, and not without them', async ({ expect }) => {
    expect(outcome(await issueCertificate(CARD, root))).toBe(1);
    const below = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards of Gouda' }, between);
    const leaf = await issueCertificate(CARD, below);
    expect(outcome(leaf, [between, below])).toBe(3);
    expect(outcome(leaf, [below, between])).toBe(3);
    expect(outcome(leaf, [below])).toBe('no-path');
    expect(outcome(leaf)).toBe('no-path');
  });

  it('is found when an authority of the same name and another key was sent as well', async ({ expect }) => {
    const other = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2026' }, root);
    const leaf = await issueCertificate(CARD, between);
    expect(outcome(leaf, [other, between])).toBe(2);
    expect(outcome(leaf, [other])).toBe('no-path');
  });

  it('ends where two authorities certify each other', async ({ expect }) => {
    const a = await issueCertificate({ ...AUTHORITY, name: 'CN=A' }, null);
    const b = await issueCertificate({ ...AUTHORITY, name: 'CN=B' }, a);
    const again = await issueCertificate({ ...AUTHORITY, name: 'CN=A', keys: a.keys }, b);
    expect(outcome(await issueCertificate(CARD, b), [again, b, a])).toBe('no-path');
  });
});

describe('is refused:', () => {
  it.for<[name: string, card: Partial<CertificateSubject>, error: PathError]>([
    ['for servers', { purposes: [ExtendedKeyUsage.serverAuth] }, 'extended-key-usage'],
    ['for anything', { purposes: ['2.5.29.37.0'] }, 'extended-key-usage'],
    ['for nothing in particular', { purposes: [] }, 'extended-key-usage'],
    ['a key that signs no handshake', { usage: KeyUsageFlags.keyEncipherment }, 'key-usage'],
    ['an authority as a card', { authority: true, purposes: [ExtendedKeyUsage.clientAuth] }, 'authority'],
    [
      'a card that may sign certificates',
      { usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign },
      'authority',
    ],
    ['an unknown critical extension', { more: [unknownExtension(true)] }, 'extensions'],
    ['an extension that stands twice', { more: [unknownExtension(false), unknownExtension(false)] }, 'extensions'],
    [
      'an extension that is not what it says',
      { purposes: [], more: [new Extension('2.5.29.37', false, Uint8Array.of(2, 1, 1))] },
      'extensions',
    ],
    ['signed with SHA-1', { hash: 'SHA-1' }, 'algorithm'],
    ['expired', { notAfter: NOW - 1 }, 'validity'],
    ['expiring now', { notAfter: NOW }, 'validity'],
    ['not valid yet', { notBefore: NOW + 1 }, 'validity'],
  ])('%s', async ([, card, error], { expect }) => {
    expect(outcome(await issueCertificate({ ...CARD, ...card }, between), [between])).toBe(error);
  });

  it.for<[name: string, authority: Partial<CertificateSubject>, error: PathError]>([
    ['an authority that is none', { authority: false }, 'not-an-authority'],
    ['one that signs no certificates', { usage: KeyUsageFlags.cRLSign }, 'key-usage'],
    ['one that says nothing of it', { usage: null }, 'key-usage'],
    ['one for servers', { purposes: [ExtendedKeyUsage.serverAuth] }, 'extended-key-usage'],
    ['one with an unknown critical extension', { more: [unknownExtension(true)] }, 'extensions'],
    [
      'one bound to names, which nobody here compares',
      { more: [new Extension('2.5.29.30', false, Uint8Array.of(0x30, 0))] },
      'name-constraints',
    ],
    ['one that has expired', { notAfter: NOW - 1 }, 'validity'],
    ['one signed with SHA-1', { hash: 'SHA-1' }, 'algorithm'],
  ])('%s', async ([, authority, error], { expect }) => {
    const issuer = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2027', ...authority }, root);
    expect(outcome(await issueCertificate(CARD, issuer), [issuer])).toBe(error);
  });

  it('more authorities than one of them allows below itself', async ({ expect }) => {
    const end = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2028', pathLength: 0 }, root);
    expect(outcome(await issueCertificate(CARD, end), [end])).toBe(2);
    const below = await issueCertificate({ ...AUTHORITY, name: 'CN=Below' }, end);
    expect(outcome(await issueCertificate(CARD, below), [below, end])).toBe('path-length');
    const top = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of none', pathLength: 0 }, null);
    const first = await issueCertificate({ ...AUTHORITY, name: 'CN=First' }, top);
    expect(outcome(await issueCertificate(CARD, first), [first], top)).toBe('path-length');
    const source = { intermediates: [], roots: [read(top)], now: NOW };
    expect(validateAuthority(read(first), source)).toMatchObject({ error: 'path-length' });
    expect(validateAuthority(read(top), source)).toEqual({ ok: true, links: [] });
  });

  it('a card, where a certificate for signed documents is asked for', async ({ expect }) => {
    const documents = await issueCertificate({ ...CARD, purposes: ['1.3.6.1.5.5.7.3.36'] }, root);
    const source = { intermediates: [], roots: [read(root)], now: NOW, purpose: '1.3.6.1.5.5.7.3.36' };
    expect(validatePath(read(documents), source)).toMatchObject({ ok: true });
    expect(validatePath(read(await issueCertificate(CARD, root)), source)).toMatchObject({
      error: 'extended-key-usage',
    });
    expect(outcome(documents)).toBe('extended-key-usage');
  });

  it('a short RSA key', async ({ expect }) => {
    expect(outcome(await issueCertificate({ ...CARD, keys: await makeRsaKeys(1024) }, root))).toBe('key');
    expect(outcome(await issueCertificate({ ...CARD, keys: await makeRsaKeys(2048) }, root))).toBe(1);
  });
});

describe('a certificate', () => {
  it('whose s was negated is another file that still holds, and is named the same', async ({ expect }) => {
    const leaf = await issueCertificate(CARD, root);
    const forged = withNegatedS(leaf);
    expect([...forged]).not.toEqual([...new Uint8Array(leaf.certificate.rawData)]);
    expect(outcome(forged)).toBe(1);
    expect(read(forged).x509.fingerprint256).not.toBe(read(leaf).x509.fingerprint256);
    expect(marksOf(read(forged))).toEqual(marksOf(read(leaf)));
  });

  it('is named by issuer and serial number and by its key; the subject’s fields are read as they are', async ({
    expect,
  }) => {
    const leaf = read(await issueCertificate({ ...CARD, name: 'CN=A\nserialNumber=1, SERIALNUMBER=7, O=P' }, root));
    expect(leaf.subjectValues(SERIAL_NUMBER_ATTRIBUTE)).toEqual(['7']);
    expect(leaf.issuer).toBe(read(root).subject);
    expect(marksOf(leaf)).toEqual([`serial:${leaf.issuer}:${leaf.serial}`, `key:${leaf.publicKey}`]);
    expect(leaf.serial.toUpperCase()).toBe(leaf.x509.serialNumber);
  });

  it.for([Uint8Array.of(), Uint8Array.of(0x30, 0x80), new Uint8Array(40)])('is none: %o', (bytes, { expect }) => {
    expect(readCertificate(bytes)).toBeNull();
  });
});
