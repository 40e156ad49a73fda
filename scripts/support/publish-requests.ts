/**
 * @module Requests of an app of Google's dialect in numbers, for load tests, benchmarks and fuzz: a health authority of their own certifies the keys, as a foreign verification server does, so that what is looked at is
 * `POST /v1/publish` and not the way to a certificate.
 */
import { publishRequest, type EnxRequest } from '../../phone/enx/requests.ts';
import type { RandomBytes } from '../../phone/random.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import type { HealthAuthority } from '../../protocol/publish/authorities.ts';
import { certificateSigningInput, signCertificate } from '../../protocol/publish/issued-certificate.ts';
import { type SentKey, tekmacOf } from '../../protocol/publish/tekmac.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { patientKeys } from './patients.ts';

const APP = 'org.example.load';
const KEY_ID = 'v1';
const PARTY = 'https://health.example';
const HMAC_KEY_BYTES = 16;

/** Who certifies, and what it makes. */
export interface Certifier {
  readonly authority: HealthAuthority;
  /** @param tekmac base64 of what binds the keys @param at Unix seconds; the certificate ends a quarter of an hour later */
  certify(tekmac: string, at: number): string;
}

/** @param random source of bytes: the same bytes are the same key @param country whose keys it certifies */
export function drawCertifier(random: RandomBytes, country = 'DE'): Certifier {
  const key = signerFromPkcs8Pem(pkcs8PemFromScalar(random(32)));
  const authority: HealthAuthority = {
    id: 'load',
    name: 'Certifies what is measured',
    issuer: PARTY,
    audience: PARTY,
    keys: [{ kid: KEY_ID, publicKey: toBase64(key.publicKeySpki), from: 0, until: null }],
    regions: [country],
    apps: [APP],
    reportTypes: ['confirmed'],
  };
  const head = { kid: KEY_ID, iss: PARTY, aud: PARTY };
  const certify = (tekmac: string, at: number): string =>
    signCertificate(certificateSigningInput(head, { reportType: 'confirmed', symptomDay: null, tekmac, at }), key.raw);
  return { authority, certify };
}

/** @returns the 14 keys of somebody, as they are sent */
const sentPatientKeys = (random: RandomBytes, now: number): SentKey[] =>
  patientKeys(random, now).map((key) => ({
    key: toBase64(key.keyData),
    rollingStartNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRisk: 0,
  }));

/**
 * @param certifier see {@link drawCertifier}
 * @param now Unix seconds
 * @param random source of bytes
 * @param keys 14 new ones where they are left out
 * @returns a request that is stored, once
 */
export function publishOf(
  certifier: Certifier,
  now: number,
  random: RandomBytes,
  keys: readonly SentKey[] = sentPatientKeys(random, now),
): EnxRequest {
  const hmacKey = random(HMAC_KEY_BYTES);
  const tekmac = toBase64(tekmacOf(keys, hmacKey));
  const content = {
    temporaryExposureKeys: keys,
    healthAuthorityID: APP,
    verificationPayload: certifier.certify(tekmac, now),
    hmacKey: toBase64(hmacKey),
    symptomOnsetInterval: 0,
    traveler: false,
    // As a phone without a token sends random bytes.
    revisionToken: toBase64(random(64)),
  };
  return publishRequest(content, random);
}
