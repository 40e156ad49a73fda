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
import { isCountedPart, partOf } from '../../domain/publication/feeds.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { ROW_BYTES, rowProvenance } from '../../domain/publication/packed-keys.ts';
import { takenOf } from './find-rows.ts';
import { countLocal } from './peer-rows.ts';
import { partKey, publishingRegions, withTaken, type SetRecord } from '../../domain/publication/record.ts';
import {
  REQUESTS,
  encodeTaken,
  mergeTaken,
  parseRequest,
  requestKey,
  takenKey,
  type TakenRows,
} from '../../domain/publication/taken.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { putOnce } from './bucket.ts';
import type { PublisherConfig } from './model.ts';
import type { Publication } from './publication.ts';
import type { AskedRequest, TakenDay, TakenPartRow, Taking } from './taking-store.ts';

const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };
/** So long a request waits for synthetic uploads to go with it. */
const MAX_WAIT_HOURS = 24;
/** Parts read at once: 560 KB each at most. */
const PARTS_AT_ONCE = 6;

/**
 * @param hour PLANNED, and written in no region
 * @returns whether a step was taken; false when the hour takes nothing back, or has done so
 */
export async function takingStep(p: Publication, hour: number): Promise<boolean> {
  if ((p.store.meta('taken_hour') ?? -1) >= hour) return false;
  const taking = p.takings.taking(hour);
  if (taking === null) {
    const requests = await dueRequests(p, hour);
    const reserve = requests.length === 0 ? null : await chooseReserve(p, hour, requests);
    p.store.transaction(() => {
      if (reserve === null) {
        p.store.setMeta('taken_hour', hour);
        return;
      }
      for (const { request } of requests) p.takings.putRequest({ ...request, hour });
      p.takings.putTaking({ hour, state: 'PLANNED', rows: 0, touched: [], reserve, objects: [] });
    });
    return reserve !== null;
  }
  const { reserve } = taking;
  const own = p.takings.openRequests().filter((request) => request.hour === hour);
  const requested = (await Promise.all(own.map((request) => rowsOf(p, request)))).flat();
  const asked = mergeTaken([...requested, ...reserveParts(p, reserve)], true);
  const planned = p.takings.days(hour);
  const days = [...new Set(asked.map(({ day }) => day))].toSorted((a, b) => a - b);
  // What leaves at the midnight at which this hour is sealed needn't be taken back.
  const next = days.find((day) => day > dayOfSealing(hour) && !planned.some((done) => done.day === day));
  if (next === undefined) await finish(p, taking, planned);
  else {
    const leaving = asked.filter(({ day }) => day === next);
    await takeDay(p, taking, next, leaving);
  }
  return true;
}

/**
 * No list of what was taken back is shorter than a chunk may be, and whoever subtracts what it knows of it (a forger its own keys, a person theirs) is left with at least as
 * much: so synthetic uploads go with it that were set aside for this, those of the hours in question first, since a key's hour is known to whoever kept it.
 *
 * @returns hours whose reserve is taken with the requests; null when they have to wait for more of it
 */
async function chooseReserve(p: Publication, hour: number, requests: readonly DueRequest[]): Promise<number[] | null> {
  const asked = requests.flatMap(({ rows }) => rows);
  const { policy, regions } = p.config;
  if (policy.reserveUploads === 0) return [];
  const used = p.takings.usedReserve();
  const touched = new Set(asked.map((part) => part.hour));
  const cut = dayOfSealing(hour);
  const stock = p.store
    .hoursBetween(0, hour - 1)
    .flatMap(({ hour: of, record }) =>
      record === null || used.has(of) ? [] : [{ of, keys: aliveReserve(record, cut) }],
    )
    .filter(({ keys }) => Object.keys(keys).length > 0)
    .toSorted((a, b) => Number(touched.has(b.of)) - Number(touched.has(a.of)) || b.of - a.of);
  const chosen: number[] = [];
  const held: Record<string, number> = {};
  const suffices = (): boolean =>
    chosen.length * policy.reserveUploads >= policy.minUploads &&
    regions.every((region) => (held[region] ?? 0) >= policy.minKeys) &&
    everyPartHolds(held, p.config);
  for (const { of, keys } of stock) {
    // Of the hours in question all of it: who keeps each hour's keys knows which hour a key is of.
    if (suffices() && !touched.has(of)) break;
    chosen.push(of);
    for (const [region, count] of Object.entries(keys)) held[region] = (held[region] ?? 0) + count;
  }
  if (suffices()) return chosen;
  const isLate = requests.some(({ request }) => request.askedHour + MAX_WAIT_HOURS <= hour);
  if (!isLate) return null;
  // After a day what was asked for is company enough if it is as many as a chunk needs; less never stands alone. A peer's rows are none: it subtracts them. Where there is nothing else, nobody needs any.
  const local = await countLocal(p, mergeTaken(asked));
  const rows = local + (held[p.config.unionRegion] ?? 0);
  if (local === 0 || rows >= policy.minKeys) return chosen;
  p.store.count('alert_take_back_waits');
  return null;
}

/**
 * A peer subtracts what it reads as taken back from the public list: what is left is a part of it (domain/publication/feeds.ts). Each hour's reserve has as much of each part that the hour had.
 *
 * @param held rows of the reserve, by region and by where they may go
 */
function everyPartHolds(held: Readonly<Record<string, number>>, { feeds, policy }: PublisherConfig): boolean {
  const parts = Map.groupBy(
    Object.entries(held).filter(([name]) => feeds.length > 0 && isCountedPart(name)),
    ([name]) => partOf(name, feeds),
  );
  return [...parts.values()].every((rows) => rows.reduce((sum, [, keys]) => sum + keys, 0) >= policy.minKeys);
}

