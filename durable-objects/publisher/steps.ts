/**
 * @module The Publisher's state machine: OPEN → FROZEN → PLANNED → WRITTEN → INDEXED → PURGED, for each hour and region
 * (docs/architecture.md §5). `advance` takes one step; every step can be repeated, whoever calls it and wherever it was cut off.
 *
 * | step | durable afterwards | a crash before that leaves |
 * |---|---|---|
 * | freeze | FROZEN with the set's number | the buffer's set, which it names again |
 * | plan | private record, then PLANNED | objects that the repeated step finds equal |
 * | write (a region) | chunks, then WRITTEN | the same |
 * | cut (a region and day) | the day's chunks, then its row | the same; the old cut is still named |
 * | compose, publish (a region) | the fixed publication; pages, lists, head; INDEXED | a publication to finish |
 * | purge | the buffer forgot the set, then PURGED | a set to forget again |
 * | forget | objects deleted, then their rows | objects to delete again |
 */
import { SECONDS_PER_HOUR, hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import { cutRegionDay } from './day-ops.ts';
import { writeHour } from './hour-ops.ts';
import { composeIndex, dayOfSealing, listedDays, publishIndex } from './index-ops.ts';
import type { Publication } from './publication.ts';
import { BufferOutOfReach, emptyRecord, reach, writeRecord } from './record-writer.ts';
import { dropMissedRecord, forgetStep } from './retention-ops.ts';
import type { SealedHour } from './model.ts';

/** How long a buffer out of reach blocks an hour before it is published empty. */
const BLOCK_SECONDS = 2 * SECONDS_PER_HOUR;
const HOURS_A_DAY = 24;

export interface Advance {
  /** True when nothing was due and nothing was done. */
  readonly idle: boolean;
  /** Unix seconds at which something will be due; only meaningful when idle. */
  readonly nextDue: number;
}

/**
 * Takes the next step.
 *
 * @returns idle when there is none
 * @throws Error of the buffer or a bucket when the only step left can't be taken; the caller tries again later
 */
export async function advance(p: Publication): Promise<Advance> {
  const busy: Advance = { idle: false, nextDue: p.now };
  if (p.store.meta('first_hour') === null) {
    await start(p);
    return busy;
  }
  for (const region of p.config.regions) {
    const pending = p.store.pendingIndex(region);
    if (pending === null) continue;
    await publishIndex(p, pending);
    return busy;
  }
  const due = nextHour(p);
  let blocked: unknown = null;
  if (due !== null) {
    try {
      await advanceHour(p, due);
      return busy;
    } catch (error) {
      // Hours that are written already needn't wait for a buffer; anything else that fails is simply tried again.
      if (!(error instanceof BufferOutOfReach)) throw error;
      blocked = error;
    }
  }
  if (await indexStep(p)) return busy;
  if (await purgeStep(p)) return busy;
  if (blocked !== null) throw blocked;
  if (await forgetStep(p)) return busy;
  return { idle: true, nextDue: nextDue(p) };
}

/**
 * Where to begin: the hour of the first upload, or the running hour if there was none. So a new deployment has no
 * endless back-catalogue of empty hours, and no key that came before the first call is skipped.
 */
async function start(p: Publication): Promise<void> {
  const running = hourOf(p.now);
  const first = (await p.buffer.firstHour()) ?? running;
  const earliest = running - p.config.policy.retentionDays * HOURS_A_DAY;
  p.store.setMeta('first_hour', Math.min(running, Math.max(first, earliest)));
}

/** @returns the oldest sealed hour that isn't WRITTEN in every region, or null */
function nextHour(p: Publication): SealedHour | null {
  const next = p.store.meta('next_hour') ?? p.store.meta('first_hour')!;
  return hourEnd(next) <= p.now ? p.store.hour(next) : null;
}

async function advanceHour(p: Publication, { hour, state, setNo, decision, record }: SealedHour): Promise<void> {
  if (state === 'OPEN') return freezeStep(p, hour);
  if (state === 'FROZEN') return planStep(p, { hour, state, setNo, decision, record });
  if (record === null) throw new Error(`hour ${hour} is ${state} without a record`);
  for (const region of p.config.regions) {
    if (p.store.regionHour(region, hour) !== null) continue;
    await writeHour(p, region, hour, record);
    if (region === p.config.regions.at(-1)) p.store.setMeta('next_hour', hour + 1);
    return;
  }
  p.store.setMeta('next_hour', hour + 1);
}

async function freezeStep(p: Publication, hour: number): Promise<void> {
  const after = p.store.lastSet();
  try {
    const set = await reach(p.buffer.freeze({ hour, after }));
    p.store.transaction(() => {
      p.store.setMeta('last_set', set.setNo);
      p.store.putHour({ hour, state: 'FROZEN', setNo: set.setNo, decision: set.decision, record: null });
    });
  } catch (error) {
    if (!givesUp(p, hour, error)) throw error;
    p.store.transaction(() => {
      p.store.putHour({ hour, state: 'FROZEN', setNo: null, decision: 'missed', record: null });
    });
  }
}

/** @returns whether the hour is to be published empty: the buffer, and nothing else, has failed for too long */
function givesUp(p: Publication, hour: number, error: unknown): boolean {
  return error instanceof BufferOutOfReach && p.now >= hourEnd(hour) + BLOCK_SECONDS;
}

async function planStep(p: Publication, h: SealedHour): Promise<void> {
  const { hour, setNo, decision } = h;
  if (decision !== 'publish' || setNo === null) {
    const record = emptyRecord(hour, p.config.regions);
    if (decision === 'missed') await dropMissedRecord(p, hour);
    p.store.transaction(() => {
      p.store.putHour({ ...h, state: 'PLANNED', record });
      p.store.count(`hours_${decision ?? 'empty'}`);
    });
    return;
  }
  try {
    const record = await writeRecord(p, hour, setNo);
    p.store.transaction(() => {
      p.store.putHour({ ...h, state: 'PLANNED', record });
      p.store.count('hours_published');
      if (record.quarantined !== undefined) p.store.count('alert_rows_quarantined', record.quarantined);
    });
  } catch (error) {
    if (!givesUp(p, hour, error)) throw error;
    // The set is given back: under the same number it joins the next hour's.
    p.store.transaction(() => {
      p.store.setMeta('last_set', setNo - 1);
      p.store.putHour({ ...h, setNo: null, decision: 'missed' });
    });
  }
}

/** Cuts days and publishes lists and head, through the last hour WRITTEN in every region. */
async function indexStep(p: Publication): Promise<boolean> {
  const next = p.store.meta('next_hour');
  if (next === null) return false;
  const throughHour = next - 1;
  for (const region of p.config.regions) {
    if ((p.store.head(region)?.throughHour ?? -1) >= throughHour) continue;
    const days = listedDays(p, throughHour);
    for (let day = days.first; day <= days.last; day++) {
      const cut = dayOfSealing(throughHour);
      if ((p.store.regionDay(region, day)?.checked ?? -1) >= cut) continue;
      await cutRegionDay(p, region, day, cut);
      return true;
    }
    await publishIndex(p, composeIndex(p, region, throughHour));
    return true;
  }
  return false;
}

/** Lets the buffer forget the oldest set that is INDEXED in every region. */
async function purgeStep(p: Publication): Promise<boolean> {
  const indexed = Math.min(...p.config.regions.map((region) => p.store.head(region)?.throughHour ?? -1));
  const hour = p.store.hoursIn('PLANNED').find((planned) => planned.hour <= indexed);
  if (hour === undefined) return false;
  if (hour.setNo !== null) await p.buffer.purge(hour.setNo);
  await p.buffer.expire();
  p.store.putHour({ ...hour, state: 'PURGED' });
  return true;
}

function nextDue(p: Publication): number {
  const next = p.store.meta('next_hour') ?? p.store.meta('first_hour')!;
  return Math.min(hourEnd(next), p.store.nextDeath() ?? Infinity);
}
