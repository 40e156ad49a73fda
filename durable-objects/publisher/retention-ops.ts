/**
 * @module What has had its time goes: replaced objects 4 h after they left the lists, private records at the midnight
 * at which their keys leave (docs/architecture.md §5.9, §8). Objects first, rows after: a crash in between deletes again.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { dayOfSealing } from './index-ops.ts';
import type { SealedHour, SetRecord } from './model.ts';
import { forgetCopies } from './own-objects.ts';
import type { Publication } from './publication.ts';
import { codesKey, partKey, quarantineKey, setKey } from './record-writer.ts';

/** @returns whether anything was forgotten */
export async function forgetStep(p: Publication): Promise<boolean> {
  const doomed = p.store.doomedObjects(p.now);
  if (doomed.length > 0) {
    await p.publicBucket.delete(doomed);
    p.store.transaction(() => p.store.forgetObjects(doomed));
    return true;
  }
  const through = Math.min(...p.config.regions.map((region) => p.store.head(region)?.throughHour ?? -1));
  const cut = dayOfSealing(through);
  if (through < 0 || (p.store.meta('forgotten_day') ?? -1) >= cut) return false;
  await forgetRecords(p, cut);
  await forgetCopies(p.privateBucket, Math.floor(p.now / SECONDS_PER_DAY));
  // A day leaves the lists after `retentionDays`; its last key leaves one midnight later.
  const oldest = cut - p.config.policy.retentionDays - 1;
  p.store.transaction(() => {
    p.store.forgetHours(oldest * 24);
    p.store.forgetDays(oldest);
    p.store.setMeta('forgotten_day', cut);
  });
  return true;
}

/** Deletes the parts of all records whose keys have left by the midnight of `cut`. */
async function forgetRecords(p: Publication, cut: number): Promise<void> {
  for (const hour of p.store.hoursIn('PURGED')) {
    const { record } = hour;
    if (record === null) continue;
    if (record.quarantined !== undefined && Math.floor(hour.hour / 24) + p.config.policy.retentionDays < cut) {
      await forgetQuarantine(p, hour, record);
      continue;
    }
    if (record.parts.length === 0) continue;
    const gone = record.parts.filter((part) => part.day <= cut);
    if (gone.length === 0) continue;
    const parts = record.parts.filter((part) => part.day > cut);
    const keys = gone.flatMap((part) => [partKey(hour.hour, part), ...(part.codes ? [codesKey(hour.hour, part)] : [])]);
    if (parts.length === 0) keys.push(setKey(hour.hour));
    await p.privateBucket.delete(keys);
    p.store.putHour({ ...hour, record: { ...record, parts } });
  }
}

/** By then every key of the set has left, whatever the rows that were put aside say of themselves. */
async function forgetQuarantine(p: Publication, hour: SealedHour, record: SetRecord): Promise<void> {
  const { quarantined: _gone, ...rest } = record;
  const parts = record.parts.flatMap((part) => [partKey(hour.hour, part), codesKey(hour.hour, part)]);
  await p.privateBucket.delete([quarantineKey(hour.hour), setKey(hour.hour), ...parts]);
  p.store.putHour({ ...hour, record: { ...rest, parts: [] } });
}

/** Deletes what a record that was given up half-written has left; its set is published under a later hour. */
export async function dropMissedRecord(p: Publication, hour: number): Promise<void> {
  for (const prefix of [`sets/${hour}/`, `codes/${hour}/`, `quarantine/${hour}/`]) {
    const keys = await p.privateBucket.list(prefix);
    if (keys.length > 0) await p.privateBucket.delete(keys);
  }
}
