/**
 * @module The private record of a set (docs/architecture.md §5.8): what its objects are called, what they hold, and how its keys are counted. Everything
 * published is made from it, the first time and in a rebuild.
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import type { RecordObject } from '../event-log/entry.ts';
import type { Provenance } from './packed-keys.ts';

/** One object of a private record: rows of keys that all leave at the same midnight. */
export interface RecordPart {
  /** Day at whose first instant these keys are cut and this object is deleted. */
  readonly day: number;
  /** 0, 1, … within the day. */
  readonly n: number;
  readonly rows: number;
  /** Rows a region publishes. */
  readonly regionKeys: Readonly<Record<string, number>>;
  /** True when an object with issue ids lies beside it. */
  readonly issues: boolean;
  /** True when an object with withdrawal hashes lies beside it; left out in records from before there were any. */
  readonly openings?: boolean;
  /** Rows that were set aside to go with keys that are taken back, a region publishes or by where they may go (`countedAs`, feeds.ts); left out where there are none. */
  readonly reserve?: Readonly<Record<string, number>>;
  /** Of the reserve, rows by the report types that can come to be another (revision.ts), counted as `reserve` is; left out where there are none, and in records of before. */
  readonly revisable?: Readonly<Record<number, Readonly<Record<string, number>>>>;
  /** Rows that were taken back, ascending by hour. Said by the event log, and not in set.json. */
  readonly taken?: readonly PartTaken[];
}

/** Rows of one part that were taken back with one hour, or of which something was said anew; which, says the object of that hour (taken.ts). */
export interface PartTaken {
  /** With which they ended: hours since the Unix epoch, after that of the record. */
  readonly hour: number;
  readonly rows: number;
  /** Of the rows, those that a region had published. */
  readonly regionKeys: Readonly<Record<string, number>>;
  /** Report type that they have from then on (revision.ts): the rows stay; left out: they were taken back. */
  readonly to?: RevisedType;
  /** Of rows that were taken back, those of which something had been said anew, by the hour that did it and by region; left out where there are none. */
  readonly again?: Readonly<Record<number, Readonly<Record<string, number>>>>;
}

/** The private record of one set (docs/architecture.md §5.8): what the objects under `sets/<hour>/` hold. */
export interface SetRecord {
  readonly hour: number;
  readonly setNo: number | null;
  readonly keys: number;
  readonly regionKeys: Readonly<Record<string, number>>;
  readonly syntheticKeys: Readonly<Record<string, number>>;
  readonly provenances: Readonly<Record<number, Provenance>>;
  readonly parts: readonly RecordPart[];
  /** Feeds that its keys may go into (feeds.ts): its parts hold the minima for these; left out: none. */
  readonly feeds?: readonly string[];
  /** Rows that were put aside; left out: none, or their object has been deleted. */
  readonly quarantined?: number;
  /** What the event log says lies in the private bucket, and not that it goes; left out of set.json. None in records from before the log. */
  readonly objects?: readonly RecordObject[];
}

/** The records, and which of them an hour took rows back of. */
export interface RecordBook {
  /** @returns the record of an hour, parts that are gone included; null when it has none */
  readonly recordOf: (hour: number) => SetRecord | null;
  /** @param hour with which rows ended @returns hours of the records they were of, ascending; none for most hours */
  readonly takenWith: (hour: number) => readonly number[];
}

/** Keys of one record that CWA's tree shows in one hour: all of them, or a range of each day's rows. */
export interface CwaSlice {
  readonly hour: number;
  readonly ranges: null | Readonly<
    Record<number, { readonly from: number; readonly to: number; readonly keys: number }>
  >;
}

/** @returns object key of a part's rows */
export function partKey(hour: number, part: Pick<RecordPart, 'day' | 'n'>): string {
  return `sets/${hour}/${part.day}-${part.n}.bin`;
}

/** @returns object key of a part's issue ids, sealed to the undo key (issue-groups.ts) */
export function issuesKey(hour: number, part: Pick<RecordPart, 'day' | 'n'>): string {
  return `issues/${hour}/${part.day}-${part.n}.bin`;
}

