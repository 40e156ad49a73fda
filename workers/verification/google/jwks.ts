/**
 * @module The public keys of certificates as key servers import them: a bare array of JWKs, which is what Google's server reads (docs/spec/google.md §5.9), not the object of RFC 7517 §5.
 */
import { toBase64Url } from '../../../protocol/primitives/bytes.ts';
import type { PublishedKey } from './config.ts';

/** As Google's server lets it be cached: a key that is taken away is believed for so long. */
const CACHED_SECONDS = 300;
/** Of an uncompressed point: 0x04, x, y. */
const [X_AT, Y_AT] = [1, 33];

/** @returns the answer of `/jwks`, the same for all who ask */
export function jwks(keys: readonly PublishedKey[]): Response {
  const published = keys.map(({ kid, point }) => ({
    alg: 'ES256',
    crv: 'P-256',
    kid,
    kty: 'EC',
    use: 'sig',
    x: toBase64Url(point.subarray(X_AT, Y_AT)),
    y: toBase64Url(point.subarray(Y_AT)),
  }));
  return Response.json(published, {
    headers: { 'cache-control': `public, max-age=${CACHED_SECONDS}`, 'x-content-type-options': 'nosniff' },
  });
}
