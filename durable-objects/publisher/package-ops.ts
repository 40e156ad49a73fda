/**
 * @module CWA's apps keep the packages of days that they have fetched, by ETag: those that held keys which were taken back are named in their configuration, and an app
 * deletes them and reads the index again (docs/spec/cwa.md §1.4, §4). The configuration has one writer, so Publisher tells ParameterStore, whole and again
 * whenever the list changed; hours aren't listed, since their packages never change and are gone with their day (docs/architecture.md §5.9).
 *
 * Durable order: the mark that the list changed is part of the transaction that changed it; it goes when ParameterStore has the list. A crash in between tells it again.
 */
import { isUtcDate } from '../../protocol/gaen/intervals.ts';
import { dayPath } from '../../protocol/index/cwa-tree.ts';
import type { RevokedDayPackage } from '../parameter-store/packages.ts';
import type { Publication } from './publication.ts';

/** @returns whether there was something to tell @throws Error when ParameterStore doesn't answer; told again at the next wake */
export async function packagesStep(p: Publication): Promise<boolean> {
  if ((p.store.meta('packages_changed') ?? 0) === 0) return false;
  const names = p.takings.revokedEtags();
  await p.revokePackages(names.flatMap(({ key, etag }) => packageOf(p, key, etag)));
  p.store.setMeta('packages_changed', 0);
  return true;
}

function packageOf(p: Publication, key: string, etag: string): RevokedDayPackage[] {
  const date = key.slice(key.lastIndexOf('/') + 1);
  const region = p.config.regions.find((one) => isUtcDate(date) && dayPath(one, date) === key);
  return region === undefined ? [] : [{ region, date, etag: `"${etag}"` }];
}
