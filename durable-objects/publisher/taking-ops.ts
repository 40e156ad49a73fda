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
 *
 * Rows that are to have another report type (docs/decisions/065) go the same way, with an hour that takes nothing back: they stay, and are listed with what was set aside and can have that type, so that a list is of one report type.
 */
import { REVISED_TYPES, type RevisedType } from '../../protocol/gaen/keys.ts';
import { isRegionList } from '../../domain/publication/feeds.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { chooseCompany, type AskedRows, type Company } from '../../domain/publication/company.ts';
import { withTaken } from '../../domain/publication/record.ts';
import {
  REQUESTS,
  encodeTaken,
  mergeTaken,
  requestKey,
  takenKey,
  type TakenRows,
} from '../../domain/publication/taken.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { putOnce } from './bucket.ts';
import { dueRequests, rowsIn, rowsOf, type DueRequest } from './due-requests.ts';
import type { Publication } from './publication.ts';
import { reserveParts, stockOf } from './reserve-stock.ts';
import { NO_COMPANY, sumOf, takableRows } from './takable-rows.ts';
import type { AskedRequest, TakenDay, Taking } from './taking-store.ts';

const META: ObjectMeta = { contentType: 'application/octet-stream', cacheControl: 'no-store', expires: null };
/** So long a request waits for synthetic uploads to go with it. */
export const MAX_WAIT_HOURS = 24;
const HOURS_A_DAY = 24;

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
  const over: AskedRequest[] = [];
  let going: Going | null = null;
  // What is to end comes first.
  for (const to of [null, ...REVISED_TYPES]) {
    // An end waits for nothing that is only said anew of keys.
    if (to !== null && p.stopped) over.push(...p.takings.openTo(to));
    if (to !== null && !mayRevise(p, hour, to)) continue;
    const due = await dueRequests(p, hour, to);
    const asked = sumOf(await takableRows(p, hour, rowsIn(due), { ...NO_COMPANY, to }));
    // Of what was taken back or said before nothing is left to wait for.
    if (asked.length === 0) over.push(...due.map(({ request }) => request));
    else going = await goingWith(p, hour, due, asked, to);
    if (going !== null) break;
  }
  p.store.transaction(() => {
    if (going === null) p.store.setMeta('taken_hour', hour);
    else {
      const { to, company } = going;
      const { hours: reserve, waiting } = company;
      p.takings.putTaking({ hour, to, state: 'PLANNED', rows: 0, touched: [], objects: [], reserve, waiting });
    }
    for (const request of over) p.takings.putRequest({ ...request, hour, done: true });
    for (const { request } of going?.requests ?? []) p.takings.putRequest({ ...request, hour });
  });
  if (over.length > 0) await p.privateBucket.delete(over.map(({ id }) => requestKey(id)));
  return going !== null;
}

/** @returns whether the deployment goes on, and no hour of the UTC day has done so for that report type: what was set aside is used up with each list, and is for keys that end first of all */
function mayRevise(p: Publication, hour: number, to: RevisedType): boolean {
  const first = Math.floor(hour / HOURS_A_DAY) * HOURS_A_DAY;
  return !p.stopped && !p.takings.between(first, hour - 1).some((taking) => taking.to === to);
}

/** What an hour takes up: requests, and with what company. */
interface Going {
  readonly to: RevisedType | null;
  readonly requests: readonly DueRequest[];
  readonly company: Company;
}

/**
 * @param asked what of the requests can be taken back, or have that report type
 * @returns requests, hours whose reserve is taken with them, and which rows wait for more of it (domain/publication/company.ts); null when all do
 */
