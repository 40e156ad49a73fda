/**
 * @module The paths that `config` knows: the signed head, the documents it names, and CWA's configuration ZIPs. Exact, so
 * that made-up addresses cost a comparison and no read of R2 (docs/architecture.md §6; docs/spec/cwa.md §1.4).
 */
import { configDocumentPath, configHeadPath } from '../../protocol/parameters/config-head.ts';
import { cwaConfigCountryPath, cwaConfigPaths } from '../../protocol/parameters/cwa-config.ts';

const DOCUMENT = /^\/v1\/config\/documents\/([A-Za-z0-9_-]{43})\.json$/;

/** Takes the path of a URL to the key of an object, or to null when no object can have that path. */
export type PathMatcher = (pathname: string) => string | null;

/**
 * @param country home country, in the path of CWA's v1 configuration
 * @returns a pure function from a URL's path, percent-encoding untouched, to the R2 key
 */
export function pathMatcher(country: string): PathMatcher {
  const exact = new Set([configHeadPath(), cwaConfigCountryPath(), ...cwaConfigPaths(country)]);
  return (pathname) => {
    const key = pathname.slice(1);
    if (exact.has(key)) return key;
    const name = DOCUMENT.exec(pathname)?.[1];
    if (name === undefined) return null;
    try {
      return configDocumentPath(name);
    } catch {
      return null;
    }
  };
}
