/**
 * @module The Publisher's state machine: OPEN → FROZEN → PLANNED → WRITTEN → INDEXED → PURGED, for each hour and region
 * (docs/architecture.md §5). `advance` takes one step; every step can be repeated, whoever calls it and wherever it was cut off. What a step
 * did is an entry of the event log, fixed with its rows; the next step begins when the entry is in the bucket (event-log.ts).
 *
 * | step | durable afterwards | a crash before that leaves |
 * |---|---|---|
 * | start | empty lists, then the first hour | lists that the repeated step finds equal |
 * | withdraw | the buffer's batch, a request, the batch forgotten | the batch, which is asked for again |
 * | log what ended before it was published | entries, with the hour | the same counts, asked for again |
 * | freeze | FROZEN with the set's number | the buffer's set, which it names again |
 * | plan | private record, then PLANNED | objects that the repeated step finds equal |
 * | take back | which rows end with the hour, then the records with them | the same requests, taken up again |
 * | write (a region) | chunks, then WRITTEN | the same |
 * | cut (a region and day) | the day's chunks, then its row | the same; the old cut is still named |
 * | export (a region and day) | Google's files, then the day's row | the same, or those of a later hour under the same names |
 * | revoke (a region) | exports of what was taken back, then their row | the same; the old head names the old ones |
 * | compose, publish (a region) | the fixed publication; pages, lists, head; INDEXED | a publication to finish |
 * | purge | the buffer forgot the set, then PURGED | a set to forget again |
 * | feed (an hour) | batches, then their rows and the log's entry | the same numbers and bytes, which nothing names |
 * | feed (the document) | the document, then its row | the former one, whose batches are all there |
 * | log the midnight | what goes and the checkpoint, fixed | the same, once |
 * | forget | objects deleted, then their rows | objects to delete again |
 * | note the end (docs/sunset.md) | that the next heads say *ended* | the same, a wake later |
 * | patrol | what was lost or isn't ours, put again | the same, found again |
 */
