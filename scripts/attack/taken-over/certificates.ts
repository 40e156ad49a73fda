/**
 * @module `upload`, taken over, against certificates of Google's dialect: it sees those that pass, holds a key of its own, and wants to publish without one,
 * twice with one, or more than one says. `verification` verifies each anew and `origin` wants its word for it, so one payload a certificate is what it gets.
 */
import { randomUUID } from 'node:crypto';
import { originIdOf } from '../../../domain/intake-permit.ts';
import type { Certified } from '../../../domain/rpc-publish.ts';
import type { AcceptedUpload } from '../../../domain/rpc.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import type { HealthAuthority } from '../../../protocol/publish/authorities.ts';
import { certificateName } from '../../../protocol/publish/certificate.ts';
import {
  CERTIFICATE_SECONDS,
  certificateHash,
  certificateSigningInput,
  signCertificate,
} from '../../../protocol/publish/issued-certificate.ts';
import type { CertifiedReport } from '../../../protocol/publish/report-type.ts';
import { pkcs8PemFromScalar, type SigningKey, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { importLocally } from '../../support/authorities.ts';
import type { Verdict } from '../attack.ts';
import { ID_KEY, type Rogue, START } from './rogue-upload.ts';

/** As keys of a confirmed test are stored (docs/google-dialect.md). */
const LEVEL = 8;

const authority = (publicKeySpki: Uint8Array): HealthAuthority => ({
  id: 'health',
  name: 'Health',
  issuer: 'https://health.example',
  audience: 'keys',
  keys: [{ kid: 'v1', publicKey: toBase64(publicKeySpki), from: 0, until: null }],
  regions: ['DE'],
  apps: ['org.example.app'],
  reportTypes: ['confirmed', 'negative'],
});

/** @returns a certificate for keys that `verification` never sees */
function certificateBy({ raw }: SigningKey): string {
  const head = { kid: 'v1', iss: 'https://health.example', aud: 'keys' };
  const claims = { reportType: 'confirmed', symptomDay: null, tekmac: toBase64(new Uint8Array(32)), at: START };
  return signCertificate(certificateSigningInput(head, claims), raw);
}

/**
 * @param rogue its strings
 * @param url of the local edge, whose clock stands at the rogue's start
 * @returns the verdicts; one payload of 12 keys is stored by then
 */
export async function tryCertificates(rogue: Rogue, url: string): Promise<Verdict[]> {
  const [honest, own] = [1, 2].map((n) => signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(n)))) as [
    SigningKey,
    SigningKey,
  ];
  await importLocally(url, [authority(honest.publicKeySpki)]);
  const jwt = certificateBy(honest);
  const name = certificateName(certificateHash(jwt.slice(0, jwt.lastIndexOf('.'))));
  const payload = (): AcceptedUpload => rogue.upload(rogue.invent(12, LEVEL));
  const says = (reportType: CertifiedReport, authorityId = 'health', later = 0): Certified => ({
    authorityId,
    reportType,
    expiresAt: START + CERTIFICATE_SECONDS + later,
  });

  const forged = [certificateBy(own), `${jwt.slice(0, jwt.lastIndexOf('.'))}.${'A'.repeat(86)}`, ''];
  let permits = 0;
  for (const text of forged) {
    if ((await rogue.permitByCertificate(text, randomUUID(), payload())) !== null) permits += 1;
  }

  const [one, two] = [randomUUID(), randomUUID()];
  const [first, second] = [originIdOf(ID_KEY, one), originIdOf(ID_KEY, two)];
  const [a, b] = [payload(), payload()];
  const kinds: string[] = [];
  const attempt = async (...[id, upload, permit, certified]: Parameters<Rogue['acceptCertified']>): Promise<string> => {
    const { kind } = await rogue.acceptCertified(id, upload, permit, certified);
    kinds.push(kind);
    return kind;
  };
  await attempt(first, a, null, says('confirmed'));
  const permit = await rogue.permitByCertificate(jwt, one, a);
  const more = [
    await attempt(first, a, permit, says('negative')),
    await attempt(first, a, permit, says('confirmed', 'another')),
    // So that the answer is kept for days.
    await attempt(first, a, permit, says('confirmed', 'health', 86_400)),
    await attempt(first, b, permit, says('confirmed')),
    await attempt(second, a, permit, says('confirmed')),
    // As what a TAN is good for, of which nobody certified anything.
    (await rogue.accept(first, a, permit)).kind,
  ];
  const stored = await attempt(first, a, permit, says('confirmed'));
  // Again: under the same reservation, with it given back without proof, by the name alone, and once it is used.
  await attempt(first, b, await rogue.permitByCertificate(jwt, one, b), says('confirmed'));
  for (const receipt of ['', '0'.repeat(64)]) await rogue.release(name, one, receipt);
  await attempt(second, b, await rogue.permitByCertificate(jwt, two, b), says('confirmed'));
  await attempt(second, b, await rogue.permit(name, two, b), says('confirmed'));
  await rogue.commit(name, one);
  await attempt(second, b, await rogue.permitByCertificate(jwt, two, b, 'cd'.repeat(32)), says('confirmed'));
  return [
    { what: 'permits for certificates of nobody’s', figure: String(permits), bound: '0', holds: permits === 0 },
    {
      what: 'what a certificate doesn’t say, under its permit',
      figure: [...new Set(more)].join(', '),
      bound: 'refused',
      holds: more.every((kind) => kind === 'refused'),
    },
    {
      what: 'the one payload that a certificate is good for',
      figure: stored,
      bound: 'stored',
      holds: stored === 'stored',
    },
    {
      // A second payload under the stored id is told stored, and isn't: how many are published is counted at the end.
      what: 'uploads told stored under a second id, or without a certificate',
      figure: String(kinds.filter((kind) => kind === 'stored').length - 2),
      bound: '0',
      holds: kinds.filter((kind) => kind === 'stored').length === 2,
    },
  ];
}
