/**
 * @module Whatever a phone lives through, no listed key is missed and nothing is fetched twice.
 */
import * as fc from 'fast-check';
import { beforeAll, describe, it } from 'vitest';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { dateOfHour, hourOf, hourOfDay, type UtcDate } from '../../protocol/gaen/intervals.ts';
import type { ManifestHead } from '../../protocol/index/manifest.ts';
import { randomBelow } from '../random.ts';
import { keysByHour } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { CLEAR, SimulatedPhone, type Weather } from '../testing/simulated-phone.ts';
import { Timeline } from '../testing/timeline.ts';
import type { TimelineOptions } from '../testing/timeline-options.ts';

/** 2026-06-10, 14:00 UTC: a deployment never begins at midnight. */
const FIRST_HOUR = hourOf(Date.UTC(2026, 5, 10, 14) / 1000);
const HOURS = 17 * 24;
const END = (FIRST_HOUR + HOURS) * 3600;
/** Lives of a phone, for each way of downloading and each of both publishers. */
const RUNS = 4;
const SEED = 20_260_610;

function timelineOf(seed: string, options: Partial<TimelineOptions>): Timeline {
  const keysOf = keysByHour(testRandom(seed));
  return new Timeline({
    firstHour: FIRST_HOUR,
    hours: HOURS,
    maxKeysPerFile: 6,
    cutDelayHours: 0,
    lagSeconds: 240,
    keysOf,
    ...options,
  });
}

const DELAYED: Partial<TimelineOptions> = {
  cutDelayHours: 2,
  outage: { from: FIRST_HOUR + 130, to: FIRST_HOUR + 137 },
};
const TIMELINES: readonly (readonly [string, Partial<TimelineOptions>])[] = [
  ['cut at midnight', {}],
  ['cut two hours later, publisher away for seven hours', DELAYED],
];

/** One run of the phone: how long it was away before, and the weather. */
const step = fc.record({
  away: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 60, max: 2 * 3600 }) },
    { weight: 2, arbitrary: fc.integer({ min: 2 * 3600, max: 30 * 3600 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map((days) => days * 86_400) },
  ),
  weather: fc.record<Weather>({
    failsAfter: fc.option(fc.nat(14), { freq: 2 }),
    inBody: fc.boolean(),
    unavailable: fc.option(fc.nat(8), { freq: 4 }),
  }),
});
const life = fc.record({ birth: fc.nat(4 * 86_400), steps: fc.array(step, { minLength: 20, maxLength: 50 }) });

async function live(timeline: Timeline, mode: 'manifest' | 'cwa', { birth, steps }: { birth: number; steps: Step[] }) {
  const phone = new SimulatedPhone(timeline, mode, FIRST_HOUR * 3600 + 3600 + birth);
  const missed: string[] = [];
  let errorFree = 0;
  for (const { away, weather } of steps) {
    phone.now = Math.min(phone.now + away, END - 1);
    const outcome = await phone.run(weather);
    if (outcome.errors.length > 0) continue;
    errorFree++;
    missed.push(...missingNow(phone, timeline));
  }
  phone.now = END - 1;
  const last = await phone.run(CLEAR);
  missed.push(...missingNow(phone, timeline));
  return { phone, missed, errorFree, last };
}

type Step = { readonly away: number; readonly weather: Weather };

function missingNow(phone: SimulatedPhone, timeline: Timeline): string[] {
  return [...timeline.listedKeys(phone.now)].filter((key) => !phone.received.has(key));
}

/** Judges a manifest phone by what went over the wire, with no look into its state. */
function fetchedInVain(phone: SimulatedPhone, timeline: Timeline): string[] {
  const faults: string[] = [];
  const seen = new Set<string>();
  const perUnit = new Map<string, number>();
  const hours = new Map<UtcDate, Set<number>>();
  const whole = new Set<UtcDate>();
  const note = (date: UtcDate, hour: number): void => {
    const had = hours.get(date) ?? new Set(Array.from({ length: 24 }, (_, h) => h).filter((h) => isBeforeAll(date, h)));
    hours.set(date, had.add(hour));
    if (had.size === 24) whole.add(date);
  };
  for (const { path, bytes } of phone.fetched) {
    if (path.endsWith('/manifest.json')) {
      for (const { hour, empty } of headOf(bytes).hours) {
        if (empty === true && hour !== undefined) note(dateOfHour(hour), hourOfDay(hour));
      }
      continue;
    }
    if (seen.has(path)) faults.push(`twice: ${path}`);
    seen.add(path);
    const chunk = timeline.chunks.get(path);
    if (chunk === undefined) continue;
    const { date, hour, of, cut } = chunk;
    if (whole.has(date)) faults.push(`${date} was had: ${path}`);
    const unit = `${date} ${hour ?? cut}`;
    const files = (perUnit.get(unit) ?? 0) + 1;
    perUnit.set(unit, files);
    if (hour !== null && hours.get(date)?.has(hourOfDay(hour)) === true) faults.push(`hour was had: ${path}`);
    if (files === of && hour === null) whole.add(date);
    if (files === of && hour !== null) note(date, hourOfDay(hour));
  }
  return faults;
}

