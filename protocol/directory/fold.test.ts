/** @module Who may say what in the directory: certificates of the wrong kind, sequences with holes, what was taken back. */
import { beforeAll, describe, it } from 'vitest';
import {
  entryLeaf,
  entryOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
  type Party,
  revocationLeaf,
  revocationOf,
} from '../../test/support/directory-world.ts';
import { issueCertificate } from '../../test/support/certificate-authority.ts';
import type { Certificate } from '../certificates/certificate.ts';
import { utf8 } from '../primitives/bytes.ts';
import { clientOf } from './clients.ts';
import { type EntryStatement, MAX_VALIDITY_SECONDS } from './entry.ts';
import { foldLeaves } from './fold.ts';
import type { StatementError } from './statement.ts';
import { openStatement, rememberingOpen } from './statement.ts';

const DE = 'C=DE, OU=eu, CN=Directory of DE';
const TLS_DE = 'C=DE, OU=eu, CN=Consumer of DE';

let root: Party;
let eu: Party;
let usa: Party;
let german: Party;
let tls: Certificate;
let next: Certificate;

beforeAll(async () => {
  root = await makeRoot();
  eu = await makeCluster(root, 'eu');
  usa = await makeCluster(root, 'usa');
  german = await makeRegion(eu, DE);
  tls = await makeTls(eu, TLS_DE);
  next = await makeTls(eu, TLS_DE);
});

const fold = (leaves: readonly Uint8Array[], now = NOW) => foldLeaves(leaves, [root.certificate], now);
const ofDe = (more: Partial<EntryStatement> = {}, by = german) => entryLeaf(by, entryOf(by, [tls], more));
const fingerprintOf = ({ x509 }: Certificate) => x509.fingerprint256.replaceAll(':', '').toLowerCase();

function errorOf(leaf: Uint8Array): StatementError | null {
  const opened = openStatement(leaf, [root.certificate]);
  return opened.ok ? null : opened.error;
}

