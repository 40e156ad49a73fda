import { describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../domain/chunk-policy.ts';
import { EMBARGO_SECONDS } from '../domain/embargo.ts';
import { keyEnd } from '../protocol/gaen/intervals.ts';
import { dayPlan, placeKey } from './day-plan.ts';
import { encounter, secondsWithin } from './encounter.ts';
import { DEFAULTS, SECONDS_PER_DAY, dayStart } from './options.ts';
import { populate } from './population.ts';
import { publishedAt } from './publication.ts';
import { World } from './world.ts';

const OPTIONS = { ...DEFAULTS, phones: 300, days: 5, incidence: 1_000, seed: 4 };
const population = populate(OPTIONS);
const world = new World(OPTIONS);

describe('population', () => {
  it('has as many phones as asked for, in phones / adoption people', ({ expect }) => {
    expect(population.people).toHaveLength(500);
    expect(population.people.filter(({ phone }) => phone !== null)).toHaveLength(300);
  });

  it('puts everybody into one household and one circle of friends', ({ expect }) => {
    for (const groups of [population.households, population.circles]) {
      expect(groups.flat().toSorted((a, b) => a - b)).toEqual(population.people.map(({ id }) => id));
    }
    expect(population.people.every(({ id, household }) => population.households[household]!.includes(id))).toBe(true);
  });
});

describe('day plan', () => {
  it('covers the day in order, without overlap, and begins and ends at home for whoever goes out', ({ expect }) => {
    for (const person of population.people) {
      for (const day of [0, 3, 5]) {
        const plan = dayPlan(population, person, day, OPTIONS.seed);
        expect(plan.every(({ from, to }, n) => from < to && (n === 0 || from >= plan[n - 1]!.to))).toBe(true);
        expect(plan[0]).toMatchObject({ kind: 'home', place: person.household, from: dayStart(day) });
        expect(plan.at(-1)!.to).toBeGreaterThanOrEqual(dayStart(day) + SECONDS_PER_DAY - 3600);
      }
    }
  });

  it('nobody works on Saturday, and who was swabbed stays at home', ({ expect }) => {
    for (const person of population.people) {
      expect(dayPlan(population, person, 5, 1).map(({ kind }) => kind)).not.toContain('work');
      const isolated = dayPlan(population, person, 1, 1, dayStart(1));
      expect(isolated.map(({ kind }) => kind)).toEqual(['home']);
    }
  });

  it('gives no two places one key', ({ expect }) => {
    const visits = population.people.flatMap((person) => dayPlan(population, person, 1, 1));
    const names = new Set(visits.map(({ kind, place }) => `${kind} ${place}`));
    expect(new Set(visits.map(placeKey)).size).toBe(names.size);
  });
});

describe('encounter', () => {
  const one = { kind: 'work', place: 3, from: 1000, to: 9000 } as const;
  const other = { kind: 'work', place: 3, from: 2000, to: 8000 } as const;

  it('is the same from both sides and fills exactly the time both are there', ({ expect }) => {
    const segments = encounter(1, one, other, [5, 9]);
    expect(encounter(1, other, one, [9, 5])).toEqual(segments);
    expect(segments[0]!.from).toBe(2000);
    expect(segments.at(-1)!.to).toBe(8000);
    expect(segments.every(({ from }, n) => n === 0 || from === segments[n - 1]!.to)).toBe(true);
  });

  it('is none for people who miss each other', ({ expect }) => {
    expect(encounter(1, one, { ...other, from: 9000, to: 9500 }, [5, 9])).toEqual([]);
  });

  it('counts seconds within a distance and a time', ({ expect }) => {
    const segments = [
      { from: 0, to: 100, meters: 1, obstacleDb: 0 },
      { from: 100, to: 300, meters: 3, obstacleDb: 0 },
      { from: 300, to: 400, meters: 2, obstacleDb: 12 },
    ];
    expect(secondsWithin(segments, 2, 50, 350)).toBe(100);
    expect(secondsWithin(segments, 2, 500, 600)).toBe(0);
  });
});

describe('cases and their keys', () => {
  const uploads = world.cases.flatMap((one) => (one.upload === null ? [] : [{ one, upload: one.upload }]));

  it('come in order: onset, swab, result, upload; only phone owners upload, and only one part of them', ({
    expect,
  }) => {
    expect(uploads.length).toBeGreaterThan(20);
    for (const { one, upload } of uploads) {
      expect(one.onset < one.swab && one.swab < one.result && one.result < upload.at).toBe(true);
      expect(world.population.people[one.person]!.phone).not.toBeNull();
    }
    const owners = world.cases.filter(({ person }) => world.population.people[person]!.phone !== null);
    expect(uploads.length / owners.length).toBeGreaterThan(0.4);
    expect(uploads.length / owners.length).toBeLessThan(0.8);
  });

  it('are published after the embargo and the upload, and while phones still take them', ({ expect }) => {
    let published = 0;
    for (const { one, upload } of uploads) {
      for (let day = 0; day < OPTIONS.days; day++) {
        const found = world.keyOf(one, day);
        if (found === undefined) continue;
        published += 1;
        expect(found.key.rollingStartIntervalNumber * 600).toBe(dayStart(day));
        expect(found.from).toBeGreaterThanOrEqual(keyEnd(found.key) + EMBARGO_SECONDS);
        expect(found.from).toBeGreaterThan(upload.at);
        expect(found.from).toBeLessThan(world.end);
      }
    }
    expect(published).toBeGreaterThan(50);
  });

  it('leave in hours that are empty or hold the minimum, each real key once', ({ expect }) => {
    const { firstHour, lastHour, keysOf, realKeys, decoyKeys, reserveKeys } = world.publication;
    const hours = Array.from({ length: lastHour - firstHour + 1 }, (_, n) => keysOf(firstHour + n));
    const filled = hours.filter(({ length }) => length > 0);
    expect(filled.length).toBeGreaterThan(10);
    expect(filled.every(({ length }) => length >= DEFAULT_CHUNK_POLICY.minKeys)).toBe(true);
    const all = hours.flat();
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeLessThanOrEqual(realKeys + decoyKeys + reserveKeys);
    expect(publishedAt(lastHour)).toBeLessThan(world.end);
  });
});
