/**
 * @module The paths that `index` knows: the native view (manifest, pages, chunks), Google's and CWA's tree. Each is an exact
 * pattern, looked at before any read of R2, so that made-up addresses cost a string comparison (docs/architecture.md §6).
 * Sources: docs/spec/cwa.md §1.4 for the tree; protocol/index/manifest.ts for the native view.
 */

import { googleShapes } from './google/paths.ts';

/** base64url of 32 bytes without padding: 43 characters, the last of which carries four bits. */
const SHA256_NAME = '[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]';
const DATE = '20\\d\\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])';
/** Integers without leading zero: CWA's apps build the path from the numbers in the hour list. */
const HOUR = '(?:1?\\d|2[0-3])';
const VERSIONS = 'version';
const CWA = 'version/v1/diagnosis-keys/country';

/** Takes the path of a URL to the key of an object, or to null when no object can have that path. */
export type PathMatcher = (pathname: string) => string | null;

/**
 * Builds the matcher for a deployment's regions.
 *
 * @param regions codes of the published regions, e.g. `['DE', 'EUR']`; letters only (workers/index/bindings.ts)
 * @returns a pure function from a URL's path, percent-encoding untouched, to the R2 key: the path without its first slash
 * @see docs/spec/cwa.md §1.4
 */
export function pathMatcher(regions: readonly string[]): PathMatcher {
  const region = `(?:${regions.join('|')})`;
  const shapes = [
    `v1/${region}/manifest\\.json`,
    `v1/${region}/days/${SHA256_NAME}\\.json`,
    `v1/${region}/revocations/${SHA256_NAME}\\.json`,
    `v1/${region}/chunks/${SHA256_NAME}\\.(?:zip|compact)`,
    ...googleShapes(region),
    'v1/ended\\.json',
    VERSIONS,
    CWA,
    `${CWA}/${region}/date`,
    `${CWA}/${region}/date/${DATE}`,
    `${CWA}/${region}/date/${DATE}/hour`,
    `${CWA}/${region}/date/${DATE}/hour/${HOUR}`,
  ];
  const known = new RegExp(`^/(?:${shapes.join('|')})$`);
  return (pathname) => (known.test(pathname) ? pathname.slice(1) : null);
}
