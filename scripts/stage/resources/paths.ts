/**
 * @module Which paths each host has, for rules that refuse the others before a Worker runs or a bucket is read. As docs/openapi.yaml has them: paths.node.test.ts compares.
 */

/** POST on the host of uploads. */
export const UPLOAD_PATHS = ['/version/v1/diagnosis-keys', '/v1/publish', '/v1/withdrawal', '/v1/stats'] as const;

/** POST on the host of verification, of apps of CWA's kind, and certificates, which nobody gets by guessing: limited together. */
export const TEST_PATHS = [
  '/version/v1/registrationToken',
  '/version/v1/testresult',
  '/version/v1/tan',
  '/version/v1/forget',
  '/version/v1/credential',
  '/version/v1/presentation',
  '/api/certificate',
] as const;

/** POST on the host of verification, of apps of Google's kind: what a code is guessed or asked for by. */
export const CODE_PATHS = ['/api/verify', '/api/user-report'] as const;

/** GET on the host of verification: what other servers read. */
export const VERIFICATION_READ_PATHS = ['/jwks', '/v1/credential-status'] as const;

/** GET on the host of links, the first with a query. */
export const LINK_PATHS = ['/v', '/.well-known/apple-app-site-association', '/.well-known/assetlinks.json'] as const;

/** What belongs to `config` on the host of keys (docs/openapi.yaml, tag config): a route each. */
export const CONFIG_PREFIXES = [
  '/v1/config/',
  '/version/v1/app_config_',
  '/version/v2/app_config_',
  '/version/v1/configuration/',
] as const;

/**
 * What the public bucket has. Names of files within a folder are hashes, numbers and days: a made-up one costs a read, and a limit is on those (zone-rules.ts).
 *
 * @param regions that are published
 * @returns paths, and what others begin with
 */
export function downloadPaths(regions: readonly string[]): { readonly exact: string[]; readonly beginnings: string[] } {
  const tree = '/version/v1/diagnosis-keys/country';
  return {
    exact: ['/version', tree, '/v1/ended.json', ...regions.map((region) => `/v1/${region}/manifest.json`)],
    beginnings: regions.flatMap((region) => [
      ...['days', 'revocations', 'chunks', 'exposure-keys'].map((folder) => `/v1/${region}/${folder}/`),
      `${tree}/${region}/date`,
    ]),
  };
}
