/** @module Local times in workerd, whose time zone database is the one that counts. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { isTimeZone, localTime, startOfUtcDay, utcText } from './local-time.ts';
import type { Language } from './texts/texts.ts';

const at = (text: string): number => Date.parse(text) / 1000;

describe('a time', () => {
  it.for<[instant: string, zone: string, language: Language, text: string]>([
    ['2026-11-25T09:00Z', 'Europe/Berlin', 'en', '2026-11-25 10:00 CET'],
    ['2026-11-25T09:00Z', 'Europe/Berlin', 'de', '2026-11-25 10:00 MEZ'],
    ['2026-11-25T09:00Z', 'Europe/Amsterdam', 'nl', '2026-11-25 10:00 CET'],
    ['2026-07-25T22:28Z', 'Europe/Berlin', 'en', '2026-07-26 00:28 CEST'],
    // The hour that comes twice.
    ['2026-10-25T00:30Z', 'Europe/Berlin', 'de', '2026-10-25 02:30 MESZ'],
    ['2026-10-25T01:30Z', 'Europe/Berlin', 'de', '2026-10-25 02:30 MEZ'],
    // The hour that never comes.
    ['2026-03-29T00:59Z', 'Europe/Berlin', 'en', '2026-03-29 01:59 CET'],
    ['2026-03-29T01:00Z', 'Europe/Berlin', 'en', '2026-03-29 03:00 CEST'],
    ['2026-11-25T20:00Z', 'Asia/Kathmandu', 'en', '2026-11-26 01:45 GMT+5:45'],
    ['2026-11-25T09:00Z', 'UTC', 'en', '2026-11-25 09:00 UTC'],
  ])('%s in %s is, in %s, %s', ([instant, zone, language, text], { expect }) => {
    expect(localTime(zone, language).time(at(instant))).toBe(text);
  });

  it('says its date only when that is not today’s', ({ expect }) => {
    const times = localTime('Europe/Berlin', 'en');
    expect(times.timeNear(at('2026-11-25T22:28Z'), at('2026-11-25T21:28Z'))).toBe('23:28 CET');
    expect(times.timeNear(at('2026-11-25T23:28Z'), at('2026-11-25T22:28Z'))).toBe('2026-11-26 00:28 CET');
  });

  it('in UTC is that of the audit log', ({ expect }) => {
    expect(utcText(at('2026-07-25T22:28:59Z'))).toBe('2026-07-25 22:28');
  });
});

describe('a day', () => {
  it.for<[date: string, zone: string, begins: string | null]>([
    ['2026-11-25', 'Europe/Berlin', '2026-11-24T23:00Z'],
    ['2026-07-25', 'Europe/Berlin', '2026-07-24T22:00Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00Z'],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00Z'],
    ['2026-11-25', 'Pacific/Kiritimati', '2026-11-24T10:00Z'],
    ['2026-11-25', 'Pacific/Pago_Pago', '2026-11-25T11:00Z'],
    // Its clocks go forward at midnight: the day begins at 01:00.
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00Z'],
    // Samoa had no such day.
    ['2011-12-30', 'Pacific/Apia', null],
    ['2026-02-30', 'Europe/Berlin', null],
    ['yesterday', 'Europe/Berlin', null],
    ['', 'Europe/Berlin', null],
  ])('%s in %s begins at %s', ([date, zone, begins], { expect }) => {
    expect(localTime(zone, 'en').startOfDay(date)).toBe(begins === null ? null : at(begins));
  });

  it('begins at an instant that has its date, a minute after one that has not', ({ expect }) => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Casablanca'];
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.integer({ min: 0, max: 20_000 }), (zone, day) => {
        const times = localTime(zone, 'en');
        const text = times.date(day * 86_400);
        const begins = times.startOfDay(text) ?? Number.NaN;
        expect([times.date(begins), times.date(begins - 60) < text]).toEqual([text, true]);
      }),
      { seed: 18, numRuns: 100 },
    );
  });

  it('that is printed as the last one is over before the end', ({ expect }) => {
    const times = localTime('Europe/Berlin', 'en');
    expect(times.lastWholeDay(at('2027-02-23T09:00Z'))).toBe('2027-02-22');
    expect(times.lastWholeDay(at('2027-02-22T23:00Z'))).toBe('2027-02-22');
    expect(times.lastWholeDay(at('2027-02-22T22:59Z'))).toBe('2027-02-21');
  });

  it('of UTC begins at UTC’s midnight', ({ expect }) => {
    expect(startOfUtcDay('2026-11-25')).toBe(at('2026-11-25T00:00Z'));
    expect(startOfUtcDay('2026-02-29')).toBeNull();
  });
});

it('a zone that nobody knows is none', ({ expect }) => {
  expect(['Europe/Berlin', 'UTC', 'Europe/Nowhere', ''].map((zone) => isTimeZone(zone))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
