/**
 * @module Looks whether all that phones are told to fetch is there and is ours, and puts again what isn't (docs/architecture.md §5.10). Once a
 * wake, when nothing else is left to do: a listing of the bucket's names costs a call for 1,000 objects (1 + a call a region
 * at 28,000 keys a day; 162 names), and shows ETag and headers of each, which are compared with those of our own last put.
 *
 * Durable order: as the first time (chunks, pages, lists, head); nothing of the state changes but the marks. A crash in
 * between leaves some of it undone, which the next wake finds.
 */
import { SECONDS_PER_DAY, dateOf, dateOfHour, hourOfDay } from '../../protocol/gaen/intervals.ts';
import { countryIndexPath, dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { chunkPath } from '../../protocol/index/manifest.ts';
import { putDay } from './day-ops.ts';
import { putHour } from './hour-ops.ts';
import { listedDays, putIndex } from './index-ops.ts';
import type { IndexPlan } from './model.ts';
import type { Publication } from './publication.ts';

/** Looks at every region; one that can't be mended is counted and doesn't stop the others. */
export async function patrol(p: Publication): Promise<void> {
  const tree = await p.publicBucket.marks(countryIndexPath());
  for (const region of p.config.regions) {
    // What is fixed but not published yet is put by its own step.
    const plan = p.store.pendingIndex(region) === null ? p.store.publishedIndex(region) : null;
    if (plan === null) continue;
    try {
      await patrolRegion(p, plan, tree);
    } catch {
      p.store.count(`alert_not_mended_${region}`);
    }
  }
}

async function patrolRegion(p: Publication, plan: IndexPlan, tree: ReadonlyMap<string, string>): Promise<void> {
  const own = await p.publicBucket.marks(`v1/${plan.region}/`);
  const wrong = new Set(
    [...plan.named, countryIndexPath()].filter((key) => !isOurs(p, key, own.get(key) ?? tree.get(key))),
  );
  if (wrong.size === 0) return;
  const hours = p.store.regionHours(plan.region, Math.floor(plan.throughHour / 24) * 24, plan.throughHour);
  for (const { hour, chunks, cwa } of hours) {
    const keys = chunks.map((chunk) => chunkPath(plan.region, chunk.sha256));
    if (![...keys, hourPath(plan.region, dateOfHour(hour), hourOfDay(hour))].some((key) => wrong.has(key))) continue;
    const { record } = p.store.hour(hour);
    if (record !== null) await putHour(p, plan.region, hour, record, cwa);
  }
  const listed = listedDays(p, plan.throughHour);
  for (const { day, cut, chunks } of p.store.regionDays(plan.region, listed.first, listed.last)) {
    const keys = chunks.map((chunk) => chunkPath(plan.region, chunk.sha256));
    if (![...keys, dayPath(plan.region, dateOf(day * SECONDS_PER_DAY))].some((key) => wrong.has(key))) continue;
    await putDay(p, plan.region, day, cut);
  }
  await putIndex(p, plan);
}

/** @param mark what lies there, or undefined */
function isOurs(p: Publication, key: string, mark: string | undefined): boolean {
  const before = p.store.remembered(key);
  if (mark === undefined || before === null) return false;
  // Put before marks were kept: taken for ours, once.
  if (before.mark === null) p.store.settle(key, mark);
  return before.mark === null || before.mark === mark;
}