async function goingWith(
  p: Publication,
  hour: number,
  requests: readonly DueRequest[],
  asked: readonly AskedRows[],
  to: RevisedType | null,
): Promise<Going | null> {
  const { policy } = p.config;
  const stock = stockOf(p, hour, to);
  const choose = (some: readonly DueRequest[], rows: readonly AskedRows[], isLate: boolean): Company | null => {
    const touched = new Set(some.flatMap((one) => one.rows.map((part) => part.hour)));
    return chooseCompany({ policy, asked: rows, stock, touched, isLate });
  };
  // Where nothing is set aside there is nothing to wait for.
  const isLate = ({ request }: DueRequest): boolean =>
    policy.reserveUploads === 0 || request.askedHour + MAX_WAIT_HOURS <= hour;
  const hidden = choose(requests, asked, false);
  let going: Going | null = hidden === null ? null : { to, requests, company: hidden };
  if (hidden?.waiting.length !== 0 && requests.some(isLate)) {
    // What isn't late and the reserve can't hide stays: beside what goes as its own company it would stand alone for whoever asked for that.
    const own: DueRequest[] = [];
    for (const one of requests) {
      const goes = isLate(one) || (hidden !== null && (await isHidden(p, hour, one, { ...hidden, to })));
      if (goes) own.push(one);
    }
    const rows =
      own.length === requests.length ? asked : sumOf(await takableRows(p, hour, rowsIn(own), { ...NO_COMPANY, to }));
    const late = choose(own, rows, true);
    // Where being late helps nothing, nobody stays for it.
    const helps = rows.some(({ regions }) =>
      regions.some((region) => hidden?.waiting.includes(region) !== false && late?.waiting.includes(region) === false),
    );
    if (late !== null && helps) going = { to, requests: own, company: late };
    if (to === null && (late === null || late.waiting.length > 0)) p.store.count('alert_take_back_waits');
  }
  return going;
}

async function isHidden(
  p: Publication,
  hour: number,
  { rows }: DueRequest,
  { waiting, to }: Pick<Taking, 'waiting' | 'to'>,
): Promise<boolean> {
  const asked = sumOf(await takableRows(p, hour, rows, { ...NO_COMPANY, to }));
  return asked.every(({ regions }) => !regions.some((region) => waiting.includes(region)));
}

/** Rows that leave at one midnight: which are there, and an object that says so. */
async function takeDay(p: Publication, taking: Taking, day: number, asked: readonly TakenRows[]): Promise<void> {
  const { hour } = taking;
  const found = await takableRows(p, hour, asked, taking);
  const parts = found.map(({ hour: of, day: leaving, n, rows, counts, again }) => {
    const regionKeys: Record<string, number> = {};
    for (const { regions, keys } of counts) {
      for (const region of regions.filter(isRegionList)) regionKeys[region] = (regionKeys[region] ?? 0) + keys;
    }
    const saidBefore = Object.keys(again).length === 0 ? {} : { again };
    return { of, day: leaving, n, rows: rows.length, regionKeys, ...saidBefore };
  });
  const name = takenKey(hour, day);
  const bytes = encodeTaken(found);
  if (parts.length > 0) await putOnce(p.privateBucket, name, bytes, META);
  const object = parts.length === 0 ? null : { name, sha256: toBase64Url(sha256(bytes)), until: day };
  p.takings.putDay(hour, { day, object, parts });
}

async function finish(p: Publication, taking: Taking, planned: readonly TakenDay[]): Promise<void> {
  const { hour, to, reserve, waiting } = taking;
  const parts = planned.flatMap((day) => day.parts);
  const objects = planned.flatMap(({ object }) => object ?? []);
  const touched = [...new Set(parts.map(({ of }) => of))].toSorted((a, b) => a - b);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const own = p.takings.openRequests().filter((request) => request.hour === hour);
  const left = await Promise.all(own.map((request) => isLeft(p, taking, request)));
  const done = own.filter((_, n) => !left[n]);
  p.store.transaction(() => {
    const revised = to === null ? {} : { to };
    const said = parts.map((part) => ({ ...part, hour, ...revised }));
    for (const of of touched) {
      const recorded = p.store.hour(of);
      p.store.putHour({ ...recorded, record: withTaken(recorded.record!, said) });
    }
    for (const [n, request] of own.entries()) {
      p.takings.putRequest(left[n] === true ? { ...request, hour: null } : { ...request, done: true });
    }
    p.takings.putTaking({ hour, to, state: 'TAKEN', rows, touched, reserve, waiting, objects });
    p.takings.forgetPlan(hour);
    p.log.append({ kind: 'taken', hour, ...revised, rows, reserve, objects, parts });
    p.store.setMeta('taken_hour', hour);
    p.store.count(to === null ? 'keys_taken_back' : 'keys_revised', rows);
  });
  if (done.length > 0) await p.privateBucket.delete(done.map(({ id }) => requestKey(id)));
}

/** @returns whether rows of a request wait for company: what was taken is not found again, so a later hour takes the request up as it is */
async function isLeft(p: Publication, { hour, waiting, to }: Taking, request: AskedRequest): Promise<boolean> {
  if (waiting.length === 0) return false;
  const live = (await rowsOf(p, request)).filter(({ day }) => day > dayOfSealing(hour));
  const asked = sumOf(await takableRows(p, hour, live, { ...NO_COMPANY, to }));
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
