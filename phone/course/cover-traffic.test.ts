/**
 * @module Cover traffic looks like the real thing, request by request and in its times.
 */
import * as fc from 'fast-check';
import { describe, it as itBoth } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { sameDistribution } from '../../test/support/kolmogorov-smirnov.ts';
import { itUsual as it, usualOrLong } from '../../test/support/longer.ts';
import { LivedPhone } from '../../test/support/lived-phone.ts';
import { testRandom } from '../testing/random.ts';
import type { RandomBytes } from '../random.ts';
import { isTimetable, shareAgain } from './cover-traffic.ts';
import { changed, coverOfDay, NONE_REPLACED } from './day.ts';
import { beginCourse, courseOf, type CoverSettings, drawSeconds, feign, kindOf } from './course.ts';
import { type Action, playDummy } from './playbook.ts';

const MIDNIGHT = Date.UTC(2026, 5, 15) / 1000;
const DAY = 86_400;
const SEED = 20_260_615;
const PAIRS = usualOrLong({ usual: 2_000, long: 5_000 });
const SETTINGS: CoverSettings = parameters;
const { courses } = SETTINGS.coverTraffic;

/** The schedule with part of cover traffic changed. */
const withCover = (changes: Partial<CoverSettings['coverTraffic']>): CoverSettings => ({
  ...SETTINGS,
  coverTraffic: { ...SETTINGS.coverTraffic, ...changes },
});
/** Nothing but the test itself. */
const ALONE = withCover({ probabilityPerDay: 0 });

/** Fast, for hundreds of thousands of requests: xorshift32. */
function quickRandom(seed: number): RandomBytes {
  let state = seed * 2 + 1;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let n = 0; n < length; n++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[n] = state >>> 24;
    }
    return bytes;
  };
}

const ACTIONS: Readonly<Record<string, Action>> = {
  '/version/v1/registrationToken': 'register',
  '/version/v1/testresult': 'poll',
  '/version/v1/tan': 'submit',
};
type Real = 'positive' | 'negative' | 'silent' | 'pending' | 'typed';
const REALS: readonly Real[] = ['positive', 'negative', 'silent', 'pending', 'typed'];

/** A person's test; who shares consents when the schedule takes people to. */
async function lived(kind: Real, start: number, settings: CoverSettings, random: RandomBytes): Promise<LivedPhone> {
  const phone = new LivedPhone(start, settings, random);
  const resultAt = kind === 'typed' ? start : start + drawSeconds(courses.resultMinutes, random);
  const isThere = (): boolean => kind !== 'pending' && phone.edge.now >= resultAt;
  await phone.scan(kind === 'typed' ? 'typed' : 'scanned', () => (isThere() ? (kind === 'negative' ? 1 : 2) : 0));
  const minutes = kind === 'typed' ? courses.typedShareMinutes : courses.shareMinutes;
  await phone.live(kind === 'silent' ? null : () => drawSeconds(minutes, random));
  return phone;
}

describe('a feigned course', () => {
  it.for(REALS)(
    'has the requests of a real one that is %s, in their order, each of one size',
    async (kind, { expect }) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(), async (seed) => {
          const real = await lived(kind, MIDNIGHT + 10 * 3600, ALONE, quickRandom(seed));
          const { seen } = real.edge;
          const feigned = new LivedPhone(MIDNIGHT, ALONE, quickRandom(seed));
          for (let n = 0; n < seen.length; n += 3)
            await playDummy(ACTIONS[seen[n]?.path ?? ''] ?? 'forget', feigned.ports);
          expect(feigned.edge.seen.map(({ path, size }) => ({ path, size }))).toEqual(
            seen.map(({ path, size }) => ({ path, size })),
          );
          // Two uploads end it, whatever the result; keys are in them only of who shares.
          const actions = seen.filter((_, n) => n % 3 === 0).map(({ path }) => ACTIONS[path]);
          expect(actions[0]).toBe('register');
          expect(actions.filter((action) => action === 'submit').length).toBeGreaterThanOrEqual(2);
          expect(actions.at(-1)).toBe('submit');
          const isSharing = kind === 'positive' || kind === 'typed';
          expect(real.edge.stored.length >= 4).toBe(isSharing);
          expect(real.edge.stored.length > 0).toBe(isSharing);
        }),
        { seed: SEED, numRuns: 10 },
      );
    },
  );

  it('begins with the configured probability, at the hours of people', ({ expect }) => {
    const random = testRandom('days');
    const days = 20_000;
    const starts: number[] = [];
    for (let day = 0; day < days; day++) {
      const { begun } = coverOfDay(MIDNIGHT, NONE_REPLACED, SETTINGS, random);
      if (begun !== null) starts.push((begun.course.next.at - MIDNIGHT) / 60);
    }
    // 30 %: 6000 expected, standard deviation 65.
    expect(Math.abs(starts.length - SETTINGS.coverTraffic.probabilityPerDay * days)).toBeLessThan(250);
    const [first = 0, last = 0, middle = 0] = [0, -1, 5].map((n) => courses.dayMinutes.at(n));
    expect(starts.every((minute) => minute >= first && minute < last)).toBe(true);
    const early = starts.filter((minute) => minute < middle).length;
    expect(Math.abs(early - starts.length / 2)).toBeLessThan(150);
  });

  it('never begins where it is switched off, and every day where it is certain', ({ expect }) => {
    const random = testRandom('edges');
    for (let day = 0; day < 200; day++) {
      expect(coverOfDay(MIDNIGHT, NONE_REPLACED, withCover({ probabilityPerDay: 0 }), random).begun).toBeNull();
      expect(coverOfDay(MIDNIGHT, NONE_REPLACED, withCover({ probabilityPerDay: 1 }), random).begun).not.toBeNull();
    }
  });

  it('is of each kind in the configured shares', ({ expect }) => {
    const random = testRandom('kinds');
    const kinds = Array.from({ length: 10_000 }, () => kindOf(feign(MIDNIGHT, SETTINGS, random)));
    const share = (kind: string): number => kinds.filter((one) => one === kind).length / kinds.length;
    expect(Math.abs(share('typed') - courses.typedShare)).toBeLessThan(0.03);
    expect(Math.abs(share('pending') - (1 - courses.typedShare) * courses.pendingShare)).toBeLessThan(0.03);
  });
});