function isBeforeAll(date: UtcDate, hour: number): boolean {
  return date === dateOfHour(FIRST_HOUR) && hour < hourOfDay(FIRST_HOUR);
}

function headOf(bytes: Uint8Array): ManifestHead {
  const { payload } = JSON.parse(fromUtf8(bytes)) as { payload: string };
  return JSON.parse(payload) as ManifestHead;
}

/** The same for CWA's tree, where a ZIP has the day and the hour in its path. */
function fetchedInVainByTree(phone: SimulatedPhone): string[] {
  const faults: string[] = [];
  const hours = new Map<UtcDate, Set<number>>();
  const whole = new Set<UtcDate>();
  for (const { path } of phone.fetched) {
    const [, date = '', hour] = /\/date\/([^/]+)(?:\/hour\/(\d+))?$/.exec(path) ?? [];
    if (date === '') continue;
    // Of the first day no list says that it began late, unless it is asked on the day after (download-cwa.ts).
    if (whole.has(date) && date !== dateOfHour(FIRST_HOUR)) faults.push(`${date} was had: ${path}`);
    if (hour === undefined) {
      whole.add(date);
      continue;
    }
    const had = hours.get(date) ?? new Set();
    if (had.has(Number(hour))) faults.push(`twice: ${path}`);
    hours.set(date, had.add(Number(hour)));
    if (had.size === 24) whole.add(date);
  }
  return faults;
}

describe.each(TIMELINES)('%s', (name, options) => {
  let timeline: Timeline;
  beforeAll(() => {
    timeline = timelineOf(name, options);
  });

  it('through the manifest, no listed key is missed and nothing is fetched twice', async ({ expect }) => {
    let errorFree = 0;
    await fc.assert(
      fc.asyncProperty(life, async (lived) => {
        const { phone, missed, last, ...counts } = await live(timeline, 'manifest', lived);
        expect(last.errors).toEqual([]);
        expect(missed).toEqual([]);
        expect(fetchedInVain(phone, timeline)).toEqual([]);
        errorFree += counts.errorFree;
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
    expect(errorFree).toBeGreaterThan(10 * RUNS);
  });

  it('through CWA’s tree, no listed key is missed and nothing is fetched twice', async ({ expect }) => {
    let errorFree = 0;
    await fc.assert(
      fc.asyncProperty(life, async (lived) => {
        const { phone, missed, last, ...counts } = await live(timeline, 'cwa', lived);
        expect(last.errors).toEqual([]);
        expect(missed).toEqual([]);
        expect(fetchedInVainByTree(phone)).toEqual([]);
        errorFree += counts.errorFree;
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
    expect(errorFree).toBeGreaterThan(10 * RUNS);
  });
});

describe('a phone that is always on', () => {
  it('fetches each hour with keys once, no day, and asks with an ETag', async ({ expect }) => {
    const timeline = timelineOf('always on', { hours: 7 * 24 });
    const phone = new SimulatedPhone(timeline, 'manifest', FIRST_HOUR * 3600);
    const random = testRandom('always on');
    for (let hour = FIRST_HOUR + 1; hour < FIRST_HOUR + 6 * 24; hour++) {
      phone.now = hour * 3600 + 240 + randomBelow(random, 3000);
      expect((await phone.run(CLEAR)).errors).toEqual([]);
      // Nothing new: one request without a body.
      expect(await phone.run(CLEAR)).toEqual({ files: 0, bytes: 0, requests: 1, errors: [] });
    }
    const chunks = phone.fetched.flatMap(({ path }) => timeline.chunks.get(path) ?? []);
    expect(chunks.filter(({ hour }) => hour === null)).toEqual([]);
    expect(phone.fetched.filter(({ path }) => path.includes('/days/'))).toEqual([]);
    expect(missingNow(phone, timeline)).toEqual([]);
  });
});
