/**
 * @module Cover traffic looks like the real thing, request by request.
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import type { CoverTraffic, Polling } from '../../protocol/parameters/operations.ts';
import { type OpeningCode, scanQrCode } from '../verification/codes.ts';
import { course, coverOfDay, nextPoll, playStep, type Step, withFollowUps } from './cover-traffic.ts';
import { withOnset } from '../upload/onset.ts';
import { intoWindow } from '../timing/schedule.ts';
import { memoryStore } from '../store.ts';
import { currentKey, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import { type CoursePorts, openTest, pollTest, shareKeys, shareLastKey, type TestState } from './test-course.ts';
import { testRandom } from '../testing/random.ts';
import { VerificationEdge } from '../../test/support/verification-edge.ts';

const MIDNIGHT = Date.UTC(2026, 5, 15) / 1000;
const DAY = 86_400;
const SEED = 20_260_615;
const SETTINGS: { coverTraffic: CoverTraffic; polling: Polling } = parameters;
const NO_FOLLOW_UPS = { ...SETTINGS, coverTraffic: { ...SETTINGS.coverTraffic, followUpPlaybooks: 0 } };

function code(): OpeningCode {
  const scanned = scanQrCode('https://localhost/?3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB');
  if (!scanned.ok) throw new Error('no code');
  return scanned.value;
}

class Rig {
  readonly random = testRandom('cover');
  readonly edge = new VerificationEdge(this.random, MIDNIGHT);
  readonly ports: CoursePorts = {
    fetch: this.edge.fetch,
    baseUrl: 'http://edge.test',
    verificationUrl: 'http://edge.test',
    random: this.random,
    clock: () => this.edge.now,
    store: memoryStore<TestState>(),
    settings: SETTINGS,
  };

  async feign(steps: readonly Step[]) {
    for (const step of steps) await playStep(step, this.ports);
    return this.edge.seen;
  }

  /** When the phone of a person who has shared sends the key of that day. */
  async keyAt(): Promise<number> {
    const loaded = await this.ports.store.load();
    const state = loaded.ok ? loaded.value : null;
    if (state?.stage !== 'shared' || state.keyAt === null) throw new Error('nothing is to be sent');
    return state.keyAt;
  }

  /** A person does at the steps' times, but for the last, which the phone draws, what the steps only feign; the result is there at the last poll. */
  async live(steps: readonly Step[]) {
    let result = 0;
    this.edge.issue(code(), () => result);
    let history: TekHistory = [];
    const share = (keys: Parameters<typeof withOnset>[0]) => withOnset(keys, { kind: 'none' }, this.edge.now);
    for (let day = 14; day > 0; day--) history = currentKey(history, MIDNIGHT - day * DAY, this.random).history;
    const lastPoll = steps.findLastIndex(({ action }) => action === 'poll');
    const outcomes: boolean[] = [];
    let hasShared = false;
    for (const [i, { action, at }] of steps.entries()) {
      this.edge.now = hasShared ? await this.keyAt() : at;
      history = currentKey(history, this.edge.now, this.random).history;
      if (i === lastPoll) result = 2;
      if (action === 'register') outcomes.push((await openTest(code(), this.ports)).ok);
      if (action === 'poll') outcomes.push((await pollTest(this.ports)).ok);
      if (action !== 'submit') continue;
      const content = { visitedCountries: [], consentToFederation: true, submissionType: 0 } as const;
      const keys = share(endedKeys(history, at));
      const sent = hasShared ? shareLastKey(share, history, this.ports) : shareKeys({ ...content, keys }, this.ports);
      outcomes.push((await sent).ok);
      hasShared = true;
    }
    return { seen: this.edge.seen, outcomes, stored: this.edge.stored.length };
  }
}

const seeds = fc.string({ minLength: 1 });