describe('times, real against feigned: Kolmogorov-Smirnov for each feature', () => {
  const FEATURES: Readonly<Record<string, (times: readonly number[]) => number>> = {
    actions: (times) => times.length,
    'first wait': ([first = 0, second = 0]) => second - first,
    'shortest wait': (times) => Math.min(...times.slice(1).map((at, n) => at - times[n]!)),
    'last wait but one': (times) => times.at(-2)! - times.at(-3)!,
    'last wait': (times) => times.at(-1)! - times.at(-2)!,
    length: (times) => times.at(-1)! - times[0]!,
    repeats: (times) => times.slice(1).filter((at, n) => at - times[n]! < 60).length,
  };
  /** People who are awake all day share when the schedule takes them to: what is drawn for cover moves into the day. */
  const awake = withCover({ probabilityPerDay: 0, courses: { ...courses, dayMinutes: [0, 1440] } });

  const SHARES = { positive: 0.25, negative: 0.25, typed: 0.4, pending: 0.1 } as const;

  async function samples(count: number, settings: CoverSettings) {
    const pairs = { real: [] as number[][], feigned: [] as number[][] };
    for (const [n, kind] of (['positive', 'negative', 'typed', 'pending'] as const).entries()) {
      const random = quickRandom(SEED + n);
      for (let i = 0; i < count * SHARES[kind]; i++) {
        const start = MIDNIGHT + ((i * 8_641) % DAY);
        pairs.real.push((await lived(kind, start, settings, random)).times);
        const opening = kind === 'typed' ? 'typed' : 'scanned';
        const waits = kind === 'typed' ? 0 : drawSeconds(courses.resultMinutes, random);
        const feigned = { course: beginCourse(opening, start), resultAt: kind === 'pending' ? null : start + waits };
        pairs.feigned.push(courseOf(feigned, awake, random).map(({ at }) => at));
      }
    }
    return pairs;
  }

  function smallest({ real, feigned }: { real: number[][]; feigned: number[][] }): [name: string, p: number] {
    const all = Object.entries(FEATURES).map(([name, of]): [string, number] => [
      name,
      sameDistribution(
        real.map((times) => of(times)),
        feigned.map((times) => of(times)),
      ),
    ]);
    return all.reduce((least, one) => (one[1] < least[1] ? one : least));
  }

  itBoth('of tests of every kind', { timeout: 600_000 }, async ({ expect }) => {
    const [name, p] = smallest(await samples(PAIRS, awake));
    // Seven features: the least of seven values of p, each even from 0 to 1.
    expect(p, name).toBeGreaterThanOrEqual(0.01 / 7);
  });

  it('real ones that repeat nothing, as before, are found', async ({ expect }) => {
    const before = withCover({
      probabilityPerDay: 0,
      courses: { ...courses, dayMinutes: [0, 1440], repeatProbability: 0 },
    });
    expect(smallest(await samples(1000, before))[1]).toBeLessThan(1e-4);
  });
});

