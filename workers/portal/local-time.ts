/**
 * @module Times as staff read them: in the zone of the stage (STAFF_TIME_ZONE), each with the zone's short name, so that the
 * hour which an autumn night has twice is told apart. The audit log alone is UTC, and says so. Zones are those of the
 * runtime's time zone database (IANA), by Intl.
 */
import type { Language } from './texts/texts.ts';

/** Where names of zones and the order of an Intl answer come from; `en` alone writes CET as GMT+1. */
const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', de: 'de', nl: 'nl' };
/** No zone is further from UTC than 14 hours; dates of a zone begin within so much of UTC's. */
const FURTHEST_MINUTES = 15 * 60;

/** How one zone writes times. All arguments are Unix seconds. */
export interface LocalTime {
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly zone: string;
  /** @returns `2026-11-25 10:00 CET` */
  time(seconds: number): string;
  /** @returns `10:00 CET`, with the date when it is another day than that of `now` */
  timeNear(seconds: number, now: number): string;
  /** @returns `2026-11-25` */
  date(seconds: number): string;
  /** @returns the last day that is over before this instant, or ends with it: what is printed as "valid until" holds all that day */
  lastWholeDay(seconds: number): string;
  /** @param date `YYYY-MM-DD` @returns the first instant that has this date here, or null when there is no such day */
  startOfDay(date: string): number | null;
}

/** @returns whether the runtime knows the zone */
export function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const known = new Map<string, LocalTime>();

/** @param zone an IANA name (see {@link isTimeZone}) @param language of the zone's short name @throws RangeError for another zone */
export function localTime(zone: string, language: Language): LocalTime {
  const name = `${zone} ${language}`;
  const made = known.get(name) ?? make(zone, language);
  known.set(name, made);
  return made;
}

function make(zone: string, language: Language): LocalTime {
  const format = new Intl.DateTimeFormat(LOCALES[language], {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
  const partsOf = (seconds: number) => {
    const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
    return {
      date: `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`,
      clock: `${part('hour')}:${part('minute')} ${part('timeZoneName')}`,
    };
  };
  const date = (seconds: number): string => partsOf(seconds).date;
  const time = (seconds: number): string => Object.values(partsOf(seconds)).join(' ');

  // Searched, since a day may begin at 01:00 where the clock is set forward at midnight.
  const startOfDay = (text: string): number | null => {
    const utc = startOfUtcDay(text);
    if (utc === null) return null;
    let [before, at] = [utc / 60 - FURTHEST_MINUTES, utc / 60 + FURTHEST_MINUTES];
    while (at - before > 1) {
      const middle = Math.floor((before + at) / 2);
      if (date(middle * 60) < text) before = middle;
      else at = middle;
    }
    return date(at * 60) === text ? at * 60 : null;
  };

  return {
    zone,
    time,
    timeNear: (seconds, now) => (date(seconds) === date(now) ? partsOf(seconds).clock : time(seconds)),
    date,
    lastWholeDay: (seconds) => date((startOfDay(date(seconds)) ?? seconds) - 1),
    startOfDay,
  };
}

/** @param seconds Unix seconds @returns `2026-11-25 04:41`, for the audit log */
export const utcText = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');

/** @param text `YYYY-MM-DD` @returns Unix seconds of its first instant in UTC, or null when there is no such day */
export function startOfUtcDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds) || new Date(milliseconds).toISOString().slice(0, 10) !== text) return null;
  return milliseconds / 1000;
}
