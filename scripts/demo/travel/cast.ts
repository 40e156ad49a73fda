/**
 * @module The people of the travel story: where they live and were, whom they met, who tests positive and where, and, written down here and not worked out by anything that is tried, who is to be warned of whom and who must not be
 * (arXiv:2006.13087 §4; docs/roaming.md has the same regions).
 */

/** DE and NL are one cluster, IT is one of its own. */
export const REGIONS = [
  { id: 'DE', cluster: 'north' },
  { id: 'NL', cluster: 'north' },
  { id: 'IT', cluster: 'south' },
] as const;

type Region = (typeof REGIONS)[number]['id'];

/** Somebody with a phone. */
export interface Person {
  readonly name: string;
  readonly home: Region;
  /** Where they were, on the first day. */
  readonly trips: readonly Region[];
  /** When they say so: before they leave; or only when they are back and others have been warned. */
  readonly says: 'before' | 'afterwards';
  /** Has the app since the last morning alone: what it asks is what all ask who begin then. */
  readonly isNew: boolean;
}

const stays = (name: string, home: Region): Person => ({
  name,
  home,
  trips: [],
  says: 'before',
  isNew: false,
});
const travels = (name: string, home: Region, ...trips: Region[]): Person => ({ ...stays(name, home), trips });

export const PEOPLE: readonly Person[] = [
  travels('Bob', 'DE', 'IT'),
  travels('Hugo', 'DE', 'IT'),
  travels('Bea', 'DE', 'IT'),
  { ...travels('Otto', 'DE', 'IT'), says: 'afterwards' },
  stays('Ivo', 'DE'),
  stays('Dirk', 'DE'),
  travels('Carol', 'NL', 'IT'),
  travels('Kai', 'NL', 'IT'),
  travels('Noor', 'NL', 'IT'),
  travels('Jan', 'NL', 'IT'),
  stays('Mia', 'NL'),
  stays('Alice', 'IT'),
  stays('Dora', 'IT'),
  stays('Elio', 'IT'),
  stays('Lia', 'IT'),
  stays('Alma', 'IT'),
  { ...stays('Nina', 'IT'), isNew: true },
  travels('Fabio', 'IT', 'DE', 'NL'),
];

/** Twenty minutes near each other. */
type Encounter = readonly [one: string, other: string];

/** On the morning of the first day, before anybody has left for Italy. */
export const MORNING: readonly Encounter[] = [
  ['Hugo', 'Ivo'],
  ['Bob', 'Dirk'],
  ['Carol', 'Fabio'],
  ['Kai', 'Mia'],
];

/** In Italy, in the afternoon. */
export const AFTERNOON: readonly Encounter[] = [
  ['Alice', 'Bob'],
  ['Alice', 'Otto'],
  ['Carol', 'Bob'],
  ['Carol', 'Dora'],
  ['Bea', 'Elio'],
  ['Kai', 'Lia'],
  ['Kai', 'Noor'],
  ['Hugo', 'Alma'],
  ['Hugo', 'Jan'],
];

/** A positive test on the second day. */
export interface Test {
  readonly who: string;
  /** Whose laboratory; another region's than their own: by a credential. */
  readonly where: Region;
  /** Whether their keys may go to other regions. */
  readonly consents: boolean;
  /** Regions whose phones are given their keys, in the order of {@link REGIONS}. */
  readonly published: readonly Region[];
}

export const TESTS: readonly Test[] = [
  { who: 'Alice', where: 'IT', consents: false, published: ['IT'] },
  { who: 'Carol', where: 'NL', consents: true, published: ['DE', 'NL', 'IT'] },
  { who: 'Kai', where: 'NL', consents: false, published: ['NL'] },
  { who: 'Hugo', where: 'IT', consents: true, published: ['DE', 'NL', 'IT'] },
];

/** One requirement, and one person who tests positive. */
export interface Case {
  readonly story: string;
  readonly positive: string;
  readonly warned: readonly string[];
  /** Who must hear nothing of this person, and why. */
  readonly spared: Readonly<Record<string, string>>;
}

const HEALTHY = { Bea: 'there too, met a healthy local', Elio: 'met a healthy traveller' };
const SECOND_HAND = { Dirk: 'met somebody who was warned' };

export const CASES: readonly Case[] = [
  { story: 'F1: a local hears of a traveller', positive: 'Carol', warned: ['Dora'], spared: HEALTHY },
  {
    story: 'F2: a traveller hears of a local',
    positive: 'Alice',
    warned: ['Bob'],
    spared: { ...HEALTHY, ...SECOND_HAND },
  },
  {
    story: 'F2: who was in two regions, too',
    positive: 'Carol',
    warned: ['Fabio'],
    spared: { Mia: 'a local of the same region, met another' },
  },
  { story: 'F2: who says it afterwards, then', positive: 'Alice', warned: ['Otto'], spared: HEALTHY },
  {
    story: 'F3: a traveller hears of a traveller',
    positive: 'Carol',
    warned: ['Bob'],
    spared: { ...HEALTHY, ...SECOND_HAND, Jan: 'a traveller, met another' },
  },
  { story: 'F4: tested abroad; at home', positive: 'Hugo', warned: ['Ivo'], spared: SECOND_HAND },
  { story: 'F4: tested abroad; where he was', positive: 'Hugo', warned: ['Alma', 'Jan'], spared: HEALTHY },
  {
    story: 'no consent: at home alone',
    positive: 'Kai',
    warned: ['Mia', 'Noor'],
    spared: { Lia: 'a local where he was: his keys stay at home', ...HEALTHY },
  },
];
