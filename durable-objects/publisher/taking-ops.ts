/**
 * @module With which hour rows that were published end (docs/architecture.md §5.11, decision 040). An hour that is PLANNED and not yet written takes up all
 * requests that wait (take-back.ts), finds in the records which of the rows are still there and which regions had them, and writes down which they are. From then on
 * everything that is made of the records is without them; revoke-ops.ts publishes what phones take back.
 *
 * Decoys that padded an hour stay, whoever names them: a forger who subtracts its own keys would hold the rest for decoys.
 *
 * Durable order: the hour of each request (`PLANNED`), then for each midnight at which rows leave the object and its row, then in one transaction the records, the log's
 * entry and `TAKEN`, then the requests' objects go. A crash between two repeats the step over the same requests with the same bytes; after the last it leaves objects of requests that
 * are done, which go at a midnight (`forgetTaken`).
 */
import { dayOfSealing } from '../../domain/publication/head.ts';
import { ROW_BYTES, rowProvenance } from '../../domain/publication/packed-keys.ts';
import { partKey, publishingRegions, withTaken, type SetRecord } from '../../domain/publication/record.ts';
import {
  REQUESTS,
  encodeTaken,
  mergeTaken,
  parseTaken,
  requestKey,
  takenKey,
  type TakenRows,
} from '../../domain/publication/taken.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { putOnce } from './bucket.ts';
import type { Publication } from './publication.ts';
import type { TakenDay, TakenPartRow } from './taking-store.ts';

const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };
/** Parts read at once: 560 KB each at most. */
const PARTS_AT_ONCE = 6;

/**
 * @param hour PLANNED, and written in no region
 * @returns whether a step was taken; false when the hour takes nothing back, or has done so
 */
export async function takingStep(p: Publication, hour: number): Promise<boolean> {
  if ((p.store.meta('taken_hour') ?? -1) >= hour) return false;
  if (p.takings.taking(hour) === null) {
    const asked = p.takings.openRequests();
    p.store.transaction(() => {
      if (asked.length === 0) {
        p.store.setMeta('taken_hour', hour);
        return;
      }
      for (const request of asked) p.takings.putRequest({ ...request, hour });
      p.takings.putTaking({ hour, state: 'PLANNED', rows: 0, touched: [], objects: [] });
    });
    return asked.length > 0;
  }
  const asked = await requestedRows(p, hour);
  const planned = p.takings.days(hour);
  const days = [...new Set(asked.map(({ day }) => day))].toSorted((a, b) => a - b);
  // What leaves at the midnight at which this hour is sealed needn't be taken back.
  const next = days.find((day) => day > dayOfSealing(hour) && !planned.some((done) => done.day === day));
  if (next === undefined) await finish(p, hour, planned);
  else {
    await takeDay(
      p,
      hour,
      next,
      asked.filter(({ day }) => day === next),
    );
  }
  return true;
}

/** @returns the rows that the requests of an hour name */
async function requestedRows(p: Publication, hour: number): Promise<TakenRows[]> {
  const parts: TakenRows[] = [];
  for (const { id } of p.takings.openRequests().filter((request) => request.hour === hour)) {
    const bytes = await p.privateBucket.get(requestKey(id));
    if (bytes === null) p.store.count('alert_take_back_lost');
    else for (const part of parseTaken(bytes)) parts.push(part);
  }
  return mergeTaken(parts);
}

/** Rows that leave at one midnight: which are there, and an object that says so. */
async function takeDay(p: Publication, hour: number, day: number, asked: readonly TakenRows[]): Promise<void> {
  const found: { readonly rows: TakenRows; readonly part: TakenPartRow }[] = [];
  for (let at = 0; at < asked.length; at += PARTS_AT_ONCE) {
    const some = asked.slice(at, at + PARTS_AT_ONCE).map((rows) => takePart(p, hour, rows));
    found.push(...(await Promise.all(some)).flatMap((one) => one ?? []));
  }
  const parts = found.map(({ part }) => part);
  const name = takenKey(hour, day);
  const bytes = encodeTaken(found.map(({ rows }) => rows));
  if (parts.length > 0) await putOnce(p.privateBucket, name, bytes, META);
  const object = parts.length === 0 ? null : { name, sha256: toBase64Url(sha256(bytes)), until: day };
  p.takings.putDay(hour, { day, object, parts });
}