import type { EventOf } from '../../domain/event-log/entry.ts';
import { SECONDS_PER_HOUR, hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import { isStorageLost } from '../life.ts';
import { cutRegionDay } from './day-ops.ts';
import { closingOf } from './closing-ops.ts';
import { droppedStep } from './dropped-ops.ts';
import { isClosed, noteEnd } from './end-ops.ts';
import { feedStep, patrolFeeds } from './feed-ops.ts';
import { listedGoogleDays } from '../../domain/publication/google-files.ts';
import { exportDay } from './google-ops.ts';
import { writeHour } from './hour-ops.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { composeIndex, listedDays, publishIndex, putFirstLists } from './index-ops.ts';
import type { Publication } from './publication.ts';
import { BufferOutOfReach, emptyRecord, reach, writeRecord } from './record-writer.ts';
import type { SetRecord } from '../../domain/publication/record.ts';
import type { SealedHour } from './model.ts';
import { patrol } from './patrol-ops.ts';
import { revokeStep } from './revoke-ops.ts';
import { selfCheck } from './self-check.ts';
import { takingStep } from './taking-ops.ts';
import { dropMissedRecord, forgetStep } from './retention-ops.ts';
import { packagesStep } from './package-ops.ts';
import { logParameters } from './parameter-ops.ts';
import { Trouble } from './trouble.ts';
import { withdrawalStep } from './withdrawal-ops.ts';

/** How long a buffer out of reach blocks an hour before it is published empty. */
const BLOCK_SECONDS = 2 * SECONDS_PER_HOUR;
const HOURS_A_DAY = 24;
/** A region that rests is thought of again after so long. */
const REST_SECONDS = 60;

export interface Advance {
  /** True when nothing was due and nothing was done. */
  readonly idle: boolean;
  /** Unix seconds at which something will be due; only meaningful when idle. */
  readonly nextDue: number;
}

/**
 * Takes the next step. Regions are apart: one whose step fails is tried again after all others have nothing left to do
 * (docs/architecture.md §5.10).
 *
 * @returns idle when there is none
 * @throws Error of the buffer, of a bucket or of a region when the only step left can't be taken; the caller tries again later
 */
export async function advance(p: Publication): Promise<Advance> {
  if (isClosed(p)) return { idle: true, nextDue: Infinity };
  const busy: Advance = { idle: false, nextDue: p.now };
  if (p.store.meta('first_hour') === null) {
    await start(p);
    return busy;
  }
  await p.log.flush(p.privateBucket);
  if (logRegions(p)) return busy;
  const trouble = new Trouble();
  for (const region of regionsInTurn(p)) if (await attempt(p, region, trouble)) return busy;
  if (await trouble.tried(() => purgeStep(p))) return busy;
  if (await trouble.tried(() => feedStep(p))) return busy;
  if (trouble.plan === null && (await forgetStep(p))) return busy;
  if (await trouble.tried(() => packagesStep(p))) return busy;
  if (await trouble.tried(() => logParameters(p))) return busy;
  await noteEnd(p);
  await selfCheck(p);
  await patrol(p);
  await patrolFeeds(p);
  trouble.throwFirst();
  return { idle: true, nextDue: nextDue(p) };
}

/** @returns the regions to try, the sound ones first */
function regionsInTurn({ config, failing, resting }: Publication): string[] {
  const tried = config.regions.filter((region) => !resting.has(region));
  return tried.toSorted((a, b) => Number(failing.has(a)) - Number(failing.has(b)));
}

/** @returns whether the region took a step */
async function attempt(p: Publication, region: string, trouble: Trouble): Promise<boolean> {
  try {
    const stepped = await regionStep(p, region, trouble);
    p.noteRegion(region, false);
    return stepped;
  } catch (error) {
    if (error === trouble.fatal) throw error;
    p.noteRegion(region, true);
    p.store.count(`alert_region_failed_${region}`);
    trouble.other ??= error;
    return false;
  }
}

/** One step of one region: what is fixed is published, what is due is written, what is written is indexed. */
async function regionStep(p: Publication, region: string, trouble: Trouble): Promise<boolean> {
  const pending = p.store.pendingIndex(region);
  if (pending !== null) {
    await publishIndex(p, pending);
    return true;
  }
  const next = nextHourOf(p, region);
  if (hourEnd(next) <= p.now) {
    const hour = p.store.hour(next);
    if (hour.record !== null) {
      if (await takingStep(p, next)) return true;
      await writeHour(p, region, next, hour.record);
      return true;
    }
    // Hours that are written already needn't wait for a buffer; anything else that fails is simply tried again.
    if (trouble.plan === null) {
      try {
        if (hour.state === 'OPEN' && (await withdrawnUntil(p, next))) return true;
        await (hour.state === 'OPEN' ? freezeStep(p, next) : planStep(p, hour));
        return true;
      } catch (error) {
        if (!(error instanceof BufferOutOfReach)) {
          trouble.fatal = error;
          throw error;
        }
        trouble.plan = error;
      }
    }
  }
  return indexStep(p, region, next - 1);
}

/**
 * Where to begin: the hour of the first upload, or the running hour if there was none. So a new deployment has no
 * endless back-catalogue of empty hours, and no key that came before the first call is skipped.
 */
async function start(p: Publication): Promise<void> {
  const running = hourOf(p.now);
  const first = (await p.buffer.firstHour()) ?? running;
  const earliest = running - p.config.policy.retentionDays * HOURS_A_DAY;
  await putFirstLists(p, running);
  p.store.setMeta('first_hour', Math.min(running, Math.max(first, earliest)));
}

/** Regions that are new in the configuration stand in the log before anything of theirs. @returns whether there were any */
function logRegions(p: Publication): boolean {
  const { regions } = p.log.head().fold;
  const added = p.config.regions.filter((region) => regions[region] === undefined);
  p.store.transaction(() => {
    for (const region of added) p.log.append({ kind: 'region', region, hour: nextHourOf(p, region) });
  });
  return added.length > 0;
}

/** @returns the hour that the region writes next */
function nextHourOf(p: Publication, region: string): number {
  const written = p.store.writtenThrough(region);
  if (written !== null) return written + 1;
  // The first hour; or for a region that is new in the configuration, the first that isn't done with.
  return p.store.oldestUnpurged() ?? p.store.meta('first_hour')!;
}

/** @returns whether keys were taken back with this hour, or ended before; a buffer that is out of reach for too long keeps that for a later one */
async function withdrawnUntil(p: Publication, hour: number): Promise<boolean> {
  try {
    return (await withdrawalStep(p, hour)) || (await droppedStep(p, hour));
  } catch (error) {
    if (!givesUp(p, hour, error)) throw error;
    return false;
  }
}

async function freezeStep(p: Publication, hour: number): Promise<void> {
  const after = p.store.lastSet();
  try {
    const closing = await closingOf(p, hour);
    const set = await reach(p.buffer.freeze({ hour, after, ...(closing === null ? {} : { closing }) }));
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

/**
 * A buffer whose storage is lost is given up never: what is recorded of the hour may be the only copy of its keys, and a restore finishes it (docs/restore.md).
 *
 * @returns whether the hour is to be published empty: the buffer, and nothing else, has failed for too long
 */
function givesUp(p: Publication, hour: number, error: unknown): boolean {
  if (!(error instanceof BufferOutOfReach) || isStorageLost(error.cause)) return false;
  return p.now >= hourEnd(hour) + BLOCK_SECONDS;
}

async function planStep(p: Publication, h: SealedHour): Promise<void> {
  const { hour, setNo, decision } = h;
  if (decision !== 'publish' || setNo === null) {
    const record = emptyRecord(hour, p.config.regions);
    if (decision === 'missed') await dropMissedRecord(p, hour);
    p.store.transaction(() => {
      p.store.putHour({ ...h, state: 'PLANNED', record });
      logRecord(p, decision ?? 'empty', record);
      p.store.count(`hours_${decision ?? 'empty'}`);
    });
    return;
  }
  try {
    const record = await writeRecord(p, hour, setNo);
    p.store.transaction(() => {
      p.store.putHour({ ...h, state: 'PLANNED', record });
      logRecord(p, 'publish', record);
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

/** Part of the transaction that says PLANNED. */
function logRecord(p: Publication, decision: EventOf<'recorded'>['decision'], record: SetRecord): void {
  const { hour, keys, objects = [] } = record;
  p.log.append({ kind: 'recorded', hour, decision, keys, objects });
}

/** Cuts days and publishes lists and head of a region, through the last hour that it has WRITTEN. */
async function indexStep(p: Publication, region: string, throughHour: number): Promise<boolean> {
  if (p.store.writtenThrough(region) === null) return false;
  if ((p.store.head(region)?.throughHour ?? -1) >= throughHour) return false;
  const days = listedDays(p, throughHour);
  const cut = dayOfSealing(throughHour);
  if (await revokeStep(p, region, throughHour, cut)) return true;
  const isTaken = p.takings.between((p.store.head(region)?.throughHour ?? -1) + 1, throughHour).length > 0;
  for (let day = days.first; day <= days.last; day++) {
    const isChecked = (p.store.regionDay(region, day)?.checked ?? -1) >= cut;
    if (isChecked && !isTaken) continue;
    const wasCut = await cutRegionDay(p, region, day, cut, throughHour);
    if (wasCut || !isChecked) return true;
  }
  const listed = listedGoogleDays(throughHour, p.config.policy.retentionDays);
  for (let day = listed.first; day <= listed.last; day++) {
    const isChecked = day < cut && (p.store.google.day(region, day)?.checked ?? -1) >= cut;
    if ((!isChecked || isTaken) && (await exportDay(p, region, day, throughHour))) return true;
  }
  composeIndex(p, region, throughHour);
  return true;
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
  const tried = p.config.regions.filter((region) => !p.resting.has(region));
  const next = Math.min(...tried.map((region) => hourEnd(nextHourOf(p, region))), p.store.nextDeath() ?? Infinity);
  return p.resting.size === 0 ? next : Math.min(next, p.now + REST_SECONDS);
}
