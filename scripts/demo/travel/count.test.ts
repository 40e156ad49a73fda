/** @module The figures of the travel story: one that something is wrong with is not what it should be; and the cast says of everybody what it must. */
import { describe, it } from 'vitest';
import { AFTERNOON, type Case, CASES, MORNING, PEOPLE, TESTS, type Test } from './cast.ts';
import {
  countActs,
  countCase,
  countPublished,
  countRequests,
  falseWarnings,
  type PhoneEnd,
  sawOf,
  type SeenRequest,
} from './count.ts';

const TESTED = 1_000_000;
const HOUR = 3600;
const CASE: Case = { story: 'F2', positive: 'Alice', warned: ['Bob'], spared: { Bea: 'met nobody' } };

const phone = (name: string, home: string, more: Partial<PhoneEnd> = {}): PhoneEnd => ({
  name,
  home,
  trips: [],
  saidAt: null,
  testedIn: null,
  acts: [],
  keys: new Set([name]),
  near: new Map(),
  warned: new Map(),
  ...more,
});
const act = (about: 'trip' | 'test') => ({ about, what: '' });

const ALICE = phone('Alice', 'IT', { testedIn: 'IT', acts: [act('test'), act('test')], keys: new Set(['a1', 'a2']) });
const BOB = phone('Bob', 'DE', {
  trips: ['IT'],
  saidAt: TESTED - 24 * HOUR,
  testedIn: 'IT',
  acts: [act('trip'), act('test'), act('test'), act('test')],
  near: new Map([['Alice', new Set(['a1'])]]),
  warned: new Map([['a1', TESTED + 8 * HOUR]]),
});
const BEA = phone('Bea', 'DE', { trips: ['IT'], saidAt: TESTED, acts: [act('trip')] });
const WELL = [ALICE, BOB, BEA];
const withBob = (more: Partial<PhoneEnd>) => [ALICE, { ...BOB, ...more }, BEA];
const withBea = (more: Partial<PhoneEnd>) => [ALICE, BOB, { ...BEA, ...more }];

describe('a case', () => {
  it('is found, after so many hours', ({ expect }) => {
    expect(countCase(CASE, WELL, TESTED)).toEqual({ found: 1, missed: 0, wrong: 0, hours: [8] });
    expect(falseWarnings([CASE], WELL)).toBe(0);
  });

  it('counts from when its owner said where they were, if that was later', ({ expect }) => {
    expect(countCase(CASE, withBob({ saidAt: TESTED + 6 * HOUR }), TESTED).hours).toEqual([2]);
  });

  it.for<[string, Partial<PhoneEnd>]>([
    ['no warning', { warned: new Map() }],
    ['an encounter that nobody heard', { near: new Map(), warned: new Map() }],
    ['a key of another day', { warned: new Map([['a2', TESTED]]) }],
  ])('is missed: %s', ([, more], { expect }) => {
    expect(countCase(CASE, withBob(more), TESTED)).toMatchObject({ found: 0, missed: 1, hours: [] });
  });

  it('is wrong where one hears of it who must not', ({ expect }) => {
    const phones = withBea({ warned: new Map([['a1', TESTED]]) });
    expect(countCase(CASE, phones, TESTED).wrong).toBe(1);
    expect(falseWarnings([CASE], phones)).toBe(1);
  });

  it('leaves no key unexplained', ({ expect }) => {
    const other = new Map([...BOB.warned, ['somebody’s', TESTED]] as const);
    expect(falseWarnings([CASE], withBob({ warned: other }))).toBe(1);
    expect(falseWarnings([CASE], withBob({ warned: new Map([['a2', TESTED]]) }))).toBe(1);
  });
});