describe('a feigned course', () => {
  it('has the requests of a real one, in their order and number, each of one size with its counterpart', async ({
    expect,
  }) => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const steps = course(MIDNIGHT + 10 * 3600, NO_FOLLOW_UPS, testRandom(seed));
        const real = await new Rig().live(steps);
        const feigned = await new Rig().feign(steps);
        expect(real.outcomes).toEqual(steps.map(() => true));
        // Thirteen or fourteen keys, and the one of the day itself.
        expect(real.stored).toBeGreaterThan(14);
        expect(real.seen.map(({ path, size }) => ({ path, size }))).toEqual(
          feigned.map(({ path, size }) => ({ path, size })),
        );
        expect(feigned.every(({ fake }) => fake === '1')).toBe(true);
        // Registration and first poll, the polls, and a TAN and an upload on each of two days: nothing more is real.
        const polls = steps.filter(({ action }) => action === 'poll').length;
        expect(real.seen.filter(({ fake }) => fake === '0')).toHaveLength(2 + polls + 4);
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it('registers, polls 1 to 12 times, submits, and submits once more on the next UTC day, within 24 h', ({
    expect,
  }) => {
    const lengths = new Map<number, number>();
    fc.assert(
      fc.property(seeds, fc.nat(DAY - 1), (seed, second) => {
        const steps = course(MIDNIGHT + second, NO_FOLLOW_UPS, testRandom(seed));
        const actions = steps.map(({ action }) => action);
        const polls = actions.filter((action) => action === 'poll').length;
        expect(actions).toEqual(['register', ...Array<string>(polls).fill('poll'), 'submit', 'submit']);
        expect(polls).toBeGreaterThanOrEqual(1);
        expect(polls).toBeLessThanOrEqual(12);
        lengths.set(polls, (lengths.get(polls) ?? 0) + 1);
        expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).toSorted((a, b) => a - b));
        const [first = 0, second_ = 0] = steps.slice(-2).map(({ at }) => at);
        expect(Math.floor(second_ / DAY)).toBe(Math.floor(first / DAY) + 1);
        expect(second_ - first).toBeLessThanOrEqual(DAY);
      }),
      { seed: SEED, numRuns: 500 },
    );
    expect(lengths.size).toBeGreaterThan(5);
  });

  it('begins with the configured probability, evenly over the day', ({ expect }) => {
    const random = testRandom('days');
    const days = 20_000;
    const starts: number[] = [];
    for (let day = 0; day < days; day++) {
      const [first] = coverOfDay(MIDNIGHT, SETTINGS, random);
      if (first !== undefined) starts.push(first.at - MIDNIGHT);
    }
    // 10 %: 2000 expected, standard deviation 42.
    expect(Math.abs(starts.length - SETTINGS.coverTraffic.probabilityPerDay * days)).toBeLessThan(200);
    const morning = starts.filter((second) => second < DAY / 2).length;
    expect(Math.abs(morning - starts.length / 2)).toBeLessThan(150);
  });

  it('never begins where it is switched off, and every day where it is certain', ({ expect }) => {
    const random = testRandom('edges');
    const withProbability = (probabilityPerDay: number) => ({
      ...SETTINGS,
      coverTraffic: { ...SETTINGS.coverTraffic, probabilityPerDay },
    });
    for (let day = 0; day < 200; day++) {
      expect(coverOfDay(MIDNIGHT, withProbability(0), random)).toEqual([]);
      expect(coverOfDay(MIDNIGHT, withProbability(1), random).length).toBeGreaterThan(0);
    }
  });
});

describe('follow-ups', () => {
  it('come after each action, as many as configured, within the configured delay', ({ expect }) => {
    const settings = { ...SETTINGS.coverTraffic, followUpPlaybooks: 2, followUpDelaySeconds: { min: 60, max: 120 } };
    const steps: Step[] = [
      { action: 'register', at: MIDNIGHT },
      { action: 'submit', at: MIDNIGHT + 3600 },
    ];
    const all = withFollowUps(steps, settings, testRandom('follow-ups'));
    expect(all.map(({ action }) => action)).toEqual([...Array(3).fill('register'), ...Array(3).fill('submit')]);
    for (const [i, { at }] of all.entries()) {
      const delay = at - (i < 3 ? MIDNIGHT : MIDNIGHT + 3600);
      if (i % 3 === 0) expect(delay).toBe(0);
      else expect(delay >= 60 && delay <= 120).toBe(true);
    }
  });

  it('are in a course from the configuration', ({ expect }) => {
    const actions = course(MIDNIGHT, SETTINGS, testRandom('x')).map(({ action }) => action);
    expect(actions.filter((action) => action === 'register')).toHaveLength(2);
    expect(actions.filter((action) => action === 'submit')).toHaveLength(4);
  });
});

describe('windows of the day', () => {
  const windows = [
    { fromMinute: 20 * 60, toMinute: 22 * 60 },
    { fromMinute: 6 * 60, toMinute: 8 * 60 },
  ];

  it('hold every action of a course', ({ expect }) => {
    const settings = { ...NO_FOLLOW_UPS, polling: { ...SETTINGS.polling, windows } };
    fc.assert(
      fc.property(seeds, fc.nat(DAY - 1), (seed, second) => {
        for (const { at } of course(MIDNIGHT + second, settings, testRandom(seed))) {
          const minute = Math.floor((at % DAY) / 60);
          expect(windows.some(({ fromMinute, toMinute }) => fromMinute <= minute && minute < toMinute)).toBe(true);
        }
      }),
      { seed: SEED },
    );
  });

  it.for([
    { name: 'inside', at: 7 * 3600, from: 7 * 3600, to: 7 * 3600 + 1 },
    { name: 'at the end, which is outside', at: 8 * 3600, from: 20 * 3600, to: 22 * 3600 },
    { name: 'before the first', at: 3600, from: 6 * 3600, to: 8 * 3600 },
    { name: 'after the last', at: 23 * 3600, from: DAY + 6 * 3600, to: DAY + 8 * 3600 },
  ])('$name', ({ at, from, to }, { expect }) => {
    const random = testRandom('windows');
    for (let n = 0; n < 100; n++) {
      const moved = intoWindow(MIDNIGHT + at, windows, random) - MIDNIGHT;
      expect(moved).toBeGreaterThanOrEqual(from);
      expect(moved).toBeLessThan(to);
    }
  });

  it('spread what waited for them', ({ expect }) => {
    const polls = Array.from({ length: 500 }, (_, i) =>
      nextPoll(MIDNIGHT + 23 * 3600, { ...SETTINGS.polling, windows }, testRandom(String(i))),
    );
    expect(new Set(polls).size).toBeGreaterThan(400);
  });
});
