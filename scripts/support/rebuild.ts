/**
 * @module The public bucket made again from the private one (docs/event-log.md), as `npm run rebuild` and its benchmark do it.
 */
import type { LogEvent } from '../../domain/event-log/entry.ts';
import type { LogReport } from '../../domain/event-log/verify.ts';
import {
  rebuildDay,
  rebuildExported,
  rebuildHour,
  rebuildIndex,
  rebuildRevocation,
  type RebuildPorts,
  type RebuiltObject,
} from '../../domain/publication/rebuild.ts';
import { composedOf } from '../../domain/publication/published-head.ts';
import { bookOfLog, filesOf, planRebuild, type RegionPlan } from '../../domain/publication/rebuild-plan.ts';
import { setKey, type RecordBook, type SetRecord } from '../../domain/publication/record.ts';
import { newWorkspace } from '../../domain/publication/workspace.ts';
import { countryIndexPath, versionIndexPath } from '../../protocol/index/cwa-tree.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { OnProgress } from './command-line/progress.ts';
import type { ObjectReader } from './object-store.ts';
import { eachObject } from './read-log.ts';

/**
 * @param reader of the private bucket
 * @param report of its log
 * @param progress hears of each hour and day
 * @returns every object that a region's head names, and the heads; each before the next, whose memory may be the same
 * @throws Error naming the record that is missing or altered, or what the log lacks
 */
export async function* rebuildAll(
  reader: ObjectReader,
  report: LogReport,
  progress: OnProgress,
): AsyncGenerator<RebuiltObject> {
  const plans = planRebuild(eventsOf(report));
  const book = await readRecords(reader, report);
  const steps = plans.reduce(
    (sum, { hours, days, revocations, google }) =>
      sum + hours.length + days.length + revocations.length + google.length,
    0,
  );
  let done = 0;
  for (const plan of plans) {
    const { region, unionRegion, retentionDays } = plan.published;
    const ports: RebuildPorts = {
      ...book,
      read: (name, { offset, length }) => reader.getRange(name, offset, length),
      readWhole: (name) => reader.get(name),
      workspace: newWorkspace(),
      unionRegion,
      retentionDays,
    };
    for (const hour of plan.hours) {
      yield* rebuildHour(ports, hour);
      progress(region, ++done, steps);
    }
    for (const { cut, slices } of plan.days) {
      yield* rebuildDay(ports, cut, slices);
      progress(region, ++done, steps);
    }
    for (const revocation of plan.revocations) {
      yield* rebuildRevocation(ports, revocation);
      progress(region, ++done, steps);
    }
    for (const day of plan.google) {
      yield* rebuildExported(ports, day);
      progress(region, ++done, steps);
    }
    for (const object of rebuildIndex(plan.published, filesOf(plan))) {
      // Some lists are one for all regions.
      const isCommon = object.name === versionIndexPath() || object.name === countryIndexPath();
      if (!isCommon || plan === plans.at(-1)) yield object;
    }
  }
}

/** How long what no head names any more may lie there, in hours of publications. */
const FORMER_HOURS = 30;

/**
 * @param report of the log
 * @returns names that heads of the last day named: until they are deleted they may lie in the public bucket
 */
export function formerNames(report: LogReport): Set<string> {
  const events = eventsOf(report);
  const newest = Math.max(...events.map((event) => (event.kind === 'published' ? event.hour : 0)));
  const recent = events.flatMap((event, at) =>
    event.kind === 'published' && event.hour >= newest - FORMER_HOURS ? [events.slice(0, at + 1)] : [],
  );
  const names = new Set<string>();
  for (const until of recent) {
    try {
      const plan = planRebuild(until).find(({ published }) => published === until.at(-1))!;
      for (const name of namesOf(plan)) names.add(name);
    } catch {
      // Of a publication before the log's beginning nothing is known.
    }
  }
  return names;
}

function namesOf(plan: RegionPlan): string[] {
  return [...composedOf(plan.published, filesOf(plan)).named];
}

/** @returns what the entries say, ascending */
export const eventsOf = (report: LogReport): LogEvent[] => report.entries.map(({ entry }) => entry.event);

/** @returns the records that the log names, with what it says was taken back of them */
export async function readRecords(reader: ObjectReader, report: LogReport): Promise<RecordBook> {
  const records = new Map<number, SetRecord>();
  const hours = eventsOf(report).flatMap((event) => (event.kind === 'recorded' ? [event.hour] : []));
  const names = hours.map((hour) => setKey(hour)).filter((name) => report.objects.has(name));
  await eachObject(reader, names, (name, bytes) => {
    if (report.objects.get(name)?.sha256 !== toBase64Url(sha256(bytes))) {
      throw new Error(`${name} is not what was recorded`);
    }
    const record = JSON.parse(new TextDecoder().decode(bytes)) as SetRecord;
    records.set(record.hour, record);
  });
  const gone = names.find((name) => !records.has(Number(name.split('/')[1])));
  if (gone !== undefined) throw new Error(`${gone} is recorded and not there`);
  return bookOfLog(records, eventsOf(report));
}
