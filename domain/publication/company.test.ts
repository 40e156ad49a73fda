/** @module No list of revocations is smaller than a chunk, in any region, whatever the regions, their keys and what was set aside. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { chooseCompany, goesLate, type CompanyQuestion, type HourReserve } from './company.ts';

const POLICY = { minKeys: 140, minUploads: 10 };
const UNION = 'EUR';
const REGIONS = ['AT', 'BE', 'DE', 'FR', 'LU'];

/** The list that each region publishes: keys that were asked for, those set aside, and of how many uploads at least. */
function listsOf(question: CompanyQuestion): Map<string, { asked: number; reserve: number; uploads: number }> {
  const company = chooseCompany(question);
  const lists = new Map<string, { asked: number; reserve: number; uploads: number }>();
  const listOf = (region: string) => {
    const list = lists.get(region) ?? { asked: 0, reserve: 0, uploads: 0 };
    lists.set(region, list);
    return list;
  };
  if (company === null) return lists;
  for (const { regions, keys } of question.asked) {
    if (regions.some((region) => company.waiting.includes(region))) continue;
    for (const region of regions) listOf(region).asked += keys;
  }
  for (const { hour, keys, uploads } of question.stock) {
    if (!company.hours.includes(hour)) continue;
    for (const [region, count] of Object.entries(keys)) {
      listOf(region).reserve += count;
      listOf(region).uploads += uploads[region]!;
    }
  }
  return lists;
}

/** Some of the regions and the union, which has every key. Small ones are common: one key, or a few. */
const someRegions = fc.subarray(REGIONS).map((regions) => [...regions, UNION]);
const fewKeys = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 400 }));
const hourReserveOf = (regions: typeof someRegions) =>
  fc
    .array(fc.record({ regions, keys: fc.integer({ min: 1, max: 30 }) }), { minLength: 1, maxLength: 4 })
    .map((uploads) => {
      const all: Pick<HourReserve, 'keys' | 'uploads'> = { keys: {}, uploads: {} };
      const [keys, count] = [all.keys as Record<string, number>, all.uploads as Record<string, number>];
      for (const upload of uploads) {
        for (const region of upload.regions) {
          keys[region] = (keys[region] ?? 0) + upload.keys;
          count[region] = (count[region] ?? 0) + 1;
        }
      }
      return all;
    });
/** @param asideRegions of what is set aside */
const questionsOf = (asideRegions: typeof someRegions) =>
  fc.record({
    policy: fc.oneof(fc.constant(POLICY), fc.constant({ minKeys: 40, minUploads: 4 })),
    asked: fc.array(fc.record({ regions: someRegions, keys: fewKeys }), { minLength: 1, maxLength: 6 }),
    stock: fc
      .array(hourReserveOf(asideRegions), { maxLength: 40 })
      .map((hours) => hours.map((reserve, hour) => ({ hour, ...reserve }))),
    touched: fc.uniqueArray(fc.nat(40)).map((hours) => new Set(hours)),
    isLate: fc.boolean(),
  });
// Also where one region alone has what is set aside: what it hides goes, beside what is late elsewhere.
const questions = fc.oneof(questionsOf(someRegions), questionsOf(fc.constant(['AT', UNION])));

describe('of any regions, with any keys', () => {
  it('no list is smaller than a chunk, and one that isn’t late is hidden by what was set aside alone', ({ expect }) => {
    let [taken, partly, late, beside] = [0, 0, 0, 0];
    fc.assert(
      fc.property(questions, (question) => {
        const { minKeys, minUploads } = question.policy;
        const lists = listsOf(question);
        const hidden = listsOf({ ...question, isLate: false });
        for (const [region, { asked, reserve, uploads }] of lists) {
          expect(asked + reserve).toBeGreaterThanOrEqual(minKeys);
          expect(uploads + Math.ceil(asked / 30)).toBeGreaterThanOrEqual(minUploads);
          if (!hidden.has(region)) continue;
          expect(reserve).toBeGreaterThanOrEqual(minKeys);
          expect(uploads).toBeGreaterThanOrEqual(minUploads);
        }
        for (const region of hidden.keys()) expect(lists.has(region)).toBe(true);
        if (lists.size > 0) taken += 1;
        if ((chooseCompany(question)?.waiting.length ?? 0) > 0) partly += 1;
        if (lists.size > hidden.size) late += 1;
        if (lists.size > hidden.size && hidden.size > 0) beside += 1;
      }),
      { numRuns: 3_000, seed: 20_261_126 },
    );
    // What is never taken proves nothing: each way is gone often enough.
    for (const count of [taken, partly, late, beside]) expect(count).toBeGreaterThan(100);
  });

  it('nothing waits that could go: with all that was set aside, what waits would be too small', ({ expect }) => {
    fc.assert(
      fc.property(questions, (question) => {
        const company = chooseCompany({ ...question, isLate: false });
        for (const region of company?.waiting ?? []) {
          const { policy, asked, stock } = question;
          const own = stock.filter(({ keys }) => (keys[region] ?? 0) > 0);
          const others = company!.waiting.filter((one) => one !== region);
          // Its keys lie in hours that another waiting region's lie in too, or it hasn't enough.
          const free = own.filter(({ keys }) => !others.some((other) => (keys[other] ?? 0) > 0));
          const held = free.reduce((sum, { keys }) => sum + keys[region]!, 0);
          const uploads = free.reduce((sum, one) => sum + one.uploads[region]!, 0);
          expect(held < policy.minKeys || uploads < policy.minUploads).toBe(true);
          expect(asked.some(({ regions }) => regions.includes(region))).toBe(true);
        }
      }),
      { numRuns: 2_000, seed: 20_261_127 },
    );
  });
});

