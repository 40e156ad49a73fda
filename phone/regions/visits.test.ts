/**
 * @module Base and roaming regions as the paper defines them (arXiv:2006.13087 §3.1.1, §4.2).
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { dateOf, SECONDS_PER_DAY, startOfDate } from '../../protocol/gaen/intervals.ts';
import { areVisits, followedRegions, type Visit, withLeave, withoutOld, withVisit } from './visits.ts';

const NOON = 43_200;
const on = (date: string): number => startOfDate(date) + NOON;
const visit = (region: string, from: string, to: string | null, said = from): Visit => ({ region, from, to, said });
const names = (visits: readonly Visit[], now: number): string[] =>
  followedRegions(visits, now).map((one) => one.region);

describe('a roaming region', () => {
  const trip = [visit('NL', '2026-11-20', '2026-11-22')];

  it.for([
    { name: 'not before the visit', now: on('2026-11-18'), found: [] },
    { name: 'during it', now: on('2026-11-20'), found: ['NL'] },
    { name: 'from when the day begins anywhere', now: startOfDate('2026-11-20') - 14 * 3600, found: ['NL'] },
    { name: 'for 14 days after it', now: on('2026-12-06'), found: ['NL'] },
    { name: 'until the day has ended everywhere', now: startOfDate('2026-12-07') + 13 * 3600, found: ['NL'] },
    { name: 'no longer', now: startOfDate('2026-12-07') + 14 * 3600, found: [] },
  ])('is followed: $name', ({ now, found }, { expect }) => {
    expect(names(trip, now)).toEqual(found);
  });

  it('may be told afterwards, and ends by itself as if it had been told in time', ({ expect }) => {
    const late = withVisit([], visit('NL', '2026-11-20', '2026-11-22', '2026-12-01'));
    expect(followedRegions(late, on('2026-12-01'))).toEqual(followedRegions(trip, on('2026-12-01')));
    expect(names(late, on('2026-12-08'))).toEqual([]);
  });

  it('without an end is followed until somebody says that they left, and 14 days more', ({ expect }) => {
    const open = [visit('NL', '2026-11-01', null, '2026-11-15')];
    expect(followedRegions(open, on('2026-11-29'))).toMatchObject([{ region: 'NL', unconfirmed: null }]);
    const left = withLeave(open, 'NL', '2026-11-17') ?? [];
    expect(names(left, on('2026-12-01'))).toEqual(['NL']);
    expect(names(left, on('2026-12-03'))).toEqual([]);
  });

  it('of which nobody says any more that they are there ends by itself, and says so before', ({ expect }) => {
    const open = [visit('NL', '2026-11-01', null)];
    expect(followedRegions(open, on('2026-11-15'))).toMatchObject([{ unconfirmed: null }]);
    expect(followedRegions(open, on('2026-11-16'))).toMatchObject([{ region: 'NL', unconfirmed: '2026-11-15' }]);
    expect(names(open, on('2026-12-01'))).toEqual([]);
    const confirmed = withVisit(open, visit('NL', '2026-11-16', null));
    expect(followedRegions(confirmed, on('2026-11-30'))).toMatchObject([{ region: 'NL', unconfirmed: null }]);
    expect(names(confirmed, on('2026-12-14'))).toEqual(['NL']);
  });

  it('is left only by who was there', ({ expect }) => {
    expect(withLeave(trip, 'IT', '2026-11-21')).toBeNull();
    expect(withLeave(trip, 'NL', '2026-11-25')).toBeNull();
    expect(withLeave(trip, 'NL', '2026-11-21')).toEqual([visit('NL', '2026-11-20', '2026-11-21', '2026-11-20')]);
  });
});

describe('a base region', () => {
  const commuter = ['2026-11-02', '2026-11-09', '2026-11-23'].reduce<Visit[]>(
    (visits, day) => withVisit(visits, visit('NL', day, day)),
    [],
  );

  it('is one in which somebody was in each of two spans of 14 days', ({ expect }) => {
    expect(followedRegions(commuter, on('2026-11-24'))).toMatchObject([{ region: 'NL', kind: 'base' }]);
    expect(followedRegions([visit('NL', '2026-11-20', '2026-11-22')], on('2026-11-24'))).toMatchObject([
      { kind: 'roaming' },
    ]);
  });

  it('is a roaming one when they come no more, and then none', ({ expect }) => {
    expect(followedRegions(commuter, on('2026-12-06'))).toMatchObject([{ kind: 'base' }]);
    expect(followedRegions(commuter, startOfDate('2026-12-08') + 3600)).toMatchObject([{ kind: 'roaming' }]);
    expect(names(commuter, on('2026-12-09'))).toEqual([]);
    expect(withoutOld(commuter, on('2026-11-30'))).toHaveLength(3);
    expect(withoutOld(commuter, on('2027-01-20'))).toEqual([]);
  });
});

describe('trips that overlap', () => {
  it('to one region are one, to two are two', ({ expect }) => {
    const first = withVisit([], visit('NL', '2026-11-10', '2026-11-14'));
    const both = withVisit(first, visit('NL', '2026-11-13', '2026-11-20', '2026-11-21'));
    expect(both).toEqual([visit('NL', '2026-11-10', '2026-11-20', '2026-11-21')]);
    expect(names(withVisit(both, visit('IT', '2026-11-12', '2026-11-15')), on('2026-11-21'))).toEqual(['IT', 'NL']);
  });

  it('are followed on each instant on which any of them would be alone, in whatever order they are told', ({
    expect,
  }) => {
    const day = fc.integer({ min: 0, max: 60 });
    const start = startOfDate('2026-09-01');
    const dated = (n: number): string => dateOf(start + n * SECONDS_PER_DAY);
    const one = fc
      .record({ region: fc.constantFrom('NL', 'IT'), from: day, length: fc.nat(20) })
      .map(({ region, from, length }) => visit(region, dated(from), dated(from + length), dated(60)));
    fc.assert(
      fc.property(fc.array(one, { maxLength: 6 }), fc.integer({ min: 0, max: 90 * 24 }), (visits, hours) => {
        const now = start + hours * 3600;
        const merged = visits.reduce<Visit[]>(withVisit, []);
        const alone = new Set(visits.flatMap((single) => names([single], now)));
        expect(names(merged, now)).toEqual([...alone].toSorted());
      }),
      { seed: 20_261_126, numRuns: 200 },
    );
  });
});

describe('a clock that is an hour wrong', () => {
  it('follows nothing shorter than 14 days after the last day', ({ expect }) => {
    const trip = [visit('NL', '2026-11-20', '2026-11-22')];
    for (const wrong of [-3600, 3600]) {
      expect(names(trip, startOfDate('2026-12-07') + wrong)).toEqual(['NL']);
    }
  });
});

describe('visits on disk', () => {
  it.for([
    { name: 'none', value: [], is: true },
    { name: 'one', value: [visit('NL', '2026-11-20', null)], is: true },
    { name: 'one of a cluster', value: [visit('eu', '2026-11-20', null)], is: true },
    { name: 'a day that is none', value: [visit('NL', '2026-11-31', null)], is: false },
    { name: 'no region', value: [visit('../x', '2026-11-20', null)], is: false },
    { name: 'no list', value: {}, is: false },
  ])('are told: $name', ({ value, is }, { expect }) => {
    expect(areVisits(value)).toBe(is);
  });
});
