import { it } from 'vitest';
import { matchKeys } from '../../phone/matching/match.ts';
import { endedKeys } from '../../phone/radio/tek-schedule.ts';
import { testRandom } from '../../phone/testing/random.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { meet, population, shuffle, someMoment } from './people.ts';

const NOW = Date.UTC(2026, 10, 24, 10, 20) / 1000;
const asPublished = (key: { keyData: Uint8Array; rollingStartIntervalNumber: number; rollingPeriod: number }) =>
  ({ ...key, transmissionRiskLevel: 3, reportType: 1, daysSinceOnsetOfSymptoms: 1 }) satisfies TemporaryExposureKey;

it('a phone has 14 keys to share, all different from everybody else’s', ({ expect }) => {
  const people = population(20, NOW, testRandom('people'));
  const shared = people.flatMap(({ history }) => endedKeys(history, NOW));
  expect(shared).toHaveLength(20 * 14);
  expect(new Set(shared.map(({ keyData }) => keyData.join())).size).toBe(20 * 14);
});

it('a meeting is found by the key it names, and by no other; its replay five hours later is not', ({ expect }) => {
  const random = testRandom('meetings');
  const [sender, listener, victim] = population(3, NOW, random);
  const keys = endedKeys(sender!.history, NOW).map(asPublished);
  for (let times = 0; times < 10; times += 1) {
    const at = someMoment(random, NOW);
    const fresh = { ...listener!, sightings: [] };
    const key = meet(fresh, sender!, at);
    expect(matchKeys(keys, fresh.sightings, { now: NOW }).map((match) => match.key.keyData)).toEqual([key.keyData]);
    const attacked = { ...victim!, sightings: [] };
    meet(attacked, sender!, at, 5 * 3600);
    expect(attacked.sightings).toHaveLength(5);
    expect(matchKeys(keys, attacked.sightings, { now: NOW })).toEqual([]);
  }
});

it('shuffling loses nothing and changes the order', ({ expect }) => {
  const items = Array.from({ length: 50 }, (_, i) => i);
  const shuffled = shuffle(testRandom('shuffle'), [...items]);
  expect(shuffled).not.toEqual(items);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(items);
});
