/**
 * @module What Publisher knew, from the event log and the records (docs/restore.md): every row that the log says, as it was when the last entry was put. The last
 * publication of each region stands as fixed and not yet put, whether or not it was: putting it again changes nothing, and is what
 * notes its objects.
 */
import type { EventOf } from '../../../domain/event-log/entry.ts';
import type { LogHead } from '../../../domain/event-log/chain.ts';
import type { ReadEntry } from '../../../domain/event-log/read-entry.ts';
import type { LogReport } from '../../../domain/event-log/verify.ts';
import { chunkEntries, GRACE_SECONDS } from '../../../domain/publication/built-file.ts';
import { dayOfSealing } from '../../../domain/publication/head.ts';
import { bookOfLog, filesOf, planRebuild, type RegionPlan } from '../../../domain/publication/rebuild-plan.ts';
import { composedOf } from '../../../domain/publication/published-head.ts';
import type { SetRecord } from '../../../domain/publication/record.ts';
import { hourEnd } from '../../../protocol/gaen/intervals.ts';
import { MANIFEST_TYPE } from '../../../protocol/index/manifest.ts';
import { documentOf } from '../../../protocol/index/signed-document.ts';
import type { GoogleDay } from '../google-store.ts';
import type { IndexPlan, RegionDay, RegionHead, RegionHour, SealedHour } from '../model.ts';
import { emptyRecord } from '../record-writer.ts';
import { restoredFeeds, type RestoredFeeds } from './feeds.ts';
import type { RegionRevocation, Taking } from '../taking-store.ts';

/** A checkpoint that the log must remember. */
interface KeptCheckpoint {
  readonly day: number;
  readonly sequence: number;
  readonly sha256: string;
}

/** ETag of a cut of CWA's day that was replaced, and at which midnight. */
interface FormerCut {
  readonly region: string;
  readonly day: number;
  readonly etag: string;
  readonly replacedDay: number;
  /** Whether it held keys that were taken back. */
  readonly revoked: boolean;
}

/** Rows of all tables but those of the public bucket's objects. Days and hours are counted from the Unix epoch. */
export interface RestoredState {
  readonly firstHour: number;
  /** The last that was recorded; null before the first. */
  readonly recordedHour: number | null;
  /** The last that was recorded with keys. */
  readonly covered: number | null;
  readonly hours: readonly SealedHour[];
  readonly regionHours: readonly RegionHour[];
  readonly regionDays: readonly RegionDay[];
  readonly heads: readonly RegionHead[];
  readonly pending: readonly IndexPlan[];
  readonly formerCuts: readonly FormerCut[];
  readonly takings: readonly Taking[];
  readonly revocations: readonly RegionRevocation[];
  readonly googleDays: readonly GoogleDay[];
  /** The last hour whose rows that ended before they were published are logged; null where there are none. */
  readonly droppedHour: number | null;
  /** The last hour that took rows back, or had none to; null before the first. */
  readonly takenHour: number | null;
  readonly feeds: RestoredFeeds;
  readonly log: LogHead;
  readonly checkpoints: readonly KeptCheckpoint[];
  /** Entries from this sequence on may be there, and are to be forgotten before `keptFrom`. */
  readonly oldestEntry: number;
  readonly keptFrom: number;
  /** Midnight of the last checkpoint; null before the first. */
  readonly loggedDay: number | null;
}

/**
 * @param report of a log without findings
 * @param records what set.json says of the hours that have one
 * @param regions of the configuration
 * @returns the state; null for a log that says of no region when it began
 */