describe('a real course', () => {
  it('takes the place of the next feigned one of its kind, and of no other', async ({ expect }) => {
    const certain = withCover({ probabilityPerDay: 1, courses: { ...courses, typedShare: 1 } });
    const phone = new LivedPhone(MIDNIGHT, certain, quickRandom(7));
    await phone.wake();
    const begun = async () => (await phone.ports.timetable.load()).ok && (await timetable()).feigned.length;
    const timetable = async () => {
      const loaded = await phone.ports.timetable.load();
      if (!loaded.ok || loaded.value === null) throw new Error('no timetable');
      return loaded.value;
    };
    expect(await begun()).toBe(1);
    await phone.scan('typed', () => 2);
    expect((await timetable()).replaced).toEqual({ ...NONE_REPLACED, typed: 1 });
    const before = (await timetable()).feigned.length;
    phone.at(MIDNIGHT + DAY);
    const counted = coverOfDay(MIDNIGHT + DAY, (await timetable()).replaced, certain, quickRandom(1));
    expect(counted).toEqual({ begun: null, replaced: NONE_REPLACED });
    expect(
      coverOfDay(MIDNIGHT + DAY, changed(NONE_REPLACED, 'scanned', 1), certain, quickRandom(1)).begun,
    ).not.toBeNull();
    await phone.wake();
    expect((await timetable()).replaced).toEqual(NONE_REPLACED);
    expect((await timetable()).feigned.length).toBeLessThanOrEqual(before);
  });

  it('without a result takes the place of one without a result', async ({ expect }) => {
    const phone = await lived('pending', MIDNIGHT, ALONE, quickRandom(3));
    const loaded = await phone.ports.timetable.load();
    expect(loaded.ok && loaded.value?.replaced).toEqual({ ...NONE_REPLACED, pending: 1 });
  });

  it('whose requests fail is played again until they come through, as a feigned one is', async ({ expect }) => {
    const certain = withCover({ probabilityPerDay: 1, courses: { ...courses, typedShare: 0, repeatProbability: 0 } });
    for (const isReal of [true, false]) {
      const phone = new LivedPhone(MIDNIGHT, isReal ? ALONE : certain, quickRandom(5));
      phone.edge.fate = () => 'busy';
      if (isReal) await phone.scan('scanned', () => 0);
      let next = await phone.wake();
      const waits: number[] = [];
      for (let tries = 0; tries < 5; tries++) {
        phone.at(next);
        next = await phone.wake();
        waits.push(next - phone.edge.now);
      }
      // The waits double: half a minute to one, and so on, and none is as long as a poll's.
      for (const [n, wait] of waits.slice(isReal ? 0 : 1).entries()) {
        expect(wait, `${isReal} ${n}`).toBeGreaterThanOrEqual(30);
        expect(wait, `${isReal} ${n}`).toBeLessThan(3600);
      }
      phone.edge.fate = () => 'delivered';
      phone.at(next);
      await phone.wake();
      const loaded = await phone.ports.timetable.load();
      const timetable = loaded.ok ? loaded.value : null;
      const course = isReal ? timetable?.real : timetable?.feigned[0]?.course;
      expect(course).toMatchObject({ failures: 0, next: { action: 'poll' } });
    }
  });

  it('on a phone that died after a step, before it kept that, plays the step again and stores nothing twice', async ({
    expect,
  }) => {
    const phone = new LivedPhone(MIDNIGHT + 9 * 3600, ALONE, quickRandom(11));
    await phone.scan('typed', () => 2);
    const loaded = await phone.ports.timetable.load();
    if (!loaded.ok || loaded.value === null) throw new Error('no timetable');
    phone.at(phone.edge.now + 100);
    expect((await phone.share()).ok).toBe(true);
    await phone.ports.timetable.save(loaded.value);
    await phone.live(null);
    expect(new Set(phone.edge.stored).size).toBe(phone.edge.stored.length);
    expect(phone.edge.stored).toHaveLength(4);
    expect(isTimetable(JSON.parse(JSON.stringify(loaded.value)))).toBe(true);
  });
});

describe('who consents on a follow-up day', () => {
  it('has the key of that day sent too, at the time that was drawn with the consent', async ({ expect }) => {
    const settings = withCover({
      probabilityPerDay: 0,
      followUpDays: 1,
      courses: { ...courses, repeatProbability: 0 },
    });
    const phone = new LivedPhone(MIDNIGHT + 9 * 3600, settings, quickRandom(4));
    phone.edge.followUpDays = 1;
    await phone.scan('typed', () => 2);
    expect((await phone.share()).ok).toBe(true);
    const liveUntil = async (stored: number): Promise<void> => {
      for (let wakes = 0; wakes < 10 && phone.edge.stored.length < stored; wakes++) phone.at(await phone.wake());
    };
    await liveUntil(4);
    expect(phone.edge.stored).toHaveLength(4);
    phone.at(MIDNIGHT + DAY + 10 * 3600);
    expect(await shareAgain(phone.ports)).toEqual({ ok: true, value: null });
    await liveUntil(5);
    expect(phone.edge.now).toBeGreaterThanOrEqual(MIDNIGHT + 2 * DAY);
    expect(phone.edge.stored).toHaveLength(5);
  });
});

describe('who consents after it was feigned', () => {
  it('shares all the same, and the key of that day', async ({ expect }) => {
    const phone = await lived('silent', MIDNIGHT + 9 * 3600, ALONE, quickRandom(2));
    expect(phone.edge.stored).toEqual([]);
    phone.at(phone.edge.now + 3600);
    expect((await phone.share()).ok).toBe(true);
    const first = phone.edge.stored.length;
    await phone.live(null);
    expect(phone.edge.stored).toHaveLength(first + 1);
  });
});
