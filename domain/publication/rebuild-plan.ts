/**
 * @module What the public bucket must hold, as the event log has it: of each region's last publication the hours, days, pages, lists and head.
 */
import type { EventOf, LogEvent, LoggedSlice } from '../event-log/entry.ts';
import { listedGoogleDays } from './google-files.ts';
import type { PublishedFiles } from './published-head.ts';
import { withTaken, type RecordBook, type SetRecord } from './record.ts';

/** One region. */
export interface RegionPlan {
  readonly published: EventOf<'published'>;
  readonly hours: readonly EventOf<'written'>[];
  readonly days: readonly { readonly cut: EventOf<'cut'>; readonly slices: readonly LoggedSlice[] }[];
  readonly revocations: readonly EventOf<'revoked'>[];
  /** Days of Google's view that it lists. */
  readonly google: readonly EventOf<'exported'>[];
}

/**
 * @param events of the log, ascending
 * @returns a plan for each region that has published
 * @throws Error when the log begins after something that is published now
 */
export function planRebuild(events: readonly LogEvent[]): RegionPlan[] {
  const published = new Map<string, EventOf<'published'>>();
  const written = new Map<string, EventOf<'written'>>();
  const cuts = new Map<string, EventOf<'cut'>>();
  const revoked = new Map<string, EventOf<'revoked'>>();
  const google = new Map<string, ReadonlyMap<number, EventOf<'exported'>>>();
  const listedGoogle = new Map<string, readonly EventOf<'exported'>[]>();
  for (const event of events) {
    if (event.kind === 'published') {
      published.set(event.region, event);
      listedGoogle.set(event.region, listedBy(event, google.get(event.region)));
    }
    if (event.kind === 'exported') google.set(event.region, new Map(google.get(event.region)).set(event.day, event));
    if (event.kind === 'written') written.set(`${event.region} ${event.hour}`, event);
    if (event.kind === 'cut') cuts.set(`${event.region} ${event.day} ${event.cut} ${event.revised ?? ''}`, event);
    if (event.kind === 'revoked') revoked.set(`${event.region} ${event.hour} ${event.cut}`, event);
  }
  return [...published.values()].map((last) => {
    const { region } = last;
    const hourOf = (hour: number): EventOf<'written'> | undefined => written.get(`${region} ${hour}`);
    return {
      published: last,
      google: listedGoogle.get(region) ?? [],
      hours: last.hours.map((hour) => hourOf(hour) ?? lacks(region, `hour ${hour}`)),
      days: last.days.map(({ day, cut, revised }) => ({
        cut: cuts.get(`${region} ${day} ${cut} ${revised ?? ''}`) ?? lacks(region, `day ${day}`),
        slices: Array.from({ length: 24 }, (_, n) => hourOf(day * 24 + n)?.cwa.slices ?? []).flat(),
      })),
      revocations: (last.revocations ?? []).map(
        ({ hour, cut }) =>
          revoked.get(`${region} ${hour} ${cut}`) ?? lacks(region, `what was taken back in hour ${hour}`),
      ),
    };
  });
}

/** Google's view of a day is one entry after the other, each in place of the one before; the last publication of all lists none. */
function listedBy(
  { hour, retentionDays, hours, days, index }: EventOf<'published'>,
  made: ReadonlyMap<number, EventOf<'exported'>> = new Map(),
): EventOf<'exported'>[] {
  if (index === undefined || hours.length + days.length === 0) return [];
  const { first, last } = listedGoogleDays(hour, retentionDays);
  return [...made.values()].filter(({ day }) => day >= first && day <= last).toSorted((a, b) => a.day - b.day);
}

/**
 * @param records as they lie in the private bucket, by hour
 * @param events of the log
 * @returns the records with what the log says was taken back of them
 */
export function bookOfLog(records: ReadonlyMap<number, SetRecord>, events: readonly LogEvent[]): RecordBook {
  const known = new Map(records);
  const taken = new Map<number, readonly number[]>();
  for (const event of events) {
    if (event.kind !== 'taken') continue;
    const touched = [...new Set(event.parts.map(({ of }) => of))];
    taken.set(event.hour, touched);
    const revised = event.to === undefined ? {} : { to: event.to };
    const parts = event.parts.map((part) => ({ ...part, hour: event.hour, ...revised }));
    for (const hour of touched) {
      const record = known.get(hour);
      if (record !== undefined) known.set(hour, withTaken(record, parts));
    }
  }
  return { recordOf: (hour) => known.get(hour) ?? null, takenWith: (hour) => taken.get(hour) ?? [] };
}

function lacks(region: string, what: string): never {
  throw new Error(
    `the log does not say what was written of ${what} in ${region}: it began later, or entries are missing`,
  );
}

/** @returns the files that a plan's head names */
export function filesOf(plan: RegionPlan): PublishedFiles {
  const hours = new Map(plan.hours.map(({ hour, files }) => [hour, files]));
  const days = new Map(plan.days.map(({ cut }) => [cut.day, cut.files]));
  const revocations = new Map(plan.revocations.map((revocation) => [revocation.hour, revocation]));
  return {
    hour: (hour) => hours.get(hour) ?? [],
    day: (day) => days.get(day) ?? [],
    revocation: (hour) => revocations.get(hour) ?? { days: [], files: [] },
    google: plan.google,
  };
}