/** @returns the rows of one part that can be taken back, null when there is none */
async function takePart(
  p: Publication,
  hour: number,
  { hour: of, day, n, rows }: TakenRows,
): Promise<{ readonly rows: TakenRows; readonly part: TakenPartRow } | null> {
  // What is not recorded yet can't be meant, nor what is gone.
  const record = of < hour ? p.store.hour(of).record : null;
  const part = record?.parts.find((one) => one.day === day && one.n === n);
  if (record === null || part === undefined) return null;
  const bytes = await p.privateBucket.get(partKey(of, part));
  if (bytes === null) throw new Error(`the private record lacks ${partKey(of, part)}`);
  const before = new Set<number>();
  for (const { hour: earlier } of part.taken ?? []) {
    const done = parseTaken((await p.privateBucket.get(takenKey(earlier, day))) ?? new Uint8Array(0));
    for (const one of done) if (one.hour === of && one.n === n) for (const row of one.rows) before.add(row);
  }
  const regionKeys: Record<string, number> = {};
  const taken = rows.filter((row) => {
    const regions = row < part.rows && !before.has(row) ? regionsOf(p, record, bytes, row) : null;
    for (const region of regions ?? []) regionKeys[region] = (regionKeys[region] ?? 0) + 1;
    return regions !== null;
  });
  if (taken.length === 0) return null;
  return { rows: { hour: of, day, n, rows: taken }, part: { of, day, n, rows: taken.length, regionKeys } };
}

/** @returns regions that publish a row; null for a decoy that padded an hour, and for a row that nobody can read */
function regionsOf(p: Publication, record: SetRecord, rows: Uint8Array, row: number): string[] | null {
  const provenance = record.provenances[rowProvenance(rows, row * ROW_BYTES)];
  if (provenance === undefined || provenance.synthetic) return null;
  return publishingRegions(p.config.regions, p.config.unionRegion, provenance);
}

async function finish(p: Publication, hour: number, planned: readonly TakenDay[]): Promise<void> {
  const parts = planned.flatMap((day) => day.parts);
  const objects = planned.flatMap(({ object }) => object ?? []);
  const touched = [...new Set(parts.map(({ of }) => of))].toSorted((a, b) => a - b);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const done = p.takings.openRequests().filter((request) => request.hour === hour);
  p.store.transaction(() => {
    const said = parts.map((part) => ({ ...part, hour }));
    for (const of of touched) {
      const recorded = p.store.hour(of);
      p.store.putHour({ ...recorded, record: withTaken(recorded.record!, said) });
    }
    for (const request of done) p.takings.putRequest({ ...request, done: true });
    p.takings.putTaking({ hour, state: 'TAKEN', rows, touched, objects });
    p.takings.forgetPlan(hour);
    p.log.append({ kind: 'taken', hour, rows, objects, parts });
    p.store.setMeta('taken_hour', hour);
    p.store.count('keys_taken_back', rows);
  });
  if (done.length > 0) await p.privateBucket.delete(done.map(({ id }) => requestKey(id)));
}

/** Forgets what has had its time: requests that are done, or were given up before they were kept. @param before hour */
export async function forgetTaken(p: Publication, before: number): Promise<void> {
  const open = new Set(p.takings.openRequests().map(({ id }) => requestKey(id)));
  const stray = (await p.privateBucket.list(REQUESTS)).filter((name) => !open.has(name));
  if (stray.length > 0) await p.privateBucket.delete(stray);
  p.store.transaction(() => p.takings.forget(before));
}