export function restoredState(
  report: LogReport,
  records: ReadonlyMap<number, SetRecord>,
  regions: readonly string[],
): RestoredState | null {
  const { entries, fold } = report;
  const last = entries.at(-1);
  if (last === undefined || fold === null) return null;
  const events = entries.map(({ entry }) => entry.event);
  const recorded = events.filter((event) => event.kind === 'recorded');
  const published = events.filter((event) => event.kind === 'published');
  const plans = planRebuild(events).filter(({ published: { region } }) => regions.includes(region));
  const heads = regions.flatMap((region) => headBefore(published, region) ?? []);
  const through = Math.min(...regions.map((region) => heads.find((head) => head.region === region)?.throughHour ?? -1));
  const points = entries.filter(({ entry }) => entry.event.kind === 'checkpoint');
  const point = points.at(-1)?.entry.event;
  const plain = entries.find(({ entry }) => entry.event.kind !== 'checkpoint')?.entry.sequence ?? 1;
  const oldestEntry = Math.min(report.keptFrom, plain);
  const book = bookOfLog(records, events);
  return {
    firstHour: firstHourOf(report, plans),
    recordedHour: fold.recordedHour,
    covered: recorded.findLast(({ decision }) => decision === 'publish')?.hour ?? null,
    hours: recorded.map((event) => {
      const objects = event.objects.filter(({ name }) => report.objects.has(name));
      return hourOfRecord({ ...event, objects }, book.recordOf(event.hour) ?? undefined, regions, through);
    }),
    regionHours: events.flatMap((event) => (event.kind === 'written' ? [regionHour(event, heads)] : [])),
    regionDays: regions.flatMap((region) => daysOf(events, published, region)),
    heads,
    pending: plans.map(pendingOf),
    formerCuts: formerCutsOf(events),
    takings: takingsOf(report, events),
    revocations: plans.flatMap((plan) => revocationsOf(events, plan)),
    googleDays: regions.flatMap((region) => googleDaysOf(events, published, region)),
    droppedHour: events.findLast((event) => event.kind === 'dropped')?.hour ?? null,
    takenHour: takenHourOf(events),
    feeds: restoredFeeds(fold, events, dayOfSealing(through)),
    log: { sequence: last.entry.sequence, sha256: last.sha256, fold },
    checkpoints: points.filter(({ entry }) => entry.sequence >= oldestEntry).map(checkpoint),
    oldestEntry,
    keptFrom: report.keptFrom,
    loggedDay: point?.kind === 'checkpoint' ? point.day : null,
  };
}

type Events = readonly ReadEntry['entry']['event'][];
type Published = readonly EventOf<'published'>[];

/** A log that began with an edge already at work says of its regions a later hour than their first: days before it are listed. */
function firstHourOf({ fold }: LogReport, plans: readonly RegionPlan[]): number {
  const since = Math.min(...Object.values(fold?.regions ?? {}).map((region) => region.since));
  const days = plans
    .flatMap((plan) => plan.days.map(({ cut }) => cut.day))
    .filter((day) => day < Math.floor(since / 24));
  return Math.min(since, ...days.map((day) => day * 24));
}

/** The head before the region's last: that one is pending. */
function headBefore(published: Published, region: string): RegionHead | null {
  const before = published.filter((event) => event.region === region).at(-2);
  if (before === undefined) return null;
  const { sequence, payloadSha256, hour } = before;
  return {
    region,
    sequence,
    payloadSha256,
    etag: '',
    validUntil: hourEnd(hour) + GRACE_SECONDS,
    throughHour: hour,
  };
}

/** @param event with the objects that no purge has named; parts that one has are named on, and so are deleted again */
function hourOfRecord(
  { hour, decision, objects }: EventOf<'recorded'>,
  found: SetRecord | undefined,
  regions: readonly string[],
  through: number,
): SealedHour {
  const record = found === undefined ? emptyRecord(hour, regions) : { ...found, objects };
  // The buffer never held the set: there is nothing that it must forget.
  return { hour, state: hour <= through ? 'PURGED' : 'PLANNED', setNo: null, decision, record };
}

function regionHour(event: EventOf<'written'>, heads: readonly RegionHead[]): RegionHour {
  const { region, hour, files, cwa } = event;
  const indexed = heads.some((head) => head.region === region && head.throughHour >= hour);
  return {
    region,
    hour,
    state: indexed ? 'INDEXED' : 'WRITTEN',
    chunks: chunkEntries(files, hour),
    cwa: { keys: cwa.keys, slices: cwa.slices },
    sealed: { files, cwa: cwa.file },
  };
}

/** The newest cut of each day; all that were listed were looked at when the head was made. */
function daysOf(events: Events, published: Published, region: string): RegionDay[] {
  const last = published.findLast((event) => event.region === region);
  const looked = last === undefined ? -1 : dayOfSealing(last.hour);
  const cuts = new Map<number, EventOf<'cut'>>();
  for (const event of events) if (event.kind === 'cut' && event.region === region) cuts.set(event.day, event);
  return [...cuts.values()].map(({ day, cut, revised = null, files, cwa }) => ({
    region,
    day,
    checked: Math.max(cut, looked),
    cut,
    revised,
    chunks: chunkEntries(files, null),
    sealed: { files, cwa: cwa.file },
  }));
}

