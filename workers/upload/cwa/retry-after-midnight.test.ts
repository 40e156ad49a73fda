/**
 * @module The last release of Corona-Warn-App's Android app sends again on a later day: with its oldest keys left out and levels
 * computed anew (docs/decisions/031). Whatever was lost on the way, it hears that its keys are stored once they are.
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { uploadDigest } from '../../../domain/keys/digest.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { androidKeys, type AndroidKey, type AndroidSymptoms } from '../../../test/support/android-app.ts';
import { storeTanUpload, type TanUpload } from './tan-upload.ts';
import { LEASE_SECONDS, START, TAN, World, type Crash } from '../store-world.ts';

const TODAY = Math.floor(START / 86_400);
const DIGEST_KEY = new Uint8Array(32).fill(7);

/** The phone's history: today and 14 days before, with two keys of each day that was cut. */
function history(seed: number, cut: readonly number[] = []): AndroidKey[] {
  return Array.from({ length: 15 }, (_, age) => age).flatMap((age) => {
    const key = (n: number, rollingPeriod: number): AndroidKey => ({
      keyData: new Uint8Array(16).fill(seed).fill(2 * age + n, 15),
      rollingStartIntervalNumber: (TODAY - age) * 144,
      rollingPeriod,
    });
    return cut.includes(age) ? [key(0, 60), key(1, 84)] : [key(0, 144)];
  });
}

function attemptOf(keys: readonly AndroidKey[], symptoms: AndroidSymptoms, now: number): TanUpload {
  const upload = { keys: androidKeys(keys, symptoms, now), visitedCountries: ['DE'], consentToFederation: true };
  return { tan: TAN, digest: uploadDigest(upload, DIGEST_KEY), upload, origin: 'DE' };
}

async function send(world: World, keys: readonly AndroidKey[], symptoms: AndroidSymptoms, crash: Crash | null = null) {
  try {
    return (await storeTanUpload(world.ports(crash), attemptOf(keys, symptoms, world.now))).kind;
  } catch {
    return 'try-later';
  }
}

const SYMPTOMS: fc.Arbitrary<AndroidSymptoms> = fc.oneof(
  fc.integer({ min: 0, max: 14 }).map((age) => ({ onset: TODAY - age })),
  fc.constantFrom('last-seven-days', 'one-to-two-weeks', 'more-than-two-weeks', 'no-date', 'none', 'not-said'),
);
const CRASH = fc.option(fc.record({ call: fc.nat(5), when: fc.constantFrom('before' as const, 'after' as const) }));

describe('an attempt on a later day', () => {
  it('is told stored if its keys are, whatever was lost before, and stores nothing twice', async ({ expect }) => {
    let rose = 0;
    const attempts = fc.array(fc.record({ days: fc.integer({ min: 0, max: 13 }), crash: CRASH }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(
        SYMPTOMS,
        fc.subarray([0, 1, 5, 13, 14]),
        CRASH,
        attempts,
        fc.integer({ min: 1, max: 13 }),
        async (symptoms, cut, firstCrash, retries, lastDay) => {
          const world = new World();
          world.tan = { ...world.tan, expiresAt: START + 14 * 86_400 };
          const keys = history(1, cut);
          await send(world, keys, symptoms, firstCrash);
          for (const { days, crash } of retries.toSorted((a, b) => a.days - b.days)) {
            world.now = Math.max(world.now + LEASE_SECONDS, START + days * 86_400);
            await send(world, keys, symptoms, crash);
          }
          const before = world.durableKeys;
          world.now = Math.max(world.now + LEASE_SECONDS, START + lastDay * 86_400);
          const sent = new Set(attemptOf(keys, symptoms, world.now).upload.keys.map(({ keyData }) => toHex(keyData)));
          const outcome = await send(world, keys, symptoms);
          if (before.length === 0) {
            expect(outcome).toBe('stored'); // now, or there is nothing to publish
          } else {
            // By nothing but its keys can it be told from another phone's: one of those that are stored must be among them.
            expect(outcome).toBe(before.some((key) => sent.has(key)) ? 'stored' : 'unauthorised');
            expect(world.durableKeys).toEqual(before);
            const levels = attemptOf(keys, symptoms, world.now).upload.keys.filter(
              (key) => (key.transmissionRiskLevel ?? 0) >= 3 && !before.includes(toHex(key.keyData)),
            );
            rose += levels.length;
          }
          expect(world.stored.size).toBeLessThanOrEqual(1);
        },
      ),
      { seed: 14, numRuns: 2_000 },
    );
    // Keys that were too low on the first day and aren't now: without them the property would prove less than it says.
    expect(rose).toBeGreaterThan(100);
  });

  it('of another phone is refused, at each arrow, with keys of any level', async ({ expect }) => {
    for (const symptoms of ['one-to-two-weeks', 'more-than-two-weeks', 'not-said'] as const) {
      for (let call = 1; call < 4; call++) {
        const world = new World();
        world.tan = { ...world.tan, expiresAt: START + 14 * 86_400 };
        await send(world, history(1), symptoms, { call, when: 'after' });
        expect(world.stored.size).toBe(1);
        world.now += 86_400;
        expect(await send(world, history(2), symptoms)).toBe('unauthorised');
        expect(await send(world, history(1), symptoms)).toBe('stored');
      }
    }
  });

  it('while the first one’s lease runs is told to try later, and then stored', async ({ expect }) => {
    const world = new World();
    world.now = START + 12 * 3600 - 20; // twenty seconds before midnight
    await send(world, history(1), 'one-to-two-weeks', { call: 1, when: 'after' });
    world.now += 30;
    expect(await send(world, history(1), 'one-to-two-weeks')).toBe('try-later');
    world.now += 2 * LEASE_SECONDS;
    expect(await send(world, history(1), 'one-to-two-weeks')).toBe('stored');
    expect(world.tan.state).toBe('committed');
  });
});

describe('an upload of more keys than a phone has', () => {
  const twoADay = history(
    3,
    Array.from({ length: 15 }, (_, age) => age),
  );
  const extra: AndroidKey = { ...twoADay[0]!, keyData: new Uint8Array(16).fill(9) };

  it('is refused, stores nothing, and leaves its TAN to one of 30', async ({ expect }) => {
    const world = new World();
    world.now = START - 4 * 3600; // the first key of 14 days ago ended less than 14 days ago
    const sent = (keys: readonly AndroidKey[]): TanUpload => {
      const upload = attemptOf(keys, 'not-said', world.now).upload;
      const level = upload.keys.map((key) => ({ ...key, transmissionRiskLevel: 6 }));
      return { ...attemptOf(keys, 'not-said', world.now), upload: { ...upload, keys: level } };
    };
    expect(await storeTanUpload(world.ports(), sent([...twoADay, extra]))).toEqual({
      kind: 'refused',
      rule: 'key-count',
    });
    expect([world.stored.size, world.tan.state]).toEqual([0, 'issued']);
    expect((await storeTanUpload(world.ports(), sent(twoADay))).kind).toBe('stored');
    expect(world.durableKeys).toHaveLength(30);
    expect((await storeTanUpload(world.ports(), sent([...twoADay, extra]))).kind).toBe('refused');
  });
});