describe('a statement is none:', () => {
  it.for<[name: string, leaf: () => Uint8Array | Promise<Uint8Array>, error: object]>([
    ['no JSON', () => utf8('hello'), { kind: 'malformed', what: 'no signed document' }],
    ['too long', () => new Uint8Array(40_000), { kind: 'malformed', what: 'no signed document' }],
    [
      'another document',
      () => utf8('{"type":"manifest","payload":"{}"}'),
      { kind: 'malformed', what: 'an unknown type' },
    ],
    ['three TLS certificates', () => entryLeaf(german, entryOf(german, [tls, tls, tls])), { what: 'tlsCertificates' }],
    ['no verification key', () => ofDe({ verificationKeys: [] }), { what: 'verificationKeys' }],
    ['a feed over http', () => ofDe({ feedUrl: 'http://feed.example/' }), { what: 'feedUrl' }],
    ['an address with a query', () => ofDe({ publicUrl: 'https://a.example/?x' }), { what: 'publicUrl' }],
    ['an address with a user', () => ofDe({ publicUrl: 'https://a@b.example/' }), { what: 'publicUrl' }],
    ['valid for too long', () => ofDe({ validUntil: NOW + 2 * MAX_VALIDITY_SECONDS }), { what: 'validUntil' }],
    [
      'a field of no kind',
      () => entryLeaf(german, Object.assign(entryOf(german, [tls]), { more: 1 })),
      { kind: 'malformed' },
    ],
    ['no certificate', () => ofDe({ chain: ['AAAA'] }), { what: 'chain' }],
    [
      'signed by another',
      async () => entryLeaf({ ...(await makeRegion(eu, DE)), certificate: german.certificate }, entryOf(german, [tls])),
      { kind: 'bad-signature' },
    ],
    [
      'without its cluster',
      () => ofDe({ chain: german.chain.slice(0, 1) }),
      { kind: 'path', of: 'signer', error: 'no-path' },
    ],
    [
      'with another cluster',
      () => ofDe({ chain: [german.chain[0] ?? '', usa.chain[0] ?? ''] }),
      { kind: 'path', of: 'signer', error: 'no-path' },
    ],
    ['for another region', () => ofDe({ regionId: 'NL' }), { kind: 'another-region', named: 'DE', wanted: 'NL' }],
    ['for another cluster', () => ofDe({ cluster: 'usa' }), { kind: 'another-cluster', named: 'eu', wanted: 'usa' }],
    ['by its cluster', () => entryLeaf(eu, entryOf(eu, [tls])), { kind: 'not-entitled' }],
    [
      'with a TLS certificate of another region',
      async () => entryLeaf(german, entryOf(german, [await makeTls(eu, 'C=NL, OU=eu, CN=x')])),
      { kind: 'another-region', named: 'NL', wanted: 'DE' },
    ],
    [
      'with a TLS certificate of another cluster',
      async () => entryLeaf(german, entryOf(german, [await makeTls(usa, 'C=DE, OU=usa, CN=x')])),
      { kind: 'another-cluster', named: 'usa' },
    ],
    [
      'with a TLS certificate from nowhere',
      async () =>
        entryLeaf(german, entryOf(german, [await makeTls(await makeCluster(await makeRoot(), 'eu'), TLS_DE)])),
      { kind: 'path', of: 'tls', error: 'no-path' },
    ],
    [
      'signed with a TLS certificate',
      async () => ofDe({}, await makeRegion(eu, DE, { purposes: ['1.3.6.1.5.5.7.3.2'] })),
      { kind: 'path', of: 'signer', error: 'extended-key-usage' },
    ],
    [
      'by one who has two countries',
      async () => ofDe({}, await makeRegion(eu, `C=NL, ${DE}`)),
      { kind: 'another-region', named: '' },
    ],
    [
      'issued before its certificate',
      () => ofDe({ issuedAt: NOW - 400 * 86_400, validUntil: NOW - 300 * 86_400 }),
      { kind: 'path', error: 'validity' },
    ],
    [
      'of a cluster below a cluster',
      async () => {
        const wide = await makeCluster(root, 'eu', { pathLength: 1 });
        const below = await issueCertificate(
          { name: 'OU=eu, CN=Below', authority: true, notBefore: NOW - 9e6, notAfter: NOW + 9e6 },
          wide.issued,
        );
        const region = await makeRegion({ ...wide, issued: below }, DE);
        return ofDe({}, region);
      },
      { kind: 'path', error: 'no-path' },
    ],
  ])('%s', async ([, leaf, error], { expect }) => {
    expect(errorOf(await leaf())).toMatchObject(error);
  });

  it('a region right below the root, with a cluster of its own beside it', async ({ expect }) => {
    const name = 'C=DE, OU=eu, CN=x';
    const direct = await makeRegion({ ...root, chain: [] }, name);
    const made = await makeCluster(await makeRoot(), 'eu');
    expect(errorOf(ofDe({}, { ...direct, chain: [...direct.chain, ...made.chain] }))).toMatchObject({
      kind: 'path',
      of: 'signer',
      error: 'no-path',
    });
    expect(errorOf(ofDe({}, direct))).toMatchObject({ kind: 'malformed', what: 'chain: cluster' });
  });

  it('by an authority that names a country: it could be a region and its cluster at once', async ({ expect }) => {
    const both = await makeCluster(root, 'eu', { name: 'C=DE, OU=eu, CN=Both' });
    const region = await makeRegion(both, 'C=DE, OU=eu, CN=x');
    expect(errorOf(ofDe({}, region))).toEqual({ kind: 'malformed', what: 'chain: cluster' });
  });

  it('by an authority that a cluster made: it could call itself any', async ({ expect }) => {
    const wide = await makeCluster(root, 'eu', { pathLength: 1 });
    const made = await makeCluster(wide, 'usa');
    const below = { ...made, chain: [...made.chain, ...wide.chain] };
    const leaf = revocationLeaf(below, revocationOf(below, { cluster: 'usa' }));
    expect(errorOf(leaf)).toEqual({ kind: 'path', of: 'signer', error: 'path-length' });
  });

  it('a revocation of what is another’s', ({ expect }) => {
    const not = { kind: 'not-entitled' };
    expect(errorOf(revocationLeaf(german, revocationOf(german, { regionId: 'NL', cluster: 'eu' })))).toEqual(not);
    expect(errorOf(revocationLeaf(german, revocationOf(german)))).toEqual(not);
    expect(
      errorOf(revocationLeaf(german, revocationOf(german, { regionId: 'DE', cluster: 'eu', removed: true }))),
    ).toEqual(not);
    expect(errorOf(revocationLeaf(eu, revocationOf(eu, { cluster: 'usa' })))).toEqual(not);
    expect(errorOf(revocationLeaf(eu, revocationOf(eu, { regionId: 'DE' })))).toEqual(not);
    expect(errorOf(revocationLeaf(root, revocationOf(root, { removed: true })))).toEqual(not);
  });
});

