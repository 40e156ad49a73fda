import { describe, it } from 'vitest';
import measured from '../measured.json' with { type: 'json' };
import { checkModel, PLAYED, sizesFor } from './check.ts';
import { meanLife, worldDay } from './costs.ts';
import { fillBy } from './decoy-sizes.ts';
import { hoursOfDay } from './hours.ts';
import { phoneDay, regionDay } from './model.ts';
import { asCheck, asSvg, asTable } from './output.ts';
import { daysOf, SCHEMES } from './schemes.ts';
import { faultOf, WORLD, type World } from './world.ts';

const SIZES = sizesFor(WORLD);
const DAYS = daysOf(measured, WORLD);
const POLICY = { minKeys: 140, minUploads: 10, maxHoldHours: 6, reserveUploads: 3 };

describe('the model, held to thirty simulated backends', () => {
  it('is within its bounds of a run on the same inputs', async ({ expect }) => {
    // Sparse enough to be played in a moment; npm run world -- --play has more people, days and all schemes.
    const world: World = { ...PLAYED, casesPerDay: 300, replication: 'clusters', naming: 'cluster' };
    const checked = await checkModel(world, { days: 1, before: 2, seed: 1 });
    expect(checked.filter(({ off, bound }) => off > bound)).toEqual([]);
    // Bounds that hold anything would prove nothing.
    const bounds = new Map(checked.map(({ what, bound }) => [what, bound]));
    for (const what of ['uploads', 'people', 'sets', 'requests']) expect(bounds.get(what)).toBeLessThan(0.08);
    for (const what of ['decoys', 'exported', 'imported', 'published']) expect(bounds.get(what)).toBeLessThan(0.2);
  });
});

describe('hours that wait', () => {
  const hours = (uploads: number) => hoursOfDay({ uploads, keysPerUpload: 14, policy: POLICY }, 0);
  const sets = (uploads: number) => hours(uploads).closings.reduce((sum, one) => sum + one.sets, 0);

  it('are none where each has enough, and most of the day where few people come', ({ expect }) => {
    expect(sets(24 * 40)).toBeCloseTo(24, 3);
    expect(hours(24 * 40).closings.every(({ padded }) => !padded)).toBe(true);
    // One person a day: one set, six hours later, of one upload.
    expect(sets(0.001)).toBeCloseTo(0.001, 5);
    expect(sets(0)).toBe(0);
  });

  it('lose nobody: what is published is what came', ({ expect }) => {
    for (const uploads of [1, 20, 100, 500]) {
      const published = hours(uploads).closings.reduce((sum, one) => sum + one.sets * one.uploads, 0);
      expect(Math.abs(published / uploads - 1)).toBeLessThan(0.002);
    }
  });
});

describe('what decoys add', () => {
  it('is what lacks and what the last one has beyond it', ({ expect }) => {
    const fill = fillBy({ chances: [0, 0, 0, 0, 1], mean: 4, leavesRest: 0 });
    expect(fill(10, 0).keys).toBe(12);
    expect(fill(10, 5).keys).toBe(20);
    expect(fill(0, 0).keys).toBe(0);
    // Half of them are empty: twice as many are drawn, as many keys come.
    expect(fillBy({ chances: [0.5, 0, 0, 0, 0.5], mean: 2, leavesRest: 0 })(10, 0).keys).toBeCloseTo(12, 9);
  });
});

describe('the world', () => {
  it('is 44.8 MB of raw keys a user where all go everywhere, as the paper says, plus what ours cost beside keys', ({
    expect,
  }) => {
    const world: World = { ...WORLD, replication: 'all', consent: 1 };
    const { people, decoys, imported, published } = regionDay(world, SIZES);
    // 2.8 million keys of people, less those that age out in their hour.
    expect((published * people) / (people + decoys) / 2_800_000).toBeCloseTo(1, 2);
    expect(imported + people + decoys).toBe(published);
  });

  it('gives a region nothing of others where nobody travels or consents', ({ expect }) => {
    const still = regionDay({ ...WORLD, replication: 'named', naming: 'exact', travellers: 0 }, SIZES);
    expect([still.imported, still.exported, still.batches]).toEqual([0, 0, 0]);
    expect(regionDay({ ...WORLD, consent: 0 }, SIZES).imported).toBe(0);
  });

  it('loses cases tested abroad, unless both regions are in phase II', ({ expect }) => {
    const lost = (phaseTwo: number): number => regionDay({ ...WORLD, phaseTwo }, SIZES).lost * WORLD.regions;
    expect(lost(0)).toBeCloseTo(200_000 * 0.05 * 0.1, 6);
    expect(lost(0.5)).toBeCloseTo(1_000 * (1 - (150 * 149) / (300 * 299)), 6);
    expect(lost(1)).toBe(0);
  });

  it('orders the schemes as their reach: all-to-all costs a phone most, partial least', ({ expect }) => {
    const bytes = DAYS.map(({ phone }) => phone.bytes);
    expect(bytes[0]).toBe(Math.max(...bytes));
    expect(bytes.at(-1)).toBe(Math.min(...bytes));
  });

  it('stores a key from its upload to its cut, and counts a phone of a journey once more a region', ({ expect }) => {
    expect(meanLife(14)).toBe(7.5);
    const day = worldDay(measured, { ...WORLD, regionsVisited: 2 }, SIZES);
    expect(day.roamer.bytes).toBe(3 * day.phone.bytes);
    expect(day.phones.bytes).toBeCloseTo(WORLD.phones * day.phone.bytes * (1 + 2 * 0.05 * 0.5), -6);
  });

  it("says what apps of Corona-Warn-App's tree don't get", ({ expect }) => {
    expect(phoneDay(measured, WORLD, 700_000).leftOutOfTree).toBeCloseTo(100_000, 6);
  });

  it('refuses what can’t be, by name', ({ expect }) => {
    expect(faultOf({ ...WORLD, clusters: 301 })).toMatch(/clusters/);
    expect(faultOf({ ...WORLD, consent: 1.5 })).toMatch(/consent/);
    expect(faultOf({ ...WORLD, clusters: 300, travelInCluster: 0.5 })).toMatch(/regionsVisited/);
    expect(faultOf({ ...WORLD, replication: 'all', naming: 'cluster' })).toMatch(/naming/);
    for (const { how } of SCHEMES) expect(faultOf({ ...WORLD, ...how })).toBeNull();
  });
});

describe('what is printed', () => {
  it('has a column a scheme, and ten charts without a broken coordinate', ({ expect }) => {
    const table = asTable(WORLD, DAYS);
    for (const { name } of SCHEMES) expect(table).toContain(name);
    const svg = asSvg(measured, WORLD, { regions: [300], travellers: [0.01] });
    expect(svg.match(/<svg /g)).toHaveLength(11);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('marks what is beyond its bound', ({ expect }) => {
    const figure = { what: 'decoys', model: 12, run: 10, off: 0.2, bound: 0.05 };
    expect(asCheck(PLAYED, 1, [{ name: 'x', checked: [figure] }])).toMatch(/decoys.*MISSED/);
    expect(asCheck(PLAYED, 1, [{ name: 'x', checked: [{ ...figure, off: 0.04 }] }])).not.toMatch(/MISSED/);
  });
});
