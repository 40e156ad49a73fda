/**
 * @module Packages of CWA's tree that are revoked because keys of theirs were taken back (publisher/package-ops.ts): beside those of the document that people decided on, in the
 * ZIPs of CWA's apps alone. A phone of ours reads it in the manifest.
 */
import type { Parameters } from '../../protocol/parameters/document.ts';

/** As in the parameters. */
export type RevokedDayPackage = Parameters['keyDownload']['revokedDayPackages'][number];

/** @returns the parameters with these packages beside their own, each once */
export function withRevoked(parameters: Parameters, revoked: readonly RevokedDayPackage[]): Parameters {
  const { keyDownload } = parameters;
  const nameOf = ({ region, date, etag }: RevokedDayPackage): string => `${region} ${date} ${etag}`;
  const own = new Set(keyDownload.revokedDayPackages.map(nameOf));
  const added = revoked.filter((one) => !own.has(nameOf(one)));
  return {
    ...parameters,
    keyDownload: { ...keyDownload, revokedDayPackages: [...keyDownload.revokedDayPackages, ...added] },
  };
}
