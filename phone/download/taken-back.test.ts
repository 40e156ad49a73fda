/**
 * @module After whatever happened, a phone's matches are those of a phone that saw only the final set (docs/architecture.md §6, decision 043).
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { usualOrLong } from '../../test/support/longer.ts';
import { type HourNumber, hourOf } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { ExposureHistory } from '../matching/history.ts';
import type { Sighting } from '../radio/sighting.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import { heardOf } from '../testing/heard.ts';
import { keysByHour } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { CLEAR, Died, SimulatedPhone, type Weather } from '../testing/simulated-phone.ts';
import { Timeline } from '../testing/timeline.ts';

const FIRST_HOUR = hourOf(Date.UTC(2026, 5, 10, 14) / 1000);
/** Scenarios, each with some lives of phones; in the long form also such that keys grow too old in. */
const [RUNS, LONGEST_DAYS] = usualOrLong({ usual: [2, 4], long: [6, 17] } as const);

interface Scenario {
  readonly seed: number;
  readonly days: number;
  readonly maxKeysPerFile: number;
  /** Rollbacks take many keys back, withdrawals few. */
  readonly takeBacks: readonly { readonly at: number; readonly many: boolean }[];
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  days: fc.integer({ min: 3, max: LONGEST_DAYS }),
  maxKeysPerFile: fc.integer({ min: 4, max: 20 }),
  // As shares of the time that the scenario lasts, in 1/1000; often two soon after each other.
  takeBacks: fc.array(fc.record({ at: fc.integer({ min: 50, max: 1000 }), many: fc.boolean() }), { maxLength: 7 }),
});

const step = fc.record({
  away: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 60, max: 2 * 3600 }) },
    { weight: 3, arbitrary: fc.integer({ min: 2 * 3600, max: 30 * 3600 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }).map((days) => days * 86_400) },
  ),
  weather: fc.record<Weather>({
    failsAfter: fc.option(fc.nat(14), { freq: 2 }),
    inBody: fc.boolean(),
    unavailable: fc.option(fc.nat(8), { freq: 3 }),
    diesAfter: fc.option(fc.nat(12), { freq: 2 }),
  }),
});
const life = fc.record({
  birth: fc.nat(2 * 86_400),
  steps: fc.array(step, { minLength: 8, maxLength: 30 }),
  /** One in so many steps begins with the app installed anew. */
  reinstalls: fc.integer({ min: 2, max: 30 }),
});

interface World {
  readonly timeline: Timeline;
  readonly end: number;
  readonly published: readonly TemporaryExposureKey[];
  readonly sightings: readonly Sighting[];
}

/** A publisher's days, and what phones heard in them: of each second key something. */
function worldOf({ seed, days, maxKeysPerFile, takeBacks }: Scenario): World {
  const random = testRandom(`taken back ${seed}`);
  const keysOf = keysByHour(random);
  const hours = days * 24;
  const revoked = new Set<TemporaryExposureKey>();
  const revokedIn = new Map<HourNumber, TemporaryExposureKey[]>();
  for (const { at, many } of takeBacks.toSorted((a, b) => a.at - b.at)) {
    const hour = FIRST_HOUR + Math.floor((at * (hours - 1)) / 1000);
    const known = keysBetween(keysOf, FIRST_HOUR, hour).filter((key) => !revoked.has(key));
    const taken = known.filter(() => randomBelow(random, many ? 3 : 40) === 0);
    for (const key of taken) revoked.add(key);
    if (taken.length > 0) revokedIn.set(hour, [...(revokedIn.get(hour) ?? []), ...taken]);
  }
  const published = keysBetween(keysOf, FIRST_HOUR, FIRST_HOUR + hours);
  const timeline = new Timeline({
    firstHour: FIRST_HOUR,
    hours,
    maxKeysPerFile,
    cutDelayHours: 0,
    lagSeconds: 240,
    keysOf,
    revokedIn: (hour) => revokedIn.get(hour) ?? [],
  });
  return { timeline, end: (FIRST_HOUR + hours + 1) * 3600 - 1, published, sightings: heardBy(random, published) };
}

function keysBetween(keysOf: ReturnType<typeof keysByHour>, from: HourNumber, to: HourNumber): TemporaryExposureKey[] {
  return Array.from({ length: to - from }, (_, i) => from + i).flatMap(keysOf);
}

function heardBy(random: RandomBytes, keys: readonly TemporaryExposureKey[]): Sighting[] {
  return keys.flatMap((key) => (randomBelow(random, 2) === 0 ? [] : [heardOf(key, randomBelow(random, 144))]));
}

/** Lives through the steps, and is up to date at the end. */
async function live(
  world: World,
  mode: 'manifest' | 'cwa',
  { birth, steps, reinstalls }: Life,
): Promise<SimulatedPhone> {
  const phone = new SimulatedPhone(world.timeline, mode, FIRST_HOUR * 3600 + birth, world.sightings);
  for (const [i, { away, weather }] of steps.entries()) {
    phone.now = Math.min(phone.now + away, world.end);
    if (i % reinstalls === reinstalls - 1) phone.reinstall();
    try {
      await phone.run(weather);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }
  phone.now = world.end;
  const last = await phone.run(CLEAR);
  if (last.errors.length > 0) throw new Error(JSON.stringify(last.errors));
  return phone;
}

type Life = typeof life extends fc.Arbitrary<infer T> ? T : never;

const found = (history: ExposureHistory, now: number): string[] =>
  history
    .matches(now)
    .map(({ key, sightings }) => `${toBase64Url(key.keyData)} ${JSON.stringify(sightings)}`)
    .toSorted();

/** What a phone finds that is made at the end, and is handed the listed keys as they are then. */
function foundInFinalSet({ timeline, end, published, sightings }: World): string[] {
  const listed = timeline.listedKeys(end);
  const history = new ExposureHistory({}, { revokeConfirmed: true });
  const keys = published.filter(({ keyData }) => listed.has(toBase64Url(keyData)));
  history.provide(keys, [], sightings, end);
  return found(history, end);
}

describe.each(['manifest', 'cwa'] as const)('what was taken back, through the %s', (mode) => {
  it('matches are those of a phone that saw only the final set', async ({ expect }) => {
    let [matches, revoked] = [0, 0];
    await fc.assert(
      fc.asyncProperty(scenario, fc.array(life, { minLength: 2, maxLength: 3 }), async (given, lives) => {
        const world = worldOf(given);
        const final = foundInFinalSet(world);
        for (const lived of lives) {
          const phone = await live(world, mode, lived);
          expect(found(phone.history, world.end)).toEqual(final);
          matches += final.length;
          revoked += phone.history.snapshot().entries.filter(({ key }) => key.reportType === 5).length;
        }
      }),
      { numRuns: RUNS, seed: 20_260_611, endOnFailure: true },
    );
    // It would hold of phones that meet nobody, and of a publisher that takes nothing back.
    expect(matches).toBeGreaterThan(100 * RUNS);
    expect(revoked).toBeGreaterThan(10 * RUNS);
  });
});