describe('of now', () => {
  it('an entry that is over, or whose certificate is, is withheld', async ({ expect }) => {
    expect(fold([ofDe()], NOW + 31 * 86_400)).toMatchObject({ entries: [], problems: [{ kind: 'entry-expired' }] });
    const short = await makeRegion(eu, DE, { notAfter: NOW + 60 });
    expect(fold([ofDe({}, short)]).entries).toHaveLength(1);
    expect(fold([ofDe({}, short)], NOW + 60)).toMatchObject({
      entries: [],
      problems: [{ kind: 'signer-refused', regionId: 'DE', error: 'validity' }],
    });
  });

  it('a TLS certificate that is over is left out, the other stays', async ({ expect }) => {
    const over = await makeTls(eu, TLS_DE, { notAfter: NOW });
    const folded = fold([entryLeaf(german, entryOf(german, [over, next]))]);
    expect(folded.entries[0]?.tlsFingerprints).toEqual([fingerprintOf(next)]);
    expect(folded.problems).toEqual([{ kind: 'tls-expired', regionId: 'DE', fingerprint: fingerprintOf(over) }]);
  });

  it('nothing of tomorrow counts', ({ expect }) => {
    expect(fold([ofDe({ issuedAt: NOW + 7_200, validUntil: NOW + 9_000 })])).toMatchObject({
      entries: [],
      problems: [{ kind: 'from-the-future', index: 0 }],
    });
  });
});