/** The newest entry of each day of Google's view; all that were listed were looked at when the head was made. */
function googleDaysOf(events: Events, published: Published, region: string): GoogleDay[] {
  const last = published.findLast((event) => event.region === region);
  const days = new Map<number, GoogleDay>();
  for (const event of events) {
    if (event.kind !== 'exported' || event.region !== region) continue;
    const { day, periods, hour } = event;
    days.set(day, { region, day, checked: dayOfSealing(Math.max(hour, last?.hour ?? 0)), periods });
  }
  return [...days.values()];
}

/** What was taken back, hour by hour, with the objects that no purge has named. */
function takingsOf(report: LogReport, events: Events): Taking[] {
  return events.flatMap((event): Taking[] => {
    if (event.kind !== 'taken') return [];
    const { hour, rows, reserve, to = null } = event;
    const touched = [...new Set(event.parts.map(({ of }) => of))].toSorted((a, b) => a - b);
    const objects = event.objects.filter(({ name }) => report.objects.has(name));
    return [{ hour, to, state: 'TAKEN', rows, touched, reserve, objects, waiting: [] }];
  });
}

/** Every hour up to the last that a region wrote has decided what it takes back, and said so. */
function takenHourOf(events: Events): number | null {
  const hours = events.flatMap((event) => (event.kind === 'taken' || event.kind === 'written' ? [event.hour] : []));
  return hours.length === 0 ? null : hours.reduce((a, b) => Math.max(a, b));
}

/** The newest files of each hour, as long as the region's last head names them or comes before them; of others none are left. */
function revocationsOf(events: Events, { published }: RegionPlan): RegionRevocation[] {
  const { region } = published;
  const looked = dayOfSealing(published.hour);
  const listed = new Set((published.revocations ?? []).map(({ hour }) => hour));
  const at = events.indexOf(published);
  const newest = new Map<number, RegionRevocation>();
  for (const [n, event] of events.entries()) {
    if (event.kind !== 'revoked' || event.region !== region) continue;
    const { hour, cut, days, files, to = null } = event;
    const isThere = n > at || listed.has(hour);
    const checked = Math.max(cut, looked);
    const shown = isThere ? { days, chunks: chunkEntries(files, null), files } : { days: [], chunks: [], files: [] };
    newest.set(hour, { region, hour, to, checked, cut, ...shown });
  }
  return [...newest.values()];
}

function pendingOf(plan: RegionPlan): IndexPlan {
  const { region, hour: throughHour, sequence, head, payloadSha256, ended, hours, days } = plan.published;
  const composed = composedOf(plan.published, filesOf(plan));
  const { payload, pages, lists, named } = composed;
  const { validUntil } = payload;
  const text = documentOf(MANIFEST_TYPE, head.key, payload, head.signature);
  const end = hours.length + days.length === 0 ? 'last' : 'ended';
  const fixed = { region, throughHour, sequence, payloadSha256, validUntil, head: text, pages, lists, named };
  return ended === true ? { ...fixed, end } : fixed;
}

function formerCutsOf(events: Events): FormerCut[] {
  const cuts = events.filter((event) => event.kind === 'cut');
  return cuts.flatMap(({ region, day, cut, revised, cwa }, n) => {
    const later = cuts.slice(n + 1).filter((one) => one.region === region && one.day === day);
    const [next] = later;
    if (next === undefined || cwa.etag === undefined || (cut === next.cut && revised === next.revised)) return [];
    const revoked = later.some((one) => (one.revised ?? -1) > (revised ?? -1));
    return [{ region, day, etag: cwa.etag, replacedDay: next.cut, revoked }];
  });
}

function checkpoint({ entry, sha256 }: ReadEntry): KeptCheckpoint {
  if (entry.event.kind !== 'checkpoint') throw new TypeError('a checkpoint is expected');
  return { day: entry.event.day, sequence: entry.sequence, sha256 };
}
