import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { enIntervalNumber, keyEnd } from '../../protocol/gaen/intervals.ts';
import { advertisement, metadata, sight } from './broadcast.ts';
import { matchKeys } from '../matching/match.ts';
import { currentKey, cutToday, endedKeys, type TekHistory } from './tek-schedule.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';

const DAY = 86_400;
const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const SEED = 20_260_612;

describe('temporary exposure keys (docs/spec/gaen.md §1)', () => {
  it('makes one a UTC day, of 144 intervals from midnight, and keeps it all day', ({ expect }) => {
    const random = testRandom('day');
    const first = currentKey([], NOON, random);
    expect(first.key.rollingStartIntervalNumber).toBe(enIntervalNumber(NOON) - 72);
    expect(first.key.rollingPeriod).toBe(144);
    expect(first.key.keyData).toHaveLength(16);
    expect(currentKey(first.history, NOON + 12 * 3600 - 1, random).key).toEqual(first.key);
    const next = currentKey(first.history, NOON + 12 * 3600, random);
    expect(next.key).not.toEqual(first.key);
    expect(next.history).toHaveLength(2);
  });

  it('cuts today’s key when it is shared, and goes on with another one for the rest of the day', ({ expect }) => {
    const random = testRandom('cut');
    const { history } = currentKey([], NOON, random);
    expect(endedKeys(history, NOON)).toEqual([]);
    const cut = cutToday(history, NOON);
    expect(endedKeys(cut, NOON).map((key) => key.rollingPeriod)).toEqual([72]);
    const { key } = currentKey(cut, NOON + 1800, random);
    expect([key.rollingStartIntervalNumber, key.rollingPeriod]).toEqual([enIntervalNumber(NOON), 72]);
  });

  it('leaves a key of less than ten minutes as it is', ({ expect }) => {
    const midnight = NOON - 12 * 3600;
    const { history } = currentKey([], midnight + 599, testRandom('young'));
    expect(cutToday(history, midnight + 599)).toEqual(history);
  });

  it('offers at most 14 past keys, and drops a key 14 days after its end', ({ expect }) => {
    const random = testRandom('old');
    let history: TekHistory = [];
    for (let day = 0; day < 20; day++) history = currentKey(history, NOON + day * DAY, random).history;
    const now = NOON + 19 * DAY;
    expect(endedKeys(history, now)).toHaveLength(14);
    expect(endedKeys(history, now).every((key) => keyEnd(key) > now - 14 * DAY)).toBe(true);
    expect(endedKeys(cutToday(history, now), now)).toHaveLength(15);
  });

  it('never has two keys in one interval, whatever clock, cuts and pauses do', ({ expect }) => {
    const moves = fc.array(fc.record({ by: fc.integer({ min: -2 * DAY, max: 3 * DAY }), cut: fc.boolean() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(moves, fc.string(), (steps, seed) => {
        const random = testRandom(seed);
        let history: TekHistory = [];
        let now = NOON;
        for (const { by, cut } of steps) {
          now += by;
          const current = currentKey(history, now, random);
          history = cut ? cutToday(current.history, now) : current.history;
          const { rollingStartIntervalNumber: start, rollingPeriod: period } = current.key;
          expect(start).toBeLessThanOrEqual(enIntervalNumber(now));
          expect(start + period).toBeGreaterThan(enIntervalNumber(now));
          for (const [i, key] of history.entries()) {
            expect(key.rollingPeriod).toBeGreaterThanOrEqual(1);
            const next = history[i + 1];
            if (next !== undefined) expect(next.rollingStartIntervalNumber * 600).toBeGreaterThanOrEqual(keyEnd(key));
          }
        }
      }),
      { seed: SEED },
    );
  });
});

describe('broadcast (docs/spec/gaen.md §2, §3)', () => {
  const random = testRandom('broadcast');
  const transmitter = { txPower: -12, confidence: 3 } as const;

  it('writes metadata version 1.1 with confidence and power', ({ expect }) => {
    expect([...metadata(transmitter)]).toEqual([0x5c, 0xf4, 0, 0]);
    expect(() => metadata({ txPower: 128, confidence: 0 })).toThrow(RangeError);
  });

  it('is found by whoever heard it, with the distance that it was heard at', ({ expect }) => {
    const { key } = currentKey([], NOON, random);
    const reception = { timestamp: NOON + 5, rssi: -67, previousScan: NOON - 295 };
    const heard = sight(advertisement(key, NOON, transmitter), reception);
    const published = [testKey(random), testKey(random, key), testKey(random)];
    const [match, ...others] = matchKeys(published, [heard]);
    expect(others).toEqual([]);
    expect(match?.key.keyData).toEqual(key.keyData);
    expect(match?.sightings.map(({ attenuation, txPower }) => [attenuation, txPower])).toEqual([[55, -12]]);
  });

  it('has another identifier every ten minutes', ({ expect }) => {
    const { key } = currentKey([], NOON, random);
    const heard = [0, 599, 600, 1200].map((s) => String(advertisement(key, NOON + s, transmitter)));
    expect(heard[0]).toBe(heard[1]);
    expect(new Set(heard).size).toBe(3);
  });

  it('refuses to broadcast a key outside its validity', ({ expect }) => {
    const { key } = currentKey([], NOON, random);
    expect(() => advertisement(key, NOON + 12 * 3600, transmitter)).toThrow(RangeError);
    expect(() => advertisement(key, NOON - 12 * 3600 - 1, transmitter)).toThrow(RangeError);
    expect(() => sight(new Uint8Array(19), { timestamp: 0, rssi: 0, previousScan: 0 })).toThrow(RangeError);
  });
});
