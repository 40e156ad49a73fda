/**
 * @module The private record of a set (docs/architecture.md §5.8): what its objects are called, what they hold, and how its keys are counted. Everything
 * published is made from it, the first time and in a rebuild.
 */
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
  /** Rows that were put aside; left out: none, or their object has been deleted. */
  readonly quarantined?: number;
  /** What the event log says lies in the private bucket, and not that it goes; left out of set.json. None in records from before the log. */
  readonly objects?: readonly RecordObject[];
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

/** @returns keys of a region in a record that don't leave at `cut` or earlier */
export function regionKeysAfter(record: SetRecord, region: string, cut: number): number {
  return record.parts.reduce((n, part) => n + (part.day > cut ? (part.regionKeys[region] ?? 0) : 0), 0);
}
