/**
 * @module A certificate for who publishes without one, where a local edge was started with `--allow-test-authority`: the request goes on as if its phone had
 * fetched it, so that nothing that is deployed knows of it. Only entries in this folder import it; test/integration/bundles.long.test.ts reads the bundles.
 */
import { env } from 'cloudflare:workers';
import { importPKCS8, SignJWT } from 'jose';
import { toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { canonicalKeys, tekmacOf } from '../../protocol/publish/tekmac.ts';
import type { Certifier } from '../../workers/upload/google/decide.ts';
import { TEST_ISSUER, TEST_KEY_ID } from '../test-issuer.ts';
import { clock } from './local-clock.ts';

const SECONDS_PER_HOUR = 3600;
const ALGORITHM = 'ES256';

/** PKCS#8 PEM, or nothing where nobody allowed it. */
const signingKey = (): string | undefined =>
  (env as unknown as { readonly TEST_AUTHORITY_KEY?: string }).TEST_AUTHORITY_KEY;

/** Certifies what has no certificate, if that is allowed: as a confirmed test without symptoms. */
export const certified: Certifier = async (request) => {
  const key = signingKey();
  const { temporaryExposureKeys: keys, verificationPayload: given } = request;
  if (key === undefined || given !== '') return request;
  // Of the keys and the hour alone: the same keys again are the same certificate, so a replay is one.
  const hmacKey = sha256(utf8(`${TEST_ISSUER} ${canonicalKeys(keys, 'four-segment')}`));
  const hour = Math.floor((await clock()) / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  const claims = {
    iss: TEST_ISSUER,
    aud: TEST_ISSUER,
    iat: hour,
    exp: hour + 2 * SECONDS_PER_HOUR,
    reportType: 'confirmed',
    tekmac: toBase64(tekmacOf(keys, hmacKey)),
  };
  const header = { alg: ALGORITHM, kid: TEST_KEY_ID, typ: 'JWT' };
  const verificationPayload = await new SignJWT(claims)
    .setProtectedHeader(header)
    .sign(await importPKCS8(key, ALGORITHM));
  return { ...request, verificationPayload, hmacKey: toBase64(hmacKey) };
};
