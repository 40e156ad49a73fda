/**
 * @module The key of the day of a consent: who shares it and who feigns it send it at times of one distribution.
 */
import { describe, it as itBoth } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { sameDistribution } from '../../test/support/kolmogorov-smirnov.ts';
import { itUsual as it, usualOrLong } from '../../test/support/longer.ts';
import { VerificationEdge } from '../../test/support/verification-edge.ts';
import { memoryStore } from '../store.ts';
import type { RandomBytes } from '../random.ts';
import { testRandom } from '../testing/random.ts';
import { intoWindow } from '../timing/schedule.ts';
import { beginCourse, courseOf, type Step } from './course.ts';
import { endOfDayUpload, GRACE_SECONDS } from './grace.ts';
import { type CoursePorts, openTest, shareKeys, type TestState } from './test-course.ts';

const MIDNIGHT = Date.UTC(2026, 5, 15) / 1000;
const DAY = 86_400;
const PAIRS = usualOrLong({ usual: 2_000, long: 5_000 });
const { coverTraffic } = parameters;
/** Nothing is repeated, and people are awake at any hour: what is left are the waits. */
const courses = { ...coverTraffic.courses, repeatProbability: 0, dayMinutes: [0, 1440] };
const SETTINGS = { ...parameters, coverTraffic: { ...coverTraffic, courses } };

function course(start: number, settings: typeof SETTINGS, random: RandomBytes): Step[] {
  return courseOf({ course: beginCourse('scanned', start), resultAt: start + 3600 }, settings, random);
}
const CODE = { keyType: 'GUID', key: 'ab'.repeat(32), keyDob: null } as const;

/** When a person who shares at `now` has the phone send the key of that day. */
async function sharedAt(now: number, random: CoursePorts['random']): Promise<number> {
  const edge = new VerificationEdge(random, now);
  edge.issue(CODE, () => 2);
  const store = memoryStore<TestState>();
  const urls = { baseUrl: 'http://edge.test', verificationUrl: 'http://edge.test' };
  const ports: CoursePorts = { ...urls, fetch: edge.fetch, random, clock: () => now, store, settings: SETTINGS };
  await openTest(CODE, ports);
  const key = {
    keyData: random(16),
    rollingStartIntervalNumber: MIDNIGHT / 600 - 144,
    rollingPeriod: 144,
    transmissionRiskLevel: 5,
    daysSinceOnsetOfSymptoms: null,
  };
  const content = { keys: [key], visitedCountries: [], consentToFederation: true, submissionType: 0 } as const;
  const outcome = await shareKeys(content, ports);
  const loaded = await store.load();
  if (!outcome.ok || !loaded.ok || loaded.value?.stage !== 'shared') throw new Error('not shared');
  return loaded.value.keyAt ?? Number.NaN;
}

/** A feigned course that begins at `start`: its consent, and when it feigns the key of that day. */
function feigned(start: number, seed: string): { consent: number; upload: number } {
  const [consent, upload] = course(start, SETTINGS, testRandom(seed)).slice(-2);
  return { consent: consent?.at ?? Number.NaN, upload: upload?.at ?? Number.NaN };
}

/** Waits of feigned courses, and of people who share at the times at which those feign to. */
async function pairs(real: (consent: number, random: CoursePorts['random']) => Promise<number>) {
  const waits = { real: [] as number[], feigned: [] as number[] };
  const random = testRandom('grace a');
  for (let i = 0; i < PAIRS; i++) {
    const { consent, upload } = feigned(MIDNIGHT + ((i * 8_641) % DAY), `feigned ${i}`);
    waits.feigned.push(upload - consent);
    waits.real.push((await real(consent, random)) - consent);
  }
  return waits;
}

describe('the wait for the key of the day of a consent', () => {
  itBoth('is of one distribution for real and feigned: Kolmogorov-Smirnov', async ({ expect }) => {
    const waits = await pairs(sharedAt);
    expect(sameDistribution(waits.real, waits.feigned)).toBeGreaterThanOrEqual(0.01);
    for (const wait of [...waits.real, ...waits.feigned]) {
      expect(wait > 0 && wait <= GRACE_SECONDS, `${wait} s`).toBe(true);
    }
    // Both fill the window: short waits after a consent at night, long ones after one in the morning.
    for (const sample of [waits.real, waits.feigned]) {
      for (let hour = 1; hour < 24; hour++) {
        expect(
          sample.some((wait) => Math.floor(wait / 3600) === hour),
          `hour ${hour}`,
        ).toBe(true);
      }
    }
  });

  it('that was drawn from the first half of the next day instead is found by the same test', async ({ expect }) => {
    const former = await pairs(async (consent, random) => {
      const midnight = (Math.floor(consent / DAY) + 1) * DAY;
      const [low = 0, high = 0] = random(2);
      return intoWindow(midnight + ((low + 256 * high) % (DAY / 2)), SETTINGS.polling.windows, random);
    });
    expect(sameDistribution(former.real, former.feigned)).toBeLessThan(1e-6);
  });
});

describe('the window', () => {
  const whole = [{ fromMinute: 0, toMinute: 1440 }];
  const drawn = (consent: number, windows: typeof whole) =>
    Array.from({ length: 300 }, (_, i) => endOfDayUpload(consent, windows, testRandom(`${consent} ${i}`)));

  for (const { name, consent, windows, from, to } of [
    { name: 'noon', consent: DAY / 2, windows: whole, from: DAY, to: DAY + DAY / 2 },
    { name: 'the last second of a day', consent: DAY - 1, windows: whole, from: DAY, to: 2 * DAY - 1 },
    { name: 'the first second of a day', consent: 0, windows: whole, from: DAY, to: DAY },
    {
      name: 'noon, windows of the evening and the morning',
      consent: DAY / 2,
      windows: [
        { fromMinute: 20 * 60, toMinute: 22 * 60 },
        { fromMinute: 6 * 60, toMinute: 8 * 60 },
      ],
      from: DAY + 6 * 3600,
      to: DAY + 8 * 3600 - 1,
    },
  ]) {
    it(`after ${name}`, ({ expect }) => {
      for (const at of drawn(MIDNIGHT + consent, windows)) {
        expect(at).not.toBeNull();
        expect((at ?? 0) - MIDNIGHT).toBeGreaterThanOrEqual(from);
        expect((at ?? 0) - MIDNIGHT).toBeLessThanOrEqual(to);
      }
    });
  }

  it('that is never open before the grace is over sends nothing, for anybody', ({ expect }) => {
    const evening = [{ fromMinute: 20 * 60, toMinute: 22 * 60 }];
    expect(new Set(drawn(MIDNIGHT + DAY / 2, evening))).toEqual(new Set([null]));
  });
});

it('follow-up days are feigned by who feigns: one upload a day more each', ({ expect }) => {
  const settings = { ...SETTINGS, coverTraffic: { ...SETTINGS.coverTraffic, followUpDays: 3 } };
  for (let i = 0; i < 200; i++) {
    const steps = course(MIDNIGHT + ((i * 8_641) % DAY), settings, testRandom(`follow-up ${i}`));
    const days = steps.filter(({ action }) => action === 'submit').map(({ at }) => Math.floor(at / DAY));
    const [first = 0] = days;
    expect(days).toEqual([first, first + 1, first + 2, first + 3, first + 4]);
  }
});
