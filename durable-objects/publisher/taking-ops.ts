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
 *
 * Rows whose region has too little company wait (domain/publication/company.ts): their request stays open with all its rows, and what of them is taken is not found again.
 */
import { isCountedPart, isRegionList, partList } from '../../domain/publication/feeds.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import {
  certainUploads,
  chooseCompany,
  type AskedRows,
  type Company,
  type HourReserve,
} from '../../domain/publication/company.ts';
import { withTaken, type SetRecord } from '../../domain/publication/record.ts';
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
import type { Publication } from './publication.ts';
import { sumOf, takableRows } from './takable-rows.ts';
import type { AskedRequest, TakenDay, Taking } from './taking-store.ts';

const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };
/** So long a request waits for synthetic uploads to go with it. */
export const MAX_WAIT_HOURS = 24;

/**
 * @param hour PLANNED, and written in no region
 * @returns whether a step was taken; false when the hour takes nothing back, or has done so
 */
export async function takingStep(p: Publication, hour: number): Promise<boolean> {
  if ((p.store.meta('taken_hour') ?? -1) >= hour) return false;
  const taking = p.takings.taking(hour);
  if (taking === null) return planTaking(p, hour);
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

/** @returns whether something was written down beyond that the hour takes nothing back */
async function planTaking(p: Publication, hour: number): Promise<boolean> {
  const due = await dueRequests(p, hour);
  const asked = sumOf(await takableRows(p, hour, rowsIn(due)));
  const going = asked.length === 0 ? null : await goingWith(p, hour, due, asked);
  // Of what was taken back before nothing is left to wait for.
  const isOver = asked.length === 0;
  p.store.transaction(() => {
    if (going === null) p.store.setMeta('taken_hour', hour);
    else {
      const { hours: reserve, waiting } = going.company;
      p.takings.putTaking({ hour, state: 'PLANNED', rows: 0, touched: [], objects: [], reserve, waiting });
    }
    for (const { request } of going?.requests ?? (isOver ? due : [])) {
      p.takings.putRequest({ ...request, hour, done: isOver });
    }
  });
  if (isOver && due.length > 0) await p.privateBucket.delete(due.map(({ request }) => requestKey(request.id)));
  return going !== null;
}

/** What an hour takes up: requests, and with what company. */
interface Going {
  readonly requests: readonly DueRequest[];
  readonly company: Company;
}

/**
 * @param asked what of the requests can be taken back
 * @returns requests, hours whose reserve is taken with them, and which rows wait for more of it (domain/publication/company.ts); null when all do
 */
async function goingWith(
  p: Publication,
  hour: number,
  requests: readonly DueRequest[],
  asked: readonly AskedRows[],
): Promise<Going | null> {
  const { policy } = p.config;
  const stock = stockOf(p, hour);
  const choose = (some: readonly DueRequest[], rows: readonly AskedRows[], isLate: boolean): Company | null => {
    const touched = new Set(some.flatMap((one) => one.rows.map((part) => part.hour)));
    return chooseCompany({ policy, asked: rows, stock, touched, isLate });
  };
  // Where nothing is set aside there is nothing to wait for.
  const isLate = ({ request }: DueRequest): boolean =>
    policy.reserveUploads === 0 || request.askedHour + MAX_WAIT_HOURS <= hour;
  const hidden = choose(requests, asked, false);
  let going: Going | null = hidden === null ? null : { requests, company: hidden };
  if (hidden?.waiting.length !== 0 && requests.some(isLate)) {
    // What isn't late and the reserve can't hide stays: beside what goes as its own company it would stand alone for whoever asked for that.
    const own: DueRequest[] = [];
    for (const one of requests) {
      const goes = isLate(one) || (hidden !== null && (await isHidden(p, hour, one, hidden)));
      if (goes) own.push(one);
    }
    const rows = own.length === requests.length ? asked : sumOf(await takableRows(p, hour, rowsIn(own)));
    const late = choose(own, rows, true);
    // Where being late helps nothing, nobody stays for it.
    const helps = rows.some(({ regions }) =>
      regions.some((region) => hidden?.waiting.includes(region) !== false && late?.waiting.includes(region) === false),
    );
    if (late !== null && helps) going = { requests: own, company: late };
    if (late === null || late.waiting.length > 0) p.store.count('alert_take_back_waits');
  }
  return going;
}

const rowsIn = (requests: readonly DueRequest[]): TakenRows[] => mergeTaken(requests.flatMap(({ rows }) => rows));

async function isHidden(p: Publication, hour: number, { rows }: DueRequest, { waiting }: Company): Promise<boolean> {
  const asked = sumOf(await takableRows(p, hour, rows));
  return asked.every(({ regions }) => !regions.some((region) => waiting.includes(region)));
}

/** @returns what hours set aside and nobody has used, the newest first */
export function stockOf(p: Publication, hour: number): HourReserve[] {
  const used = p.takings.usedReserve();
  const cut = dayOfSealing(hour);
  return p.store
    .hoursBetween(0, hour - 1)
    .flatMap(({ hour: of, record }) =>
      record === null || used.has(of) ? [] : [{ hour: of, ...reserveOf(p, record, cut) }],
    )
    .filter(({ keys }) => Object.keys(keys).length > 0)
    .toReversed();
}

/** @returns rows of each list that were set aside and don't leave at `cut` or earlier, and of how many uploads they are at least */
function reserveOf(
  { config: { policy, unionRegion, feeds } }: Publication,
  record: SetRecord,
  cut: number,
): Omit<HourReserve, 'hour'> {
  const [keys, whole]: Record<string, number>[] = [{}, {}];
  for (const { day, reserve = {} } of record.parts) {
    for (const [name, count] of Object.entries(reserve)) {
      const list = isCountedPart(name) ? partList(name, feeds) : name;
      if (list === null) continue;
      whole![list] = (whole![list] ?? 0) + count;
      if (day > cut) keys![list] = (keys![list] ?? 0) + count;
    }
  }
  // Until the first key leaves all uploads are there: of a part its own, of a region that has all their keys too.
  const isWhole = (list: string, count: number): boolean =>
    count === (isRegionList(list) ? whole![unionRegion] : whole![list]);
  const uploads = Object.fromEntries(
    Object.entries(keys!).map(([list, count]) => [
      list,
      Math.max(certainUploads(count), isWhole(list, count) ? Math.min(policy.reserveUploads, count) : 0),
    ]),
  );
  return { keys: keys!, uploads };
}

/** @returns parts that hold rows of the reserve of these hours; which rows, takableRows finds */
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
    if (rows.length === 0) {
      // It was lost. What it named has left when nothing lives any more that was published when it was asked for: else the end of a deployment would wait for good.
      if (lastLeaving(p, request) > dayOfSealing(hour)) continue;
      p.takings.putRequest({ ...request, hour, done: true });
      continue;
    }
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

/** @returns the midnight at which the last key has left that was published when a request was asked for, whatever it names */
export const lastLeaving = (p: Publication, { askedHour }: Pick<AskedRequest, 'askedHour'>): number =>
  dayOfSealing(askedHour) + p.config.policy.retentionDays + 1;

/** @returns the rows that a request names */
async function rowsOf(p: Publication, { id }: AskedRequest): Promise<TakenRows[]> {
  const bytes = await p.privateBucket.get(requestKey(id));
  if (bytes === null) p.store.count('alert_take_back_lost');
  return bytes === null ? [] : parseRequest(bytes);
}

/** Rows that leave at one midnight: which are there, and an object that says so. */
async function takeDay(p: Publication, taking: Taking, day: number, asked: readonly TakenRows[]): Promise<void> {
  const { hour } = taking;
  const found = await takableRows(p, hour, asked, taking);
  const parts = found.map(({ hour: of, day: leaving, n, rows, counts }) => {
    const regionKeys: Record<string, number> = {};
    for (const { regions, keys } of counts) {
      for (const region of regions.filter(isRegionList)) regionKeys[region] = (regionKeys[region] ?? 0) + keys;
    }
    return { of, day: leaving, n, rows: rows.length, regionKeys };
  });
  const name = takenKey(hour, day);
  const bytes = encodeTaken(found);
  if (parts.length > 0) await putOnce(p.privateBucket, name, bytes, META);
  const object = parts.length === 0 ? null : { name, sha256: toBase64Url(sha256(bytes)), until: day };
  p.takings.putDay(hour, { day, object, parts });
}

async function finish(p: Publication, taking: Taking, planned: readonly TakenDay[]): Promise<void> {
  const { hour, reserve, waiting } = taking;
  const parts = planned.flatMap((day) => day.parts);
  const objects = planned.flatMap(({ object }) => object ?? []);
  const touched = [...new Set(parts.map(({ of }) => of))].toSorted((a, b) => a - b);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const own = p.takings.openRequests().filter((request) => request.hour === hour);
  const left = await Promise.all(own.map((request) => isLeft(p, taking, request)));
  const done = own.filter((_, n) => !left[n]);
  p.store.transaction(() => {
    const said = parts.map((part) => ({ ...part, hour }));
    for (const of of touched) {
      const recorded = p.store.hour(of);
      p.store.putHour({ ...recorded, record: withTaken(recorded.record!, said) });
    }
    for (const [n, request] of own.entries()) {
      p.takings.putRequest(left[n] === true ? { ...request, hour: null } : { ...request, done: true });
    }
    p.takings.putTaking({ hour, state: 'TAKEN', rows, touched, reserve, waiting, objects });
    p.takings.forgetPlan(hour);
    p.log.append({ kind: 'taken', hour, rows, reserve, objects, parts });
    p.store.setMeta('taken_hour', hour);
    p.store.count('keys_taken_back', rows);
  });
  if (done.length > 0) await p.privateBucket.delete(done.map(({ id }) => requestKey(id)));
}

/** @returns whether rows of a request wait for company: what was taken is not found again, so a later hour takes the request up as it is */
async function isLeft(p: Publication, { hour, waiting }: Taking, request: AskedRequest): Promise<boolean> {
  if (waiting.length === 0) return false;
  const live = (await rowsOf(p, request)).filter(({ day }) => day > dayOfSealing(hour));
  const asked = sumOf(await takableRows(p, hour, live));
  return asked.some(({ regions }) => regions.some((region) => waiting.includes(region)));
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
