/**
 * @module Where published keys lie in the private records. Reads alone. Everything is read that a key could lie in, in slices, since nothing says in which record
 * a key is: 14 days of 28,000 keys are 11 MB. A caller that knows when its keys leave reads a fourteenth of it.
 */
import { ROW_BYTES, TEK_OFFSET, uint32 } from '../../domain/publication/packed-keys.ts';
import { takenWith } from '../../domain/publication/named-rows.ts';
import { partKey, type PartTaken, type RecordPart } from '../../domain/publication/record.ts';
import { mergeTaken, type TakenRows } from '../../domain/publication/taken.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { pause } from '../pace.ts';
import type { Publication } from './publication.ts';

const TEK_BYTES = 16;

/** What reading records takes. */
type RecordsPort = Pick<Publication, 'now' | 'store' | 'privateBucket' | 'workspace'>;

/**
 * @param teks key_data, 16 bytes each, one after the other
 * @param leaving days at which the keys leave, when the caller knows them
 * @returns the rows that hold one of them, by part; keys that aren't recorded, have left or were taken back before are in none
 */
export async function findRows(
  p: RecordsPort,
  teks: Uint8Array,
  leaving: ReadonlySet<number> | null = null,
): Promise<TakenRows[]> {
  const wanted = byLead(teks);
  const today = Math.floor(p.now / SECONDS_PER_DAY);
  const found: TakenRows[] = [];
  if (wanted.size === 0) return found;
  for (const { hour, record } of p.store.hoursBetween(0, Number.MAX_SAFE_INTEGER)) {
    for (const part of record?.parts ?? []) {
      if (part.day <= today || (leaving !== null && !leaving.has(part.day))) continue;
      const rows = await p.privateBucket.get(partKey(hour, part));
      if (rows === null) throw new Error(`the private record lacks ${partKey(hour, part)}`);
      const gone = await takenOf(p, hour, part);
      const hits = hitsIn(rows, teks, wanted).filter((row) => !gone.has(row));
      if (hits.length > 0) found.push({ hour, day: part.day, n: part.n, rows: Uint32Array.from(hits) });
      await pause();
    }
  }
  return mergeTaken(found);
}

const isTaken = ({ to }: PartTaken): boolean => to === undefined;

/**
 * @param counts which of an hour's rows; left out: those that were taken back, and not those of which something was said anew
 * @returns rows of the part that were taken back: asking again for them is nothing new
 */
export async function takenOf(
  p: RecordsPort,
  hour: number,
  part: RecordPart,
  counts: (one: PartTaken) => boolean = isTaken,
): Promise<ReadonlySet<number>> {
  const gone = new Set<number>();
  for (const { hour: earlier } of (part.taken ?? []).filter(counts)) {
    const done = await takenWith((name) => p.privateBucket.get(name), p.workspace, earlier, part.day);
    for (const one of done) if (one.hour === hour && one.n === part.n) for (const row of one.rows) gone.add(row);
  }
  return gone;
}

/** Offsets of the keys by their first four bytes: of a stranger's row these are all that is looked at. */
function byLead(teks: Uint8Array): Map<number, number[]> {
  const wanted = new Map<number, number[]>();
  for (let at = 0; at + TEK_BYTES <= teks.length; at += TEK_BYTES) {
    const lead = uint32(teks, at);
    wanted.set(lead, [...(wanted.get(lead) ?? []), at]);
  }
  return wanted;
}

function hitsIn(rows: Uint8Array, teks: Uint8Array, wanted: ReadonlyMap<number, readonly number[]>): number[] {
  const hits: number[] = [];
  for (let row = 0; row < rows.length; row += ROW_BYTES) {
    const candidates = wanted.get(uint32(rows, row + TEK_OFFSET));
    if (candidates?.some((at) => isTek(rows, row + TEK_OFFSET, teks, at)) === true) hits.push(row / ROW_BYTES);
  }
  return hits;
}

function isTek(rows: Uint8Array, row: number, teks: Uint8Array, at: number): boolean {
  for (let i = 0; i < TEK_BYTES; i++) if (rows[row + i] !== teks[at + i]) return false;
  return true;
}