/** @returns object key of a part's withdrawal hashes (protocol/withdrawal.ts), 16 bytes a row in the order of the rows */
export function openingsKey(hour: number, part: Pick<RecordPart, 'day' | 'n'>): string {
  return openingsOfPart(partKey(hour, part));
}

/** @param part object key of a part's rows @returns object key of their withdrawal hashes */
export function openingsOfPart(part: string): string {
  return part.replace(/^sets\//, 'openings/');
}

/** @returns object key of the rows that were put aside; in a folder of their own, since nothing published is made of them */
export function quarantineKey(hour: number): string {
  return `quarantine/${hour}/rows.bin`;
}

/** @returns object key of a set's description */
export function setKey(hour: number): string {
  return `sets/${hour}/set.json`;
}

/**
 * @param retentionDays of the chunk policy
 * @returns what lies in the private bucket of a record, and until which midnight: none for one without keys, or whose keys all left
 */
export function objectsOf(record: SetRecord, retentionDays: number): { name: string; until: number }[] {
  const { hour, parts } = record;
  const objects = parts.flatMap((part) => [
    { name: partKey(hour, part), until: part.day },
    ...(part.openings === true ? [{ name: openingsKey(hour, part), until: part.day }] : []),
    ...(part.issues ? [{ name: issuesKey(hour, part), until: part.day }] : []),
  ]);
  // By then every key of the set has left, whatever the rows that were put aside say of themselves.
  const last = Math.floor(hour / 24) + retentionDays + 1;
  if (record.quarantined !== undefined) objects.push({ name: quarantineKey(hour), until: last });
  if (objects.length > 0) objects.push({ name: setKey(hour), until: Math.max(...objects.map(({ until }) => until)) });
  return objects;
}

/** @returns the published regions that a key of this provenance appears in; the union publishes every key */
export function publishingRegions(
  regions: readonly string[],
  unionRegion: string,
  provenance: Pick<Provenance, 'regions'>,
): string[] {
  return regions.filter((region) => region === unionRegion || provenance.regions.includes(region));
}

/** @returns rows per leaving day */
export function rowsByDay(record: SetRecord): Map<number, number> {
  const days = new Map<number, number>();
  for (const { day, rows } of record.parts) days.set(day, (days.get(day) ?? 0) + rows);
  return days;
}

/** @returns keys of a region in a record that don't leave at `cut` or earlier, and weren't taken back up to the hour `through` */
export function regionKeysAfter(record: SetRecord, region: string, cut: number, through: number): number {
  return record.parts.reduce((n, part) => {
    if (part.day <= cut) return n;
    const taken = takenUpTo(part, through).reduce((sum, { regionKeys }) => sum + (regionKeys[region] ?? 0), 0);
    return n + (part.regionKeys[region] ?? 0) - taken;
  }, 0);
}

/** @returns what was taken back of a part up to the hour `through` */
export function takenUpTo(part: RecordPart, through: number): readonly PartTaken[] {
  return (part.taken ?? []).filter(({ hour, to }) => to === undefined && hour <= through);
}

/** @returns the hours up to `through` with which keys of a region were taken back, each once */
export function takings(records: readonly SetRecord[], region: string, through: number): number[] {
  const hours = records.flatMap(({ parts }) =>
    parts.flatMap((part) =>
      takenUpTo(part, through).flatMap(({ hour, regionKeys }) => ((regionKeys[region] ?? 0) > 0 ? [hour] : [])),
    ),
  );
  return [...new Set(hours)];
}

/** @param parts what was taken back with an hour, or said anew, of any records @returns the record with what is said of it */
export function withTaken(
  record: SetRecord,
  parts: readonly (Pick<RecordPart, 'day' | 'n'> & PartTaken & { readonly of: number })[],
): SetRecord {
  const own = parts.filter(({ of }) => of === record.hour);
  if (own.length === 0) return record;
  return {
    ...record,
    parts: record.parts.map((part) => {
      const added = own.filter(({ day, n }) => day === part.day && n === part.n);
      if (added.length === 0) return part;
      const taken = added.map(({ hour, rows, regionKeys, to, again }) => ({
        hour,
        rows,
        regionKeys,
        ...(to === undefined ? {} : { to }),
        ...(again === undefined ? {} : { again }),
      }));
      return { ...part, taken: [...(part.taken ?? []), ...taken] };
    }),
  };
}