/** @returns rows of each region that were set aside and don't leave at `cut` or earlier */
function aliveReserve(record: SetRecord, cut: number): Record<string, number> {
  const keys: Record<string, number> = {};
  for (const { day, reserve = {} } of record.parts) {
    for (const [region, count] of day > cut ? Object.entries(reserve) : []) keys[region] = (keys[region] ?? 0) + count;
  }
  return keys;
}

/** @returns parts that hold rows of the reserve of these hours; which rows, takePart finds */
function reserveParts(p: Publication, hours: readonly number[]): TakenRows[] {
  return hours.flatMap((hour) =>
    (p.store.hour(hour).record?.parts ?? []).flatMap(({ day, n, reserve }) =>
      reserve === undefined ? [] : [{ hour, day, n, rows: new Uint32Array(0) }],
    ),
  );
}

/** A request that waits, with the rows that it names. */
interface DueRequest {
  readonly request: AskedRequest;
  readonly rows: readonly TakenRows[];
}

/** @returns the requests that an hour can take up: what it publishes itself goes with the next one, since a chunk's minima were counted with it */
async function dueRequests(p: Publication, hour: number): Promise<DueRequest[]> {
  const due: DueRequest[] = [];
  const over: string[] = [];
  for (const request of p.takings.openRequests()) {
    const rows = await rowsOf(p, request);
    if (rows.length === 0) continue;
    const live = rows.filter(({ day }) => day > dayOfSealing(hour));
    if (live.length === 0) {
      // All its keys have had their time: a crash before the object is deleted leaves a stray (forgetTaken).
      p.takings.putRequest({ ...request, hour, done: true });
      over.push(requestKey(request.id));
    } else if (live.every((part) => part.hour < hour)) due.push({ request, rows: live });
  }
  if (over.length > 0) await p.privateBucket.delete(over);
  return due;
}

/** @returns the rows that a request names */
async function rowsOf(p: Publication, { id }: AskedRequest): Promise<TakenRows[]> {
  const bytes = await p.privateBucket.get(requestKey(id));
  if (bytes === null) p.store.count('alert_take_back_lost');
  return bytes === null ? [] : parseRequest(bytes);
}

/** Rows that leave at one midnight: which are there, and an object that says so. */
async function takeDay(p: Publication, taking: Taking, day: number, asked: readonly TakenRows[]): Promise<void> {
  const { hour } = taking;
  const found: { readonly rows: TakenRows; readonly part: TakenPartRow }[] = [];
  for (let at = 0; at < asked.length; at += PARTS_AT_ONCE) {
    const some = asked.slice(at, at + PARTS_AT_ONCE).map((rows) => takePart(p, taking, rows));
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
  { hour, reserve }: Taking,
  { hour: of, day, n, rows }: TakenRows,
): Promise<{ readonly rows: TakenRows; readonly part: TakenPartRow } | null> {
  // What is not recorded yet can't be meant, nor what is gone.
  const record = of < hour ? p.store.hour(of).record : null;
  const part = record?.parts.find((one) => one.day === day && one.n === n);
  if (record === null || part === undefined) return null;
  const bytes = await p.privateBucket.get(partKey(of, part));
  if (bytes === null) throw new Error(`the private record lacks ${partKey(of, part)}`);
  const before = await takenOf(p, of, part);
  const regionKeys: Record<string, number> = {};
  const isReserve = reserve.includes(of);
  const wanted = new Set(rows);
  const all = isReserve ? Uint32Array.from({ length: part.rows }, (_, row) => row) : rows;
  const taken = all.filter((row) => {
    if (row >= part.rows || before.has(row)) return false;
    const provenance = record.provenances[rowProvenance(bytes, row * ROW_BYTES)];
    // A row that nobody can read, and decoys that padded an hour.
    if (provenance === undefined || (provenance.synthetic && !(isReserve && provenance.reserve === true))) return false;
    if (!provenance.synthetic && !wanted.has(row)) return false;
    const regions = publishingRegions(p.config.regions, p.config.unionRegion, provenance);
    for (const region of regions) regionKeys[region] = (regionKeys[region] ?? 0) + 1;
    return true;
  });
  if (taken.length === 0) return null;
  return { rows: { hour: of, day, n, rows: taken }, part: { of, day, n, rows: taken.length, regionKeys } };
}

async function finish(p: Publication, taking: Taking, planned: readonly TakenDay[]): Promise<void> {
  const { hour, reserve } = taking;
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
    p.takings.putTaking({ hour, state: 'TAKEN', rows, touched, reserve, objects });
    p.takings.forgetPlan(hour);
    p.log.append({ kind: 'taken', hour, rows, reserve, objects, parts });
    p.store.setMeta('taken_hour', hour);
    p.store.count('keys_taken_back', rows);
  });
  if (done.length > 0) await p.privateBucket.delete(done.map(({ id }) => requestKey(id)));
}

/** Forgets what has had its time: requests that are done, or were given up before they were kept. @param before hour */
export async function forgetTaken(p: Publication, before: number): Promise<void> {
  const listed = await p.privateBucket.list(REQUESTS);
  // Looked at after the list, so that a request whose object was in it has its row by now, or is just being kept.
  const open = new Set([...p.takings.openRequests().map(({ id }) => requestKey(id)), ...p.takings.beingKept.keys()]);
  const stray = listed.filter((name) => !open.has(name));
  if (stray.length > 0) await p.privateBucket.delete(stray);
  p.store.transaction(() => p.takings.forget(before));
}
