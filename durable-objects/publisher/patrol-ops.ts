/**
 * @module Looks whether all that phones are told to fetch is there and is ours, and puts again what isn't (docs/architecture.md §5.10). Once a
 * wake, when nothing else is left to do: a listing of the bucket's names costs a call for 1,000 objects (1 + a call a region
 * at 28,000 keys a day; 162 names), and shows ETag and headers of each, which are compared with those of our own last put.
 *
 * Durable order: as the first time (chunks, pages, lists, head); nothing of the state changes but the marks. A crash in
 * between leaves some of it undone, which the next wake finds.
 */
import { SECONDS_PER_DAY, dateOf, dateOfHour, hourOfDay } from '../../protocol/gaen/intervals.ts';
import { countryIndexPath, dayPath, hourPath, versionIndexPath } from '../../protocol/index/cwa-tree.ts';
import { chunkPaths } from '../../protocol/index/chunk-paths.ts';
import { googleFileKey, listedGoogleDays } from '../../domain/publication/google-files.ts';
import { putDay } from './day-ops.ts';
import { putWindow } from './google-ops.ts';
import { putHour } from './hour-ops.ts';
import { listedDays, putIndex } from './index-ops.ts';
import type { IndexPlan, RegionDay } from './model.ts';
import type { Publication } from './publication.ts';
import { putRevocation } from './revoke-ops.ts';

/** Looks at every region, and at each file by itself: what can't be mended is counted and doesn't stop the rest. */
export async function patrol(p: Publication): Promise<void> {
  const tree = await p.publicBucket.marks(versionIndexPath());
  for (const region of p.config.regions) {
    // What is fixed but not published yet is put by its own step.
    const plan = p.store.pendingIndex(region) === null ? p.store.publishedIndex(region) : null;
    if (plan === null) continue;
    const own = await p.publicBucket.marks(`v1/${region}/`);
    const wrong = new Set(
      [...plan.named, versionIndexPath(), countryIndexPath()].filter(
        (key) => !isOurs(p, key, own.get(key) ?? tree.get(key)),
      ),
    );
    for (const mend of wrong.size === 0 ? [] : repairs(p, plan, wrong)) {
      await mend().catch(() => p.store.count(`alert_not_mended_${region}`));
    }
  }
}

/** @returns what puts the wrong names again, the head last */
function repairs(p: Publication, plan: IndexPlan, wrong: ReadonlySet<string>): (() => Promise<unknown>)[] {
  const { region, throughHour } = plan;
  const isWrong = (chunks: RegionDay['chunks'], ...zips: string[]): boolean =>
    [...zips, ...chunks.flatMap((chunk) => chunkPaths(region, chunk))].some((key) => wrong.has(key));
  const hours = p.store.regionHours(region, Math.floor(throughHour / 24) * 24, throughHour).flatMap((entry) => {
    const { record } = p.store.hour(entry.hour);
    const zip = hourPath(region, dateOfHour(entry.hour), hourOfDay(entry.hour));
    if (record === null || !isWrong(entry.chunks, zip)) return [];
    return [() => putHour(p, region, entry.hour, record, entry.cwa)];
  });
  const listed = listedDays(p, throughHour);
  const days = p.store
    .regionDays(region, listed.first, listed.last)
    .flatMap((entry) =>
      isWrong(entry.chunks, dayPath(region, dateOf(entry.day * SECONDS_PER_DAY))) ? [() => putDay(p, entry)] : [],
    );
  const revocations = p.takings
    .revocations(region, throughHour)
    .flatMap(({ chunks, hour, cut }) => (isWrong(chunks) ? [() => putRevocation(p, region, hour, cut)] : []));
  const google = p.store.google
    .days(region, listedGoogleDays(throughHour, p.config.policy.retentionDays))
    .flatMap(({ periods }) =>
      periods.flatMap((window) => {
        const isWrongFile = window.files.some(({ n }) => wrong.has(googleFileKey(region, window.hour, n)));
        return isWrongFile ? [() => putWindow(p, region, window)] : [];
      }),
    );
  return [...hours, ...days, ...revocations, ...google, () => putIndex(p, plan)];
}

/** @param mark what lies there, or undefined */
function isOurs(p: Publication, key: string, mark: string | undefined): boolean {
  const before = p.store.remembered(key);
  if (mark === undefined || before === null) return false;
  // Put before marks were kept: taken for ours, once.
  if (before.mark === null) p.store.settle(key, mark);
  return before.mark === null || before.mark === mark;
}
