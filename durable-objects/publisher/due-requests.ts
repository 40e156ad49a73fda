/**
 * @module Which of the requests that wait (take-back.ts) an hour can take up.
 *
 * Durable order: a request that is over is marked, then its object deleted: a crash in between leaves a stray, which goes at a midnight (`forgetTaken`, taking-ops.ts).
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import { dayOfSealing } from '../../domain/publication/head.ts';
import { mergeTaken, parseRequest, requestKey, type TakenRows } from '../../domain/publication/taken.ts';
import type { Publication } from './publication.ts';
import type { AskedRequest } from './taking-store.ts';

const HOURS_A_DAY = 24;

/** A request that waits, with the rows that it names. */
export interface DueRequest {
  readonly request: AskedRequest;
  readonly rows: readonly TakenRows[];
}

/** @returns the requests that an hour can take up: what it publishes itself goes with the next one, since a chunk's minima were counted with it */
export async function dueRequests(p: Publication, hour: number, to: RevisedType | null): Promise<DueRequest[]> {
  const due: DueRequest[] = [];
  const over: string[] = [];
  const isReady = (part: TakenRows): boolean => part.hour < hour && (to === null || isOfDaysBefore(p, part.hour, hour));
  for (const request of p.takings.openTo(to)) {
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
    } else if (live.every(isReady)) due.push({ request, rows: live });
  }
  if (over.length > 0) await p.privateBucket.delete(over);
  return due;
}

/**
 * A file of a day has keys of all its hours, and what was said anew with them: so that a key never stands in both, something is said of it on a later day.
 *
 * @returns whether every region showed the keys of the hour `of` before the day of `hour`
 */
export function isOfDaysBefore(p: Publication, of: number, hour: number): boolean {
  const first = Math.floor(hour / HOURS_A_DAY) * HOURS_A_DAY;
  // CWA's tree may show keys of a record later.
  const isShown = (region: string): boolean =>
    p.store.backlog(region).some((waiting) => waiting.hour === of) ||
    p.store.regionHours(region, first, hour).some(({ cwa }) => cwa.slices.some((slice) => slice.hour === of));
  return of < first && !p.config.regions.some(isShown);
}

/** @returns the midnight at which the last key has left that was published when a request was asked for, whatever it names */
export const lastLeaving = (p: Publication, { askedHour }: Pick<AskedRequest, 'askedHour'>): number =>
  dayOfSealing(askedHour) + p.config.policy.retentionDays + 1;

/** @returns the rows that a request names */
export async function rowsOf(p: Publication, { id }: AskedRequest): Promise<TakenRows[]> {
  const bytes = await p.privateBucket.get(requestKey(id));
  if (bytes === null) p.store.count('alert_take_back_lost');
  return bytes === null ? [] : parseRequest(bytes);
}

/** @returns the rows of all of them, each once */
export const rowsIn = (requests: readonly DueRequest[]): TakenRows[] =>
  mergeTaken(requests.flatMap(({ rows }) => rows));
