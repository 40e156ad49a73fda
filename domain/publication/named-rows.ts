/**
 * @module Which rows of a record and leaving day a source's rule names (record-merge.ts), by the objects that say what was taken back, or said anew, with an hour (taken.ts).
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import { takenUpTo, type RecordPart, type SetRecord } from './record.ts';
import { parseTaken, takenKey, type TakenRows } from './taken.ts';
import type { Workspace } from './workspace.ts';

/** With what the objects are read. */
interface TakenPorts {
  /** @returns a whole object of the private bucket; null when there is none */
  readonly readWhole: (name: string) => Promise<Uint8Array | null>;
  readonly workspace: Pick<Workspace, 'taken'>;
}

/**
 * Which rows are visited: all but those that were taken back up to an hour; those alone that were with one; or those of which something was said anew with one, as it was said, but for those that were taken
 * back up to another.
 */
export type TakenRule =
  | { readonly kind: 'without'; readonly through: number }
  | { readonly kind: 'only'; readonly hour: number }
  | { readonly kind: 'revised'; readonly hour: number; readonly to: RevisedType; readonly through: number };

/** @returns row numbers within the day that a source's rule names, ascending; null when it is about none */
export async function namedRows(
  ports: TakenPorts,
  {
    record,
    day,
    taken: rule,
  }: { readonly record: Pick<SetRecord, 'hour'>; readonly day: number; readonly taken: TakenRule },
  parts: readonly RecordPart[],
): Promise<Uint32Array | null> {
  if (rule.kind === 'without') {
    const hours = hoursOf(parts, (part) => takenUpTo(part, rule.through));
    return hours.size === 0 ? null : rowsWith(ports, record.hour, day, parts, hours);
  }
  const own = await rowsWith(
    ports,
    record.hour,
    day,
    parts,
    hoursOf(parts, ({ taken = [] }) => taken.filter(({ hour }) => hour === rule.hour)),
  );
  if (rule.kind === 'only') return own;
  const later = hoursOf(parts, (part) => takenUpTo(part, rule.through));
  const gone = new Set(await rowsWith(ports, record.hour, day, parts, later));
  return own.filter((row) => !gone.has(row));
}

const hoursOf = (
  parts: readonly RecordPart[],
  wanted: (part: RecordPart) => readonly { readonly hour: number }[],
): ReadonlySet<number> => new Set(parts.flatMap((part) => wanted(part).map(({ hour }) => hour)));

/** @param parts of a day, of the record of the hour `of` @returns numbers within the day of the rows that these hours name, ascending */
async function rowsWith(
  ports: TakenPorts,
  of: number,
  day: number,
  parts: readonly RecordPart[],
  hours: ReadonlySet<number>,
): Promise<Uint32Array> {
  const named: number[] = [];
  for (const hour of hours) {
    const own = (await takenWith(ports.readWhole, ports.workspace, hour, day)).filter((rows) => rows.hour === of);
    let before = 0;
    for (const part of parts) {
      for (const { rows } of own.filter(({ n }) => n === part.n)) for (const row of rows) named.push(before + row);
      before += part.rows;
    }
  }
  return Uint32Array.from(named).toSorted();
}

/**
 * @param read a whole object of the private bucket
 * @param workspace keeps what was read: each object is asked for by every record that it is about
 * @returns the rows that ended with an hour, or of which something was said anew, and leave at the midnight of `day`
 * @throws Error when the object is gone
 */
export async function takenWith(
  read: TakenPorts['readWhole'],
  workspace: Pick<Workspace, 'taken'>,
  hour: number,
  day: number,
): Promise<readonly TakenRows[]> {
  const name = takenKey(hour, day);
  const known = workspace.taken.get(name);
  if (known !== undefined) return known;
  const bytes = await read(name);
  if (bytes === null) throw new Error(`the private record lacks ${name}`);
  const rows = parseTaken(bytes);
  workspace.taken.set(name, rows);
  return rows;
}
