/**
 * @module Packages of CWA's tree that the configuration revokes (docs/spec/gaen.md §10, docs/spec/cwa.md §1.4): what a phone has under such an ETag it
 * forgets, and fetches again. That alone takes no match back: `revised_keys` in the hour's and day's packages do.
 */
import { dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { hourOf, startOfDate, type UtcDate } from '../../protocol/gaen/intervals.ts';
import { type Had, withoutDay, withoutHour } from './had.ts';

/** ETag, quotes included, by path of the package. */
export type Etags = Readonly<Record<string, string>>;

interface RevokedPackage {
  readonly region: string;
  readonly date: UtcDate;
  /** As the answer's header has it. */
  readonly etag: string;
}

/** The lists of the configuration (KeyDownloadParameters). */
export interface RevokedPackages {
  readonly revokedDayPackages: readonly RevokedPackage[];
  /** Each with the hour of its day, 0..23. */
  readonly revokedHourPackages: readonly (RevokedPackage & { readonly hour: number })[];
}

export const NONE_REVOKED: RevokedPackages = { revokedDayPackages: [], revokedHourPackages: [] };

/**
 * @param had what the phone has
 * @param etags of what it has
 * @param country whose tree it reads
 * @param revoked the configuration's lists
 * @returns the same without what is revoked; the very same `had` when nothing is
 */
export function withoutRevoked(
  had: Had,
  etags: Etags,
  country: string,
  revoked: RevokedPackages,
): { readonly had: Had; readonly etags: Etags } {
  let [left, tags] = [had, etags];
  const drop = (path: string, without: Had): void => {
    left = without;
    tags = Object.fromEntries(Object.entries(tags).filter(([name]) => name !== path));
  };
  for (const { region, date, etag } of revoked.revokedDayPackages) {
    const path = dayPath(country, date);
    if (region === country && tags[path] === etag) drop(path, withoutDay(left, date));
  }
  for (const { region, date, hour, etag } of revoked.revokedHourPackages) {
    const path = hourPath(country, date, hour);
    if (region === country && tags[path] === etag) drop(path, withoutHour(left, hourOf(startOfDate(date)) + hour));
  }
  return { had: left, etags: tags };
}

/**
 * @param had what the phone has
 * @param etags of packages that were fetched
 * @param country whose tree it reads
 * @returns those of days that it still has
 */
export function etagsOf(had: Had, etags: Etags, country: string): Etags {
  const days = Object.keys(had).map((date) => dayPath(country, date));
  const isKept = (path: string): boolean => days.some((day) => path === day || path.startsWith(`${day}/`));
  return Object.fromEntries(Object.entries(etags).filter(([path]) => isKept(path)));
}

/** @param value what was read from disk @returns whether it is {@link Etags} */
export function isEtags(value: unknown): value is Etags {
  return typeof value === 'object' && value !== null && Object.values(value).every((tag) => typeof tag === 'string');
}
