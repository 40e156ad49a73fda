/** @module A certificate of ours where keys are uploaded with it: it goes back to who issued the code, and one that a thief of our key signed to the authority. */
import { exports } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { issueKind } from '../../../domain/issue.ts';
import type { PolicyRpc, PublishedPolicy } from '../../../domain/keys/regions.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import { certificateSigningInput, signCertificate } from '../../../protocol/publish/issued-certificate.ts';
import { reserveRequest } from '../../../test/support/reserve-request.ts';
import type { createRedeem } from '../redeem.ts';
import { servicesOf } from '../services.ts';
import { begin, bindings, certify, DAY, issue, macOf, moveTo, state, tokenOf } from './device-rig.ts';

const { Redeem } = exports as unknown as { Redeem: InstanceType<ReturnType<typeof createRedeem>> };
const POLICY = bindings.POLICY as unknown as PolicyRpc & { putPolicy(policy: PublishedPolicy | null): Promise<void> };
const [ONE, OTHER] = ['1'.repeat(64), '2'.repeat(64)];

beforeEach(async () => {
  await begin();
  // `Redeem` of the deployed Worker has real time.
  await moveTo(Math.floor(Date.now() / 1000));
  const { signingKey, head } = servicesOf(bindings).config.google;
  const key = { kid: head.kid, publicKey: toBase64(signingKey.publicKeySpki), from: state.now - DAY, until: null };
  const own = {
    id: 'own',
    name: 'Ours',
    issuer: head.iss,
    audience: head.aud,
    keys: [key],
    regions: ['DE'],
    apps: ['exposure-edge'],
    reportTypes: ['confirmed'],
  } as const;
  await POLICY.putPolicy({
    version: 1,
    supportedCountries: ['DE'],
    ended: false,
    authorities: { version: state.now, authorities: [own] },
  });
});

const reserve = async (jwt: unknown, digest = ONE) => Redeem.reserveCertificate(jwt as string, reserveRequest(digest));
const kindOf = (reply: Awaited<ReturnType<typeof reserve>>) =>
  reply.kind === 'reserved' ? issueKind(reply.issueId ?? '') : reply.kind;

describe('a certificate of ours', () => {
  it('goes back to who issued the code, and is over once they are', async ({ expect }) => {
    const [used, unused] = [await tokenOf((await issue()).code), await tokenOf((await issue()).code)];
    const jwt = (await certify(used, 1)).json['certificate'];
    expect(kindOf(await reserve(jwt))).toBe('hotline');
    expect(kindOf(await reserve(jwt, OTHER))).toBe('busy');
    const later = (await certify(unused, 2)).json['certificate'];
    const day = Math.floor(state.now / DAY);
    await servicesOf(bindings).rollback.end({ kind: 'hotline', name: 'anna', fromDay: day, toDay: day }, day);
    expect(kindOf(await reserve(later))).toBe('unknown');
  });

  it('that nobody has a code of goes back to the authority: our key is in other hands', async ({ expect }) => {
    const { signingKey, head } = servicesOf(bindings).config.google;
    const claims = { reportType: 'confirmed', symptomDay: null, tekmac: macOf(1), at: state.now };
    const forged = signCertificate(certificateSigningInput(head, claims), signingKey.raw);
    expect(kindOf(await reserve(forged))).toBe('authority');
  });
});
