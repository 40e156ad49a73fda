/**
 * @module A certificate for who publishes without one, where a local edge was started with `--allow-test-authority`: the request goes on to the deployed
 * code as if a phone had fetched it, so that nothing there knows of it. Only entries in this folder import it; test/integration/bundles.long.test.ts reads
 * the bundles.
 */
import { importPKCS8, SignJWT } from 'jose';
import type { Clock } from '../../domain/clock.ts';
import { toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { PUBLISH_BODY_BYTES, PUBLISH_PATH, readPublishRequest } from '../../protocol/publish/request.ts';
import { canonicalKeys, tekmacOf } from '../../protocol/publish/tekmac.ts';
import { TEST_ISSUER, TEST_KEY_ID } from '../test-issuer.ts';

const SECONDS_PER_HOUR = 3600;

interface TestEnv {
  /** PKCS#8 PEM; absent where nobody allowed it. */
  readonly TEST_AUTHORITY_KEY?: string;
}

/**
 * @param handler `upload` as it is composed otherwise
 * @param clock Unix seconds of the local edge
 * @returns the same, and requests without a certificate get one where it is allowed
 */
export function withTestAuthority<E extends object>(
  handler: { fetch(request: Request, env: E, context: ExecutionContext): Response | Promise<Response> },
  clock: Clock,
): typeof handler {
  return {
    async fetch(request, env, context) {
      const { TEST_AUTHORITY_KEY: key } = env as TestEnv;
      const isPublish = request.method === 'POST' && new URL(request.url).pathname === PUBLISH_PATH;
      if (key === undefined || !isPublish) return handler.fetch(request, env, context);
      return handler.fetch(await certified(request, key, clock), env, context);
    },
  };
}

/** @returns the request with a certificate for its keys; untouched where it has one, or is no request that could have one */
async function certified(request: Request, key: string, clock: Clock): Promise<Request> {
  const body = await request.arrayBuffer();
  const untouched = new Request(request, { body });
  if (body.byteLength > PUBLISH_BODY_BYTES) return untouched;
  let sent: unknown;
  try {
    sent = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return untouched;
  }
  const read = readPublishRequest(sent);
  if (!read.ok || read.value.verificationPayload !== '') return untouched;
  const { padding } = sent as { readonly padding?: unknown };
  const { temporaryExposureKeys: keys } = read.value;
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
  const verificationPayload = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: TEST_KEY_ID, typ: 'JWT' })
    .sign(await importPKCS8(key, 'ES256'));
  const whole = {
    ...read.value,
    ...(padding === undefined ? {} : { padding }),
    verificationPayload,
    hmacKey: toBase64(hmacKey),
  };
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  return new Request(request.url, { method: 'POST', headers, body: JSON.stringify(whole) });
}