describe('requests', () => {
  const read = (of: string, region: string, text = 'GET /v1/x'): SeenRequest => ({
    phone: of,
    region,
    kind: 'read',
    text,
  });
  const SEEN: SeenRequest[] = [
    read('Bob', 'DE'),
    read('Bea', 'DE'),
    read('Cora', 'DE'),
    read('Bob', 'IT'),
    read('Alice', 'IT'),
    read('Bea', 'IT'),
    { phone: 'Bob', region: 'IT', kind: 'test', text: 'POST /t' },
    { phone: 'Alice', region: 'IT', kind: 'upload', text: 'POST /u' },
  ];
  const PHONES = [...WELL, phone('Cora', 'DE')];

  it('are as they should be', ({ expect }) => {
    expect(countRequests(SEEN, PHONES)).toEqual({ strayed: 0, naming: 0, alone: 0, toldAtHome: 0, toldAbroad: 0 });
    expect(sawOf(SEEN, 'Bob', 'IT')).toEqual({ read: 1, test: 1, upload: 0 });
  });

  it.for<[string, SeenRequest[], object]>([
    ['a region that nobody said', [read('Alice', 'DE')], { strayed: 1 }],
    ['a host that is none', [read('Alice', 'http://elsewhere')], { strayed: 1 }],
    ['an upload on a journey', [{ ...read('Bea', 'IT'), kind: 'upload' }], { strayed: 1 }],
    ['the name of another region', [read('Bob', 'IT', 'GET /v1/DE'), read('Bea', 'IT', 'GET /v1/DE')], { naming: 2 }],
    ['more at home than who stays asks', [read('Bob', 'DE')], { toldAtHome: 1, toldAbroad: 0 }],
    ['less in a region than who lives there asks', [read('Alice', 'IT', 'GET /v1/directory')], { toldAbroad: 2 }],
    ['one that nobody else makes', [read('Bob', 'IT', 'GET /v1/mine')], { alone: 1 }],
  ])('say what is wrong: %s', ([, more, wrong], { expect }) => {
    expect(countRequests([...SEEN, ...more], PHONES)).toMatchObject(wrong);
  });
});

describe('what owners do', () => {
  it('is counted a trip, and a test', ({ expect }) => {
    expect(countActs(WELL)).toEqual({ aTrip: 1, moreAbroad: 1 });
    expect(countActs(withBea({ acts: [act('trip'), act('trip')] })).aTrip).toBe(2);
  });
});

describe('keys', () => {
  const TEST: Test = { who: 'Alice', where: 'IT', consents: false, published: ['IT'] };

  it.for<[string, string[], string[], object]>([
    ['where they must be', [], ['a1', 'x'], { tooMany: 0, tooFew: 0 }],
    ['too far', ['a2'], ['a1'], { tooMany: 1, tooFew: 0 }],
    ['nowhere', [], ['x'], { tooMany: 0, tooFew: 1 }],
  ])('are %s', ([, inGermany, inItaly, counts], { expect }) => {
    const published = new Map([
      ['DE', new Set(inGermany)],
      ['IT', new Set(inItaly)],
    ]);
    expect(countPublished([TEST], WELL, published)).toEqual(counts);
  });
});

describe('the cast', () => {
  it('has everybody who is to be warned meet whom they are warned of, and nobody else warned', ({ expect }) => {
    const met = [...MORNING, ...AFTERNOON].flatMap(([one, other]) => [`${one} ${other}`, `${other} ${one}`]);
    const warned = CASES.flatMap((one) => one.warned.map((name) => `${name} ${one.positive}`));
    expect(new Set(warned).size).toBe(warned.length);
    expect(warned.filter((pair) => !met.includes(pair))).toEqual([]);
    // Of those who were near somebody that tested positive one alone hears nothing: who was positive refused.
    const ill = TESTS.map(({ who }) => who);
    const near = met.filter((pair) => ill.includes(pair.split(' ')[1] ?? ''));
    expect(near.filter((pair) => !warned.includes(pair))).toEqual(['Lia Kai']);
    const names = PEOPLE.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { positive, spared, warned: theirs } of CASES) {
      expect(theirs.filter((name) => name in spared)).toEqual([]);
      expect(names).toEqual(expect.arrayContaining([positive, ...theirs, ...Object.keys(spared)]));
    }
  });
});
