/**
 * @module The whole way, with the reference phone at both ends: upload, seal, download by manifest and by CWA's tree, hourly
 * and daily, over midnight, match.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { currentKey, cutToday, endedKeys, type TekHistory } from '../../phone/radio/tek-schedule.ts';
import { testRandom } from '../../phone/testing/random.ts';
import { sendDummy, upload } from '../../phone/upload/upload.ts';
import { matchKeys } from '../../phone/matching/match.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { meet, population } from '../../scripts/demo/people.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { START, startSystem, type System } from '../conformance/support/system.ts';
import { names } from '../support/published.ts';
import { reader } from '../support/reader.ts';

const random = testRandom('journey');
/** More than a day after the first upload, at a full hour. */
const HOURS = 30;
const PATIENTS = 12;

let system: System;

beforeAll(async () => {
  // Six cut keys alone come out on the second day: with the real policy they would be held, and join decoys.
  const origin = { MIN_KEYS: '1', MIN_UPLOADS: '1' };
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '100' }, origin } });
});
afterAll(() => system.edge.dispose());

describe('two days', () => {
  const readers = {
    hourlyManifest: reader(() => system.edge, 'manifest'),
    hourlyTree: reader(() => system.edge, 'tree'),
  };
  const daily = { dailyManifest: reader(() => system.edge, 'manifest'), dailyTree: reader(() => system.edge, 'tree') };
  const people = population(PATIENTS + 1, START, random);
  const listener = people[PATIENTS]!;
  const patients = people.slice(0, PATIENTS);
  /** All explicit in level 5, so that every key is published. */
  const withLevel = (history: TekHistory, now: number) =>
    endedKeys(history, now).map((key) => ({ ...key, transmissionRiskLevel: 5, daysSinceOnsetOfSymptoms: null }));
  const content = (keys: readonly SharedKey[]) =>
    ({ keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 }) as const;
  const ports = () => ({ fetch, baseUrl: system.edge.url, random });
  const expected: { keyData: Uint8Array }[] = [];

  it('phones upload, some of them today’s key too, cut, beside dummies', async ({ expect }) => {
    const tans = await system.tans(PATIENTS);
    const uploads = patients.map(async ({ history }, at) => {
      // Same-day release: half of them end today's key now and share it.
      const own = withLevel(
        at % 2 === 0 ? cutToday(currentKey(history, START, random).history, START) : history,
        START,
      );
      expected.push(...own);
      return upload(tans[at]!, content(own), ports());
    });
    const dummies = Array.from({ length: 10 }, () => sendDummy(ports()));
    expect((await Promise.all(uploads)).every(({ ok }) => ok)).toBe(true);
    expect(new Set(await Promise.all(dummies))).toEqual(new Set([200]));
  });

  it('hour after hour is sealed, hourly phones follow', async ({ expect }) => {
    for (let hour = 1; hour <= HOURS; hour += 1) {
      const now = START - (START % SECONDS_PER_HOUR) + hour * SECONDS_PER_HOUR;
      await moveClock(system.edge.url, now);
      for (const phone of Object.values(readers)) await phone.sync(now + 60);
    }
    for (const phone of Object.values(daily)) await phone.sync(START + HOURS * SECONDS_PER_HOUR);
    expect(readers.hourlyManifest.files.length).toBeGreaterThanOrEqual(2);
  });

  it.for(['hourlyManifest', 'hourlyTree'] as const)(
    '%s got every key once, cut keys after their day',
    (name, { expect }) => {
      const { keys, files } = readers[name];
      expect(new Set(files).size).toBe(files.length);
      expect(names(keys)).toEqual(names(expected));
    },
  );

  it.for(['dailyManifest', 'dailyTree'] as const)(
    '%s got the keys of the complete day without its hours',
    (name, { expect }) => {
      const { keys, files } = daily[name];
      expect(new Set(files).size).toBe(files.length);
      // The oldest keys' fourteen days ended at the midnight in between: the day was cut without them.
      const midnight = START - (START % SECONDS_PER_DAY) + SECONDS_PER_DAY;
      const live = readers.hourlyManifest.keys.filter(
        (key) => (key.rollingStartIntervalNumber + key.rollingPeriod) * 600 > midnight - 14 * SECONDS_PER_DAY,
      );
      expect(live.length).toBeLessThan(expected.length);
      expect(names(keys)).toEqual(names(live));
    },
  );

  it('who met a patient is found, by either way, and nobody else', ({ expect }) => {
    const met = meet(listener, patients[3]!, START - 3 * SECONDS_PER_DAY);
    const healthy = { ...listener, sightings: [] };
    meet(healthy, population(1, START, testRandom('somebody else'))[0]!, START - 3 * SECONDS_PER_DAY);
    for (const { keys } of [...Object.values(readers), ...Object.values(daily)]) {
      const matches = matchKeys(keys, listener.sightings, { now: START });
      expect(matches.map(({ key }) => key.keyData)).toEqual([met.keyData]);
      expect(matchKeys(keys, healthy.sightings, { now: START })).toEqual([]);
    }
  });

  it('the Workers logged nothing', ({ expect }) => {
    expect(system.log).toEqual([]);
  });
});
