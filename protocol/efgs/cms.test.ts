import { describe, it } from 'vitest';
import { goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import { issueCertificate, makeAnchor, type Issued, type Subject } from '../../local-edge/efgs-gateway/pki.ts';
import { toBase64, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { signBatch, verifyBatch, type Signers } from './batch-signature.ts';
import { isListedByAnchor, isValidAt, readBatchSigner, readEfgsCertificate, type BatchSigner } from './certificate.ts';
import { signDetached, verifyDetached } from './cms.ts';

const NOW = 1_606_392_000;
const DAY = 86_400;
const CONTENT = utf8('content of a batch');

const issued = (subject: Partial<Subject> = {}): Promise<Issued> =>
  issueCertificate({ name: 'C=NL, CN=signing', now: NOW, ...subject });

function signerOf({ certificatePem, privateKeyPem }: Issued): BatchSigner {
  const signer = readBatchSigner(certificatePem, privateKeyPem);
  if (!signer.ok) throw new Error(signer.error);
  return signer.value;
}

describe('detached CMS', () => {
  it.for(['ec', 'rsa'] as const)('signed with %s is its content’s, and no other’s', async (algorithm, { expect }) => {
    const own = await issued({ algorithm });
    const cms = signDetached(CONTENT, signerOf(own), NOW);
    expect(verifyDetached(CONTENT, cms)).toMatchObject({
      ok: true,
      value: { thumbprint: own.thumbprint, country: 'NL' },
    });
    expect(verifyDetached(utf8('content of a botch'), cms)).toEqual({ ok: false, error: 'digest' });
  });

  it('no byte of digest, signing time or signature can be changed', async ({ expect }) => {
    const cms = signDetached(CONTENT, signerOf(await issued()), NOW);
    const at = (part: Uint8Array): number => toHex(cms).indexOf(toHex(part)) / 2;
    const parts = [
      { from: at(sha256(CONTENT)), bytes: 32 },
      { from: at(utf8('201126120000Z')), bytes: 12 },
      // r and s end the message; before them stand lengths that differ from signature to signature.
      { from: cms.length - 60, bytes: 60 },
    ];
    for (const { from, bytes } of parts) {
      expect(from).toBeGreaterThan(0);
      for (let i = from; i < from + bytes; i++) {
        const bent = Uint8Array.from(cms);
        bent[i] = (bent[i] ?? 0) ^ 1;
        expect(verifyDetached(CONTENT, bent).ok).toBe(false);
      }
    }
  });

  it.for([
    ['nothing', new Uint8Array()],
    ['text', utf8('-----BEGIN CMS-----')],
  ] as const)('%s is malformed', ([, bytes], { expect }) => {
    expect(verifyDetached(CONTENT, bytes)).toEqual({ ok: false, error: 'malformed' });
  });
});

describe('a batch’s signature', () => {
  const keys = [goodEfgsKey(1, 'NL', NOW), goodEfgsKey(2, 'NL', NOW)];
  const listed: Signers = { at: NOW, standing: () => 'listed' };

  it('holds whatever order its keys come in', async ({ expect }) => {
    const signature = signBatch(keys, signerOf(await issued()), NOW);
    expect(verifyBatch(keys.toReversed(), signature, listed)).toMatchObject({ ok: true, value: { country: 'NL' } });
  });

  it.for<[string, Partial<Subject>, Signers, string]>([
    ['of one that isn’t listed', {}, { ...listed, standing: () => 'unlisted' }, 'unlisted'],
    ['of one that is revoked', {}, { ...listed, standing: () => 'revoked' }, 'revoked'],
    ['of one that has run out', { days: -1 }, listed, 'validity'],
    ['of one that isn’t valid yet', {}, { ...listed, at: NOW - 3 * DAY }, 'validity'],
    ['of another country', { name: 'C=FR, CN=signing' }, listed, 'origin'],
    ['of no country', { name: 'CN=signing' }, listed, 'country'],
  ])('%s is refused', async ([, subject, signers, fault], { expect }) => {
    const own = await issued(subject);
    const certificate = readEfgsCertificate(own.certificatePem);
    const { createPrivateKey, sign } = await import('node:crypto');
    const key = createPrivateKey(own.privateKeyPem);
    // As a signer that asks nothing: one without a country isn't made by readBatchSigner.
    const signer: BatchSigner = {
      certificate: certificate!,
      sign: (bytes) => Uint8Array.from(sign('sha256', bytes, key)),
    };
    expect(verifyBatch(keys, signBatch(keys, signer, NOW), signers)).toEqual({ ok: false, error: fault });
  });

  it('is asked for its own country’s list, by all 64 digits of the fingerprint', async ({ expect }) => {
    const own = await issued();
    const asked: unknown[] = [];
    verifyBatch(keys, signBatch(keys, signerOf(own), NOW), {
      at: NOW,
      standing: ({ thumbprint }, country) => {
        asked.push(thumbprint, country);
        return 'listed';
      },
    });
    expect(asked).toEqual([own.thumbprint, 'NL']);
  });

  it('no key can be changed, added or left out', async ({ expect }) => {
    const signature = signBatch(keys, signerOf(await issued()), NOW);
    const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
    for (const changed of [
      [first],
      [first, second, goodEfgsKey(3, 'NL', NOW)],
      [first, { ...second, transmissionRiskLevel: 6 }],
      [first, { ...second, visitedCountries: ['FR'] }],
      [first, { ...second, daysSinceOnsetOfSymptoms: 0 }],
    ]) {
      expect(verifyBatch(changed, signature, listed)).toEqual({ ok: false, error: 'digest' });
    }
  });

  it.for([
    ['no base64', '*'],
    ['longer than any', toBase64(new Uint8Array(20_000))],
  ] as const)('%s is malformed', ([, signature], { expect }) => {
    expect(verifyBatch(keys, signature, listed)).toEqual({ ok: false, error: 'malformed' });
  });
});

describe('certificates', () => {
  it('are listed by a signature of the trust anchor over their very text', async ({ expect }) => {
    const [anchor, stranger, own] = await Promise.all([makeAnchor(NOW), makeAnchor(NOW), issued()]);
    const { rawData, signature } = anchor.list(own, 'NL', 'SIGNING');
    const of = readEfgsCertificate(anchor.certificatePem)!;
    expect(isListedByAnchor(rawData, signature, of)).toBe(true);
    expect(isListedByAnchor(`${rawData}\n`, signature, of)).toBe(false);
    expect(isListedByAnchor(rawData, stranger.list(own, 'NL', 'SIGNING').signature, of)).toBe(false);
    expect(isListedByAnchor(rawData, '', of)).toBe(false);
  });

  it.for([
    ['two in one text', (pem: string) => pem + pem],
    ['text before', (pem: string) => `x${pem}`],
    ['none', () => ''],
  ] as const)('%s: none', async ([, bend], { expect }) => {
    expect(readEfgsCertificate(bend((await issued()).certificatePem))).toBeNull();
  });

  it.for([
    ['C=NL, CN=x', 'NL'],
    ['CN=x', null],
    ['C=NL, C=DE, CN=x', null],
  ] as const)('%s is of country %s', async ([name, country], { expect }) => {
    const certificate = readEfgsCertificate((await issued({ name })).certificatePem);
    expect(certificate?.country).toBe(country);
    expect(isValidAt(certificate!, NOW)).toBe(true);
  });

  it('a signer needs its own key, and a country', async ({ expect }) => {
    const [own, other, rsa, stateless] = await Promise.all([
      issued(),
      issued(),
      issued({ algorithm: 'rsa' }),
      issued({ name: 'CN=x' }),
    ]);
    expect(readBatchSigner(own.certificatePem, other.privateKeyPem)).toEqual({ ok: false, error: 'not-its-key' });
    expect(readBatchSigner(own.certificatePem, rsa.privateKeyPem)).toEqual({ ok: false, error: 'not-its-key' });
    expect(readBatchSigner(own.certificatePem, 'no key')).toEqual({ ok: false, error: 'private-key' });
    expect(readBatchSigner('no certificate', own.privateKeyPem)).toEqual({ ok: false, error: 'certificate' });
    expect(readBatchSigner(stateless.certificatePem, stateless.privateKeyPem)).toEqual({ ok: false, error: 'country' });
  });
});
