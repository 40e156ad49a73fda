/** @module Lists of revoked certificates in workerd: what is taken from an authority, and what never is. */
import { beforeAll, describe, it } from 'vitest';
import {
  Extension,
  issueCertificate,
  issueRevocationList,
  KeyUsageFlags,
  type RevocationSubject,
  type TestCertificate,
  unknownExtension,
} from '../../../test/support/certificate-authority.ts';
import { type Certificate, readCertificate } from '../../../protocol/certificates/certificate.ts';
import { elements } from './der.ts';
import { readRevocationList } from './revocation-list.ts';

const NOW = 1_790_000_000;
const AUTHORITY = { authority: true, notBefore: NOW - 600 };
const FRESH = { thisUpdate: NOW - 3600 };

let root: TestCertificate;
beforeAll(async () => {
  root = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
});

function read({ certificate }: TestCertificate): Certificate {
  const found = readCertificate(new Uint8Array(certificate.rawData));
  if (found === null) throw new Error('no certificate');
  return found;
}

describe('a list', () => {
  it('says which serial numbers, in which order the lists came, and until when', async ({ expect }) => {
    const card = await issueCertificate({ name: 'CN=A, SERIALNUMBER=1', notBefore: NOW }, root);
    const { serialNumber } = card.certificate;
    const der = await issueRevocationList({ ...FRESH, revoked: ['01', 'ff00', serialNumber], number: 7 }, root);
    expect(readRevocationList(der, read(root), NOW)).toEqual({
      ok: true,
      value: {
        number: `${'0'.repeat(39)}7`,
        thisUpdate: NOW - 3600,
        nextUpdate: NOW - 3600 + 86_400,
        revoked: ['01', 'ff00', read(card).serial],
      },
    });
    const empty = await issueRevocationList(FRESH, root);
    expect(readRevocationList(empty, read(root), NOW)).toMatchObject({ ok: true, value: { revoked: [] } });
  });

  it.for<[name: string, list: Partial<RevocationSubject>, error: string]>([
    ['past its end', { thisUpdate: NOW - 7200, nextUpdate: NOW }, 'time'],
    ['from tomorrow', { thisUpdate: NOW + 86_400 }, 'time'],
    ['signed with SHA-1', { hash: 'SHA-1' }, 'algorithm'],
    [
      'a part of a distribution point',
      { more: [new Extension('2.5.29.28', true, Uint8Array.of(0x30, 0))] },
      'critical',
    ],
    ['a difference', { more: [new Extension('2.5.29.27', true, Uint8Array.of(2, 1, 1))] }, 'critical'],
    ['with what nobody knows', { more: [unknownExtension(true)] }, 'critical'],
  ])('is refused: %s', async ([, list, error], { expect }) => {
    expect(readRevocationList(await issueRevocationList({ ...FRESH, ...list }, root), read(root), NOW)).toEqual({
      ok: false,
      error,
    });
  });

  it('of another authority is refused, one of the same name too, and one that may sign no lists', async ({
    expect,
  }) => {
    const twin = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
    const other = await issueCertificate({ ...AUTHORITY, name: 'CN=Other' }, null);
    const silent = { ...AUTHORITY, name: 'CN=Silent', usage: KeyUsageFlags.keyCertSign };
    const mute = await issueCertificate(silent, null);
    for (const [signer, reader, error] of [
      [twin, root, 'signature'],
      [other, root, 'issuer'],
      [mute, mute, 'key-usage'],
    ] as const) {
      const result = readRevocationList(await issueRevocationList(FRESH, signer), read(reader), NOW);
      expect(result).toEqual({ ok: false, error });
    }
  });

  it('one byte of which was changed, cut off or added is refused, wherever it is', async ({ expect }) => {
    const der = await issueRevocationList({ ...FRESH, revoked: ['01', '02'] }, root);
    for (let i = 0; i < der.length; i++) {
      const changed = Uint8Array.from(der, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect([i, readRevocationList(changed, read(root), NOW).ok]).toEqual([i, false]);
    }
    for (const bytes of [der.subarray(0, -1), Uint8Array.of(...der, 0), new Uint8Array(), Uint8Array.of(0x30, 0x84)]) {
      expect(readRevocationList(bytes, read(root), NOW)).toEqual({ ok: false, error: 'syntax' });
    }
  });
});

describe('elements', () => {
  it.for<[name: string, bytes: number[]]>([
    ['a length without end', [0x30, 0x80, 0, 0]],
    ['a length that could be shorter', [0x04, 0x81, 0x01, 0x00]],
    ['a length with a leading zero', [0x04, 0x82, 0x00, 0x80, ...Array<number>(128).fill(0)]],
    ['a length past the end', [0x04, 0x02, 0x00]],
    ['a length of five bytes', [0x04, 0x85, 1, 0, 0, 0, 0]],
    ['a tag of several bytes', [0x1f, 0x81, 0x00, 0x00]],
    ['a tag alone', [0x30]],
  ])('refuse %s', ([, bytes], { expect }) => {
    expect(() => [...elements(Uint8Array.from(bytes))]).toThrow(RangeError);
  });
});