describe('sequences', () => {
  it('a number that is missing withholds the region, until the missing one is there and the later again', ({
    expect,
  }) => {
    const [first, second, third] = [1, 2, 3].map((sequence) => ofDe({ sequence, vendor: `v${sequence}` }));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three');
    expect(fold([first, third])).toMatchObject({
      entries: [],
      problems: [{ kind: 'sequence-gap', author: 'region DE', after: 1, found: 3 }],
    });
    expect(fold([first, third, second]).entries).toEqual([]);
    expect(fold([first, third, second, third])).toMatchObject({ entries: [{ vendor: 'v3', index: 3 }], problems: [] });
  });

  it('a number that was there before is ignored', ({ expect }) => {
    const folded = fold([ofDe(), ofDe({ sequence: 2 }), ofDe({ vendor: 'again' })]);
    expect(folded.entries).toMatchObject([{ sequence: 2, vendor: 'exposure-edge' }]);
    expect(folded.problems).toEqual([{ kind: 'sequence-repeated', index: 2, author: 'region DE', sequence: 1 }]);
    expect(folded.next).toEqual(new Map([['region DE', 3]]));
  });

  it('what a certificate that is over says of a time when it wasn’t is ignored: no key that was found later withholds a region', async ({
    expect,
  }) => {
    const day = 86_400;
    const old = await makeRegion(eu, DE, { notAfter: NOW - 3 * day });
    const then = { issuedAt: NOW - 4 * day, sequence: 3 };
    const first = ofDe({ issuedAt: NOW - 10 * day }, old);
    const second = ofDe({ sequence: 2 });
    const entry = ofDe({ ...then, feedUrl: 'https://thief.example/' }, old);
    const revoked = { regionId: 'DE', cluster: 'eu', tlsFingerprints: [fingerprintOf(tls)] };
    for (const found of [entry, revocationLeaf(old, revocationOf(old, { ...then, ...revoked }))]) {
      expect(openStatement(found, [root.certificate]).ok).toBe(true);
      const { entries, problems } = fold([first, second, found]);
      expect(entries).toMatchObject([{ sequence: 2, tlsFingerprints: [fingerprintOf(tls)] }]);
      expect(problems).toEqual([{ kind: 'backdated', index: 2, author: 'region DE', issuedAt: then.issuedAt }]);
    }
    // A clock that was ahead and was set right is none.
    expect(
      fold([second, ofDe({ sequence: 1 }), ofDe({ sequence: 2 }), ofDe({ sequence: 3, issuedAt: NOW - 7_100 })])
        .entries,
    ).toMatchObject([{ sequence: 3 }]);
  });

  it('a cluster’s statement that is missing withholds its regions, another’s not', async ({ expect }) => {
    const american = await makeRegion(usa, 'C=US, OU=usa, CN=x');
    const consumer = await makeTls(usa, 'C=US, OU=usa, CN=y');
    const ofUs = entryLeaf(american, entryOf(american, [consumer], { regionId: 'US', cluster: 'usa' }));
    const gap = revocationLeaf(eu, revocationOf(eu, { cluster: 'eu', sequence: 2 }));
    expect(fold([ofDe(), ofUs, gap])).toMatchObject({
      entries: [{ regionId: 'US' }],
      problems: [{ kind: 'sequence-gap', author: 'cluster eu' }],
    });
    expect(fold([ofDe(), ofUs, revocationLeaf(root, revocationOf(root, { sequence: 7 }))]).entries).toEqual([]);
  });

  it('a gap that a thief left is over once the certificate is taken back, of a cluster too', async ({ expect }) => {
    const far = ofDe({ sequence: 1_000_000 });
    expect(fold([ofDe(), far]).entries).toEqual([]);
    const scope = { regionId: 'DE', cluster: 'eu' };
    const taken = revocationLeaf(eu, revocationOf(eu, { ...scope, certificates: [german.certificate.publicKey] }));
    const again = await makeRegion(eu, DE);
    expect(fold([ofDe(), far, taken, ofDe({ sequence: 2, vendor: 'again' }, again)])).toMatchObject({
      entries: [{ vendor: 'again' }],
      problems: [],
    });
    const farEu = revocationLeaf(eu, revocationOf(eu, { cluster: 'eu', sequence: 1_000_000 }));
    const byRoot = revocationLeaf(root, revocationOf(root, { certificates: [eu.certificate.publicKey] }));
    const nextEu = await makeCluster(root, 'eu');
    const below = await makeRegion(nextEu, DE);
    const consumer = await makeTls(nextEu, TLS_DE);
    const anew = entryLeaf(below, entryOf(below, [consumer], { sequence: 2 }));
    expect(fold([ofDe(), farEu, anew]).entries).toEqual([]);
    expect(fold([ofDe(), farEu, byRoot, anew])).toMatchObject({ entries: [{ sequence: 2 }], problems: [] });
  });

  it('a region stays in the cluster in which it came', async ({ expect }) => {
    const other = await makeRegion(usa, 'C=DE, OU=usa, CN=x');
    const consumer = await makeTls(usa, 'C=DE, OU=usa, CN=y');
    const moved = entryLeaf(other, entryOf(other, [consumer], { cluster: 'usa', sequence: 2 }));
    expect(fold([ofDe(), moved])).toMatchObject({
      entries: [{ cluster: 'eu' }],
      problems: [{ kind: 'moved-cluster', regionId: 'DE', from: 'eu', to: 'usa' }],
    });
  });
});

describe('leaves that were opened before', () => {
  it('are not opened again, and say the same; the oldest are forgotten', ({ expect }) => {
    const leaves = [ofDe(), utf8('hello'), ofDe({ sequence: 2 })];
    const open = rememberingOpen([root.certificate], 2);
    const [first, second] = [1, 2].map(() => foldLeaves(leaves, [root.certificate], NOW, open));
    expect(second).toEqual(first);
    expect(first).toEqual(fold(leaves));
    const last = leaves[2] ?? utf8('');
    expect(open(last)).toBe(open(last));
    const before = open(last);
    for (const other of ['a', 'b']) open(utf8(other));
    expect(open(last)).not.toBe(before);
    // Another moment is judged anew, whatever is remembered.
    expect(foldLeaves(leaves, [root.certificate], NOW + 31 * 86_400, open).entries).toEqual([]);
  });
});

