/**
 * @module What the public bucket must hold, as the event log has it: of each region's last publication the hours, days, pages, lists and head.
 */
import type { EventOf, LogEvent, LoggedSlice, SealedFile } from '../event-log/entry.ts';

/** One region. */
export interface RegionPlan {
  readonly published: EventOf<'published'>;
  readonly hours: readonly EventOf<'written'>[];
  readonly days: readonly { readonly cut: EventOf<'cut'>; readonly slices: readonly LoggedSlice[] }[];
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
  for (const event of events) {
    if (event.kind === 'published') published.set(event.region, event);
    if (event.kind === 'written') written.set(`${event.region} ${event.hour}`, event);
    if (event.kind === 'cut') cuts.set(`${event.region} ${event.day} ${event.cut}`, event);
  }
  return [...published.values()].map((last) => {
    const { region } = last;
    const hourOf = (hour: number): EventOf<'written'> | undefined => written.get(`${region} ${hour}`);
    return {
      published: last,
      hours: last.hours.map((hour) => hourOf(hour) ?? lacks(region, `hour ${hour}`)),
      days: last.days.map(({ day, cut }) => ({
        cut: cuts.get(`${region} ${day} ${cut}`) ?? lacks(region, `day ${day}`),
        slices: Array.from({ length: 24 }, (_, n) => hourOf(day * 24 + n)?.cwa.slices ?? []).flat(),
      })),
    };
  });
}

function lacks(region: string, what: string): never {
  throw new Error(
    `the log does not say what was written of ${what} in ${region}: it began later, or entries are missing`,
  );
}

/** @returns the files that a plan's head names, by hour and by day */
export function filesOf(plan: RegionPlan) {
  const hours = new Map(plan.hours.map(({ hour, files }) => [hour, files]));
  const days = new Map(plan.days.map(({ cut }) => [`${cut.day} ${cut.cut}`, cut.files]));
  return {
    hour: (hour: number): readonly SealedFile[] => hours.get(hour) ?? [],
    day: (day: number, cut: number): readonly SealedFile[] => days.get(`${day} ${cut}`) ?? [],
  };
}
