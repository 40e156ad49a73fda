/**
 * @module What has had its time goes: replaced objects 4 h after they left the lists, private records after the midnight
 * at which their keys leave (docs/architecture.md §5.9, §8). The log's entry
 * first, then objects, then rows: a crash in between deletes again.
 */
import { purgeHash } from '../../domain/event-log/chain.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { SealedHour } from './model.ts';
import { forgetCopies } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { forgetTaken } from './taking-ops.ts';
import { objectsOf, quarantineKey } from '../../domain/publication/record.ts';

/** Entries of the log since the checkpoint of so many days before the retention's last are kept: what is public was made in that time. */
const LOG_DAYS_BEYOND_RETENTION = 2;

/** @returns whether anything was forgotten */
export async function forgetStep(p: Publication): Promise<boolean> {
  const doomed = p.store.doomedObjects(p.now);
  if (doomed.length > 0) {
    await p.publicBucket.delete(doomed);
    p.store.transaction(() => p.store.forgetObjects(doomed));
    return true;
  }
  const through = Math.min(...p.config.regions.map((region) => p.store.head(region)?.throughHour ?? -1));
  // The midnight that the heads have left behind: until the first hour of a day is indexed they name the hours of the day before, and
  // whatever they name can be made again.
  const cut = Math.floor(through / 24);
  if (through < 0 || (p.store.meta('forgotten_day') ?? -1) >= cut) return false;
  const records = p.store.hoursBetween(0, through).filter(({ record }) => record !== null);
  if ((p.store.meta('logged_day') ?? -1) < cut) {
    logMidnight(p, records, cut);
    return true;
  }
  await forgetRecords(p, records, cut);
  await forgetCopies(p.privateBucket, Math.floor(p.now / SECONDS_PER_DAY), p.config.policy.retentionDays);
  await p.log.forget(p.privateBucket);
  // A day leaves the lists after `retentionDays`; its last key leaves one midnight later.
  const oldest = cut - p.config.policy.retentionDays - 1;
  p.store.transaction(() => {
    p.store.forgetHours(oldest * 24);
    p.store.forgetDays(oldest);
    p.store.google.forget(oldest);
    p.store.setMeta('forgotten_day', cut);
  });
  await forgetTaken(p, oldest * 24);
  return true;
}

/** What goes at a midnight stands in the log before it goes; then the checkpoint. */
function logMidnight(p: Publication, hours: readonly SealedHour[], cut: number): void {
  p.store.transaction(() => {
    const gone: string[] = [];
    // In the order in which they were recorded: what an hour took back stands behind what it recorded.
    for (const hour of hours) {
      const { objects = [] } = hour.record!;
      const taking = p.takings.taking(hour.hour);
      gone.push(
        ...[...objects, ...(taking?.objects ?? [])].filter(({ until }) => until <= cut).map(({ sha256 }) => sha256),
      );
      const stay = objects.filter(({ until }) => until > cut);
      if (stay.length < objects.length) p.store.putHour({ ...hour, record: { ...hour.record!, objects: stay } });
    }
    if (gone.length > 0) p.log.append({ kind: 'purge', day: cut, objects: gone.length, sha256: purgeHash(gone) });
    p.log.checkpoint(cut, cut - p.config.policy.retentionDays - LOG_DAYS_BEYOND_RETENTION);
    p.store.setMeta('logged_day', cut);
  });
}

/** Deletes what lies of records whose keys have left by the midnight of `cut`. */
async function forgetRecords(p: Publication, hours: readonly SealedHour[], cut: number): Promise<void> {
  for (const hour of hours) {
    const record = hour.record!;
    const gone = objectsOf(record, p.config.policy.retentionDays).filter(({ until }) => until <= cut);
    if (gone.length === 0) continue;
    await p.privateBucket.delete(gone.map(({ name }) => name));
    const { quarantined, ...rest } = record;
    const isQuarantined = quarantined !== undefined && !gone.some(({ name }) => name === quarantineKey(hour.hour));
    const parts = record.parts.filter(({ day }) => day > cut);
    p.store.putHour({ ...hour, record: { ...rest, parts, ...(isQuarantined ? { quarantined } : {}) } });
  }
  for (const taking of p.takings.between(0, Number.MAX_SAFE_INTEGER)) {
    const gone = taking.objects.filter(({ until }) => until <= cut);
    if (gone.length === 0) continue;
    await p.privateBucket.delete(gone.map(({ name }) => name));
    p.takings.putTaking({ ...taking, objects: taking.objects.filter(({ until }) => until > cut) });
  }
}

/** Deletes what a record that was given up half-written has left; its set is published under a later hour. */
export async function dropMissedRecord(p: Publication, hour: number): Promise<void> {
  for (const prefix of [`sets/${hour}/`, `openings/${hour}/`, `issues/${hour}/`, `quarantine/${hour}/`]) {
    const keys = await p.privateBucket.list(prefix);
    if (keys.length > 0) await p.privateBucket.delete(keys);
  }
}