it('what is said to go late goes, whatever else is asked for, set aside, or went before', ({ expect }) => {
  const most = fc.record({ regions: someRegions, keys: fc.integer({ min: 271, max: 400 }) });
  const rows = fc.array(most, { minLength: 1, maxLength: 4 });
  let [gone, left] = [0, 0];
  fc.assert(
    fc.property(questions, rows, (question, own) => {
      if (!goesLate(question.policy, own)) return;
      const late = { ...question, asked: [...question.asked, ...own], isLate: true };
      const regions = new Set(own.flatMap((one) => one.regions));
      expect(chooseCompany(late)!.waiting.filter((region) => regions.has(region))).toEqual([]);
      gone += 1;
      // An hour before some of it went, with what was set aside; the rest isn't kept waiting by that.
      const early = chooseCompany({ ...late, isLate: false });
      const rest = own.filter((one) => one.regions.some((region) => early?.waiting.includes(region)));
      if (early === null || rest.length === 0 || rest.length === own.length) return;
      const after = chooseCompany({ ...late, asked: rest, stock: [] });
      expect(after).toEqual({ hours: [], waiting: [] });
      left += 1;
    }),
    { numRuns: 6_000, seed: 20_261_128 },
  );
  for (const count of [gone, left]) expect(count).toBeGreaterThan(30);
});

describe('one key of a small region', () => {
  const stock = Array.from({ length: 24 }, (_, hour) => ({
    hour,
    keys: { DE: 20, [UNION]: 20 },
    uploads: { DE: 3, [UNION]: 3 },
  }));
  const many = { regions: ['DE', UNION], keys: 500 };
  const one = { regions: ['LU', UNION], keys: 1 };
  const base = { policy: POLICY, stock, touched: new Set<number>(), isLate: true };

  it('waits, and keeps nobody else waiting', ({ expect }) => {
    expect(chooseCompany({ ...base, asked: [many, one] })).toEqual({
      hours: [0, 1, 2, 3, 4, 5, 6],
      waiting: ['LU'],
    });
    expect(chooseCompany({ ...base, asked: [one] })).toBe(null);
  });

  it('goes as soon as its region has company', ({ expect }) => {
    const own = Array.from({ length: 10 }, (_, n) => ({
      hour: 100 + n,
      keys: { LU: 14, [UNION]: 14 },
      uploads: { LU: 1, [UNION]: 1 },
    }));
    const company = chooseCompany({ ...base, asked: [one], stock: [...stock, ...own] });
    expect(company).toMatchObject({ waiting: [], hours: expect.arrayContaining(own.map(({ hour }) => hour)) });
  });
});

describe('where nothing is set aside', () => {
  const base = { policy: POLICY, stock: [], touched: new Set<number>() };
  const rows = (keys: number) => [{ regions: ['DE', UNION], keys }];

  it('goes what is as much as a chunk by itself, when it is late, and never less', ({ expect }) => {
    expect(chooseCompany({ ...base, asked: rows(271), isLate: false })).toBe(null);
    // 271 keys are of ten uploads at least, 270 may be of nine.
    expect(chooseCompany({ ...base, asked: rows(271), isLate: true })).toEqual({ hours: [], waiting: [] });
    expect(chooseCompany({ ...base, asked: rows(270), isLate: true })).toBe(null);
  });
});

describe('rows of a peer', () => {
  const few = { regions: ['DE', UNION], keys: 1 };
  const peer = { regions: ['DE', UNION], keys: 500, isRemote: true };
  const base = { policy: POLICY, stock: [], touched: new Set<number>(), isLate: true };

  it('are company for nobody, since the peer subtracts them', ({ expect }) => {
    expect(chooseCompany({ ...base, asked: [{ ...peer, isRemote: false }, few] })).toEqual({ hours: [], waiting: [] });
    expect(chooseCompany({ ...base, asked: [peer, few] })).toBe(null);
  });

  it('go alone when they have waited: everybody can read them there', ({ expect }) => {
    expect(chooseCompany({ ...base, asked: [peer], isLate: false })).toBe(null);
    expect(chooseCompany({ ...base, asked: [peer] })).toEqual({ hours: [], waiting: [] });
  });
});
