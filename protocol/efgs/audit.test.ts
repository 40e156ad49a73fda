import { beforeAll, describe, it } from 'vitest';
import {
  type Anchor,
  issueCertificate,
  makeAnchor,
  makeMember,
  type Member,
} from '../../local-edge/efgs-gateway/pki.ts';
import { goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import { auditBatch, type AuditEntry, type AuditFault, type AuditTrust, readAudit } from './audit.ts';
import type { EfgsKey } from './batch.ts';
import { signBatch } from './batch-signature.ts';
import { readBatchSigner, readEfgsCertificate } from './certificate.ts';

const NOW = 1_606_392_000;
const DAY = 86_400;
/** RFC 5280 §4.2.1.12 */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const NL = [0, 1, 2].map((i) => goodEfgsKey(i, 'NL', NOW));
const FR = [0, 1].map((i) => goodEfgsKey(i, 'FR', NOW));

let anchor: Anchor;
let trust: AuditTrust;
const members = new Map<string, Member>();
beforeAll(async () => {
  anchor = await makeAnchor(NOW);
  for (const country of ['NL', 'FR', 'DE']) {
    members.set(country, await makeMember(anchor, country, NOW));
  }
  trust = { homeCountry: 'DE', anchor: readEfgsCertificate(anchor.certificatePem)!, revoked: new Set(), now: NOW };
});

/** What the gateway says of an upload. */
function entry(country: string, keys: readonly EfgsKey[], signing = members.get(country)!.signing): AuditEntry {
  const signer = readBatchSigner(signing.certificatePem, signing.privateKeyPem);
  if (!signer.ok) throw new Error(signer.error);
  return {
    country,
    uploadedTime: new Date(NOW * 1000).toISOString(),
    signingCertificate: signing.certificatePem,
    uploaderSigningThumbprint: signing.thumbprint,
    signingCertificateOperatorSignature: anchor.list(signing, country, 'SIGNING').signature,
    amount: keys.length,
    batchSignature: signBatch(keys, signer.value, NOW),
  };
}

const fault = (country: string, name: AuditFault['fault']): unknown => ({
  parts: [],
  faults: [{ country, fault: name }],
});

describe('an audit', () => {
  it('says of which uploads a batch consists; our own are passed over, since their keys don’t come', ({ expect }) => {
    const own = entry('DE', [goodEfgsKey(0, 'DE', NOW)]);
    const audit = [entry('NL', NL.slice(0, 2)), own, entry('FR', FR), entry('NL', NL.slice(2))];
    expect(auditBatch([...NL.slice(0, 2), ...FR, ...NL.slice(2)], audit, trust)).toEqual({
      faults: [],
      parts: [
        { country: 'NL', keys: NL.slice(0, 2) },
        { country: 'NL', keys: NL.slice(2) },
        { country: 'FR', keys: FR },
      ],
    });
  });

  it('holds where the gateway stored two countries’ uploads at the same time, a key of each in turn', ({ expect }) => {
    const mixed = [NL[0]!, FR[0]!, NL[1]!, FR[1]!, NL[2]!];
    expect(auditBatch(mixed, [entry('NL', NL), entry('FR', FR)], trust).faults).toEqual([]);
  });

  it('of nothing holds for no keys, and for none but those', ({ expect }) => {
    expect(auditBatch([], [], trust)).toEqual({ parts: [], faults: [] });
    expect(auditBatch(NL, [], trust)).toEqual(fault('NL', 'amount'));
  });

  it.for<[string, (keys: EfgsKey[], audit: AuditEntry[]) => [EfgsKey[], AuditEntry[]], string, AuditFault['fault']]>([
    [
      'a key was changed',
      ([key, ...keys], audit) => [[{ ...key!, transmissionRiskLevel: 8 }, ...keys], audit],
      'NL',
      'digest',
    ],
    ['a key was added', (keys, audit) => [[...keys, goodEfgsKey(9, 'NL', NOW)], audit], 'NL', 'amount'],
    ['a key was left out', (keys, audit) => [keys.slice(1), audit], 'NL', 'amount'],
    ['an amount was changed', (keys, [one]) => [keys, [{ ...one!, amount: 2 }]], 'NL', 'amount'],
    ['one of our keys came back', (keys, audit) => [[...keys, goodEfgsKey(1, 'DE', NOW)], audit], 'DE', 'amount'],
    [
      'a key’s origin was changed',
      ([key, ...keys], audit) => [[{ ...key!, origin: 'FR' }, ...keys], audit],
      'FR',
      'amount',
    ],
  ])('%s', ([, bend, country, name], { expect }) => {
    const [keys, audit] = bend([...NL], [entry('NL', NL)]);
    const result = auditBatch(keys, audit, trust);
    expect(result.faults).toContainEqual({ country, fault: name });
  });

  it('of one country that doesn’t hold says nothing of another’s', ({ expect }) => {
    const bad = { ...entry('NL', NL), amount: 2 };
    expect(auditBatch([...NL, ...FR], [bad, entry('FR', FR)], trust)).toEqual({
      parts: [{ country: 'FR', keys: FR }],
      faults: [{ country: 'NL', fault: 'amount' }],
    });
  });

  it('amounts that are shifted between two uploads of a country', ({ expect }) => {
    const audit = [entry('NL', NL.slice(0, 2)), entry('NL', NL.slice(2))];
    const shifted = [
      { ...audit[0]!, amount: 1 },
      { ...audit[1]!, amount: 2 },
    ];
    expect(auditBatch(NL, shifted, trust)).toEqual({
      parts: [],
      faults: [
        { country: 'NL', fault: 'digest' },
        { country: 'NL', fault: 'digest' },
      ],
    });
  });

  it.for<[string, (own: Member) => AuditEntry | Promise<AuditEntry>, AuditFault['fault']]>([
    ['the signature is another country’s', () => ({ ...entry('FR', NL), country: 'NL' }), 'origin'],
    [
      'the certificate is another country’s, named as this one’s',
      async () => entry('NL', NL, await issueCertificate({ name: 'C=FR, CN=x', now: NOW })),
      'origin',
    ],
    ['the anchor didn’t sign', () => ({ ...entry('NL', NL), signingCertificateOperatorSignature: 'AAAA' }), 'anchor'],
    [
      'the anchor’s word is missing',
      () => ({ ...entry('NL', NL), signingCertificateOperatorSignature: null }),
      'anchor',
    ],
    [
      'another anchor signed',
      async ({ signing }) => {
        const { signature } = (await makeAnchor(NOW)).list(signing, 'NL', 'SIGNING');
        return { ...entry('NL', NL), signingCertificateOperatorSignature: signature };
      },
      'anchor',
    ],
    [
      'the certificate is the country’s for TLS, which the anchor listed as well',
      ({ authentication }) => entry('NL', NL, authentication),
      'usage',
    ],
    [
      'the certificate is one for TLS servers',
      async () => entry('NL', NL, await issueCertificate({ name: 'C=NL, CN=x', now: NOW, purposes: [SERVER_AUTH] })),
      'usage',
    ],
    [
      'the certificate is for other certificates',
      async () => entry('NL', NL, await issueCertificate({ name: 'C=NL, CN=x', now: NOW, authority: true })),
      'usage',
    ],
    ['the certificate is missing', () => ({ ...entry('NL', NL), signingCertificate: null }), 'certificate'],
    [
      'the certificate isn’t the one that signed',
      async ({ signing }) => {
        const other = await issueCertificate({ name: 'C=NL, CN=other', now: NOW });
        return { ...entry('NL', NL, other), ...only(entry('NL', NL, signing)) };
      },
      'unlisted',
    ],
    [
      'the certificate has run out',
      async () => entry('NL', NL, await issueCertificate({ name: 'C=NL, CN=x', now: NOW, days: -1 })),
      'validity',
    ],
    ['the signature is none', () => ({ ...entry('NL', NL), batchSignature: 'AAAA' }), 'malformed'],
  ])('%s', async ([, make, name], { expect }) => {
    expect(auditBatch(NL, [await make(members.get('NL')!)], trust)).toEqual(fault('NL', name));
  });

  it('by a revoked certificate doesn’t hold, whatever the anchor signed', ({ expect }) => {
    const revoked = new Set([members.get('NL')!.signing.thumbprint]);
    expect(auditBatch(NL, [entry('NL', NL)], { ...trust, revoked })).toEqual(fault('NL', 'revoked'));
  });

  it('holds when the certificate ran out since, but not on the gateway’s word for a time long past', async ({
    expect,
  }) => {
    const signing = await issueCertificate({ name: 'C=NL, CN=x', now: NOW, days: 1 });
    const audit = [entry('NL', NL, signing)];
    expect(auditBatch(NL, audit, { ...trust, now: NOW + 2 * DAY }).faults).toEqual([]);
    expect(auditBatch(NL, audit, { ...trust, now: NOW + 16 * DAY })).toEqual(fault('NL', 'validity'));
  });

  it('is read from JSON, with what isn’t known passed over', ({ expect }) => {
    const one = entry('NL', NL);
    expect(readAudit(JSON.stringify([{ ...one, uploaderThumbprint: 'x' }]))).toEqual([one]);
    for (const none of [
      '',
      '{}',
      '[{}]',
      JSON.stringify([{ ...one, amount: 0 }]),
      JSON.stringify([{ ...one, amount: 5001 }]),
    ]) {
      expect(readAudit(none)).toBeNull();
    }
  });
});

/** The certificate's part of an entry. */
function only({ signingCertificate, uploaderSigningThumbprint, signingCertificateOperatorSignature }: AuditEntry) {
  return { signingCertificate, uploaderSigningThumbprint, signingCertificateOperatorSignature };
}