describe('what was taken back', () => {
  const back = (by: Party, more: object) => revocationLeaf(by, revocationOf(by, more));

  it('of two TLS certificates and keys one goes, the other stays', ({ expect }) => {
    const keys = ['v1', 'v2'].map((keyVersion) => ({ keyId: '262', keyVersion, spki: german.spki }));
    const entry = entryLeaf(german, entryOf(german, [tls, next], { verificationKeys: keys }));
    const scope = { regionId: 'DE', cluster: 'eu', sequence: 2 };
    const taken = { tlsFingerprints: [fingerprintOf(tls)], verificationKeys: [{ keyId: '262', keyVersion: 'v1' }] };
    const { entries, problems } = fold([entry, back(german, { ...scope, ...taken })]);
    expect(problems).toEqual([]);
    expect(entries).toMatchObject([
      { tlsFingerprints: [fingerprintOf(next)], verificationKeys: [{ keyVersion: 'v2' }] },
    ]);
    expect(clientOf(entries, fingerprintOf(next), NOW)).toMatchObject({ ok: true, entry: { regionId: 'DE' } });
    expect(clientOf(entries, fingerprintOf(tls), NOW)).toEqual({ ok: false, error: 'revoked' });
    expect(clientOf(entries, '0'.repeat(64), NOW)).toEqual({ ok: false, error: 'unlisted' });
    expect(clientOf(entries, fingerprintOf(next), NOW + 31 * 86_400)).toEqual({ ok: false, error: 'expired' });
    // It stays so, whatever the region says later.
    const again = entryLeaf(german, entryOf(german, [tls], { sequence: 3, verificationKeys: keys }));
    expect(fold([entry, back(german, { ...scope, ...taken }), again]).entries).toMatchObject([{ tlsFingerprints: [] }]);
  });

  it('a region’s certificate, by its cluster: it says nothing more, until it has another', async ({ expect }) => {
    const leaf = back(eu, { regionId: 'DE', cluster: 'eu', certificates: [german.certificate.publicKey] });
    expect(fold([ofDe(), leaf])).toMatchObject({
      entries: [],
      problems: [{ kind: 'signer-refused', regionId: 'DE', error: 'revoked' }],
    });
    const again = await makeRegion(eu, DE);
    const folded = fold([ofDe(), leaf, ofDe({ sequence: 2 }), ofDe({ sequence: 2, vendor: 'again' }, again)]);
    expect(folded.entries).toMatchObject([{ vendor: 'again', index: 3 }]);
    expect(folded.problems).toEqual([{ kind: 'revoked-signer', index: 2, author: 'region DE' }]);
  });

  it('a TLS certificate by its key: whatever its fingerprint', ({ expect }) => {
    const entry = entryLeaf(german, entryOf(german, [tls, next]));
    const { entries } = fold([entry, back(eu, { regionId: 'DE', cluster: 'eu', certificates: [tls.publicKey] })]);
    expect(entries[0]?.tlsFingerprints).toEqual([fingerprintOf(next)]);
  });

  it('a cluster’s certificate, by the root: all below it', ({ expect }) => {
    const leaf = back(root, { certificates: [eu.certificate.publicKey] });
    expect(fold([ofDe(), leaf])).toMatchObject({ entries: [], problems: [{ kind: 'signer-refused' }] });
  });

  it('holds though a statement before it is missing', ({ expect }) => {
    const leaf = back(eu, { cluster: 'eu', sequence: 2, certificates: [german.certificate.publicKey] });
    const folded = fold([ofDe(), leaf, ofDe({ sequence: 2 })]);
    expect(folded.entries).toEqual([]);
    expect(folded.problems.map(({ kind }) => kind)).toEqual(['revoked-signer', 'sequence-gap']);
  });

  it('a region that was removed is gone; what it said before doesn’t come back, another cluster may have it', async ({
    expect,
  }) => {
    const leaf = back(eu, { regionId: 'DE', cluster: 'eu', removed: true });
    expect(fold([ofDe(), leaf])).toMatchObject({ entries: [], problems: [] });
    expect(fold([ofDe(), leaf, ofDe()])).toMatchObject({ entries: [], problems: [{ kind: 'before-removal' }] });
    expect(fold([ofDe(), leaf, ofDe({ issuedAt: NOW - 60 })]).entries).toHaveLength(1);
    const other = await makeRegion(usa, 'C=DE, OU=usa, CN=x');
    const consumer = await makeTls(usa, 'C=DE, OU=usa, CN=y');
    const moved = entryLeaf(other, entryOf(other, [consumer], { cluster: 'usa' }));
    expect(fold([ofDe(), leaf, moved]).entries).toMatchObject([{ cluster: 'usa' }]);
    // A cluster ends its own regions alone.
    const others = back(usa, { regionId: 'DE', cluster: 'usa', removed: true });
    expect(fold([ofDe(), others]).entries).toMatchObject([{ cluster: 'eu' }]);
  });
});
