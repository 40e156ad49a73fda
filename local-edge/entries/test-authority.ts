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
import { clock } from './local-clock.ts';

const SECONDS_PER_HOUR = 3600;
const ALGORITHM = 'ES256';

/** As local-edge/test-authority.ts draws it; nothing where nobody allowed it. */
const signer = () =>
  (
    env as unknown as {
      readonly TEST_AUTHORITY?: { readonly issuer: string; readonly kid: string; readonly key: string };
    }
  ).TEST_AUTHORITY;

/** Certifies what has no certificate, if that is allowed: as a confirmed test without symptoms. */
export const certified: Certifier = async (request) => {
  const allowed = signer();
  const { temporaryExposureKeys: keys, verificationPayload: given } = request;
  if (allowed === undefined || given !== '') return request;
  const { issuer, kid, key } = allowed;
  // Of the keys and the hour alone: the same keys again are the same certificate, so a replay is one.
  const hmacKey = sha256(utf8(`${issuer} ${canonicalKeys(keys, 'four-segment')}`));
  const hour = Math.floor((await clock()) / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  const claims = {
    iss: issuer,
    aud: issuer,
    iat: hour,
    exp: hour + 2 * SECONDS_PER_HOUR,
    reportType: 'confirmed',
    tekmac: toBase64(tekmacOf(keys, hmacKey)),
  };
  const header = { alg: ALGORITHM, kid, typ: 'JWT' };
  const verificationPayload = await new SignJWT(claims)
    .setProtectedHeader(header)
    .sign(await importPKCS8(key, ALGORITHM));
  return { ...request, verificationPayload, hmacKey: toBase64(hmacKey) };
};
