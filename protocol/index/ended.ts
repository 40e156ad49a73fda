/**
 * @module What lies in the public bucket of a deployment that has ended (docs/sunset.md): each region's last head, CWA's list of days and Google's `index.txt`, empty, and the
 * certificate that says that nothing else is left anywhere.
 */
import { dateIndexPath } from './cwa-tree.ts';
import { googleIndexPath } from './google-index.ts';

/**
 * `validUntil` of the head that nothing follows, the last second that a manifest can say: were it to expire, every phone that is still there would say
 * that something is withheld from it. It names nothing. A phone that doesn't know `ended` goes on asking, and finds nothing new.
 */
export const LAST_VALID_UNTIL = 253_402_300_799;

/** Object key of the certificate. */
export const CERTIFICATE_KEY = 'v1/ended.json';

/** @param region `DE`, `EUR` @returns object key of CWA's list of days, which stays, empty: an app takes a 404 for a failure */
export const lastListPath = (region: string): string => dateIndexPath(region);

/** @param region `DE`, `EUR` @returns object keys of the lists that stay, empty: CWA's, and Google's `index.txt` */
export const lastListPaths = (region: string): string[] => [lastListPath(region), googleIndexPath(region)];
