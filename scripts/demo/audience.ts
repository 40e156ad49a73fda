/**
 * @module The phones that download: who of them met an infected person, who met only healthy ones, who nobody, and whose
 * sightings are an attacker's replays. Each downloads, verifies and matches with the reference phone, and is checked against
 * what was noted down.
 */
import { describeDownloadError } from '../../phone/download/download.ts';
import type { Match } from '../../phone/matching/match.ts';
import { type RandomBytes, randomBelow } from '../../phone/random.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { meet, type Person, someMoment } from './people.ts';
import type { PicturedPhone, Situation } from './picture.ts';
import { type Watcher, watcher } from './watcher.ts';

/** Phones that met at least one infected person; a third as many healthy ones, and a few that met nobody. */
const WITH_ENCOUNTER = 60;
const HEALTHY_ONLY = 40;
const NOBODY = 20;
/** Of those without an encounter, so many heard an infected person's broadcast replayed five hours later. */
const REPLAYED = 10;
const REPLAY_DELAY_SECONDS = 5 * 3600;
/** So many of the first meet somebody whose key proves forged first of all: one by each way of downloading. */
const MET_FORGED = 2;
/** The first phone and each third after it read CWA's tree, the others the manifest. */
const TREE_EVERY = 3;

/** Who downloads, and what each must find. */
export interface Audience {
  readonly byManifest: readonly Person[];
  readonly byTree: readonly Person[];
  /** Phone number → key data in hex of the published keys it met. */
  readonly expected: ReadonlyMap<number, ReadonlySet<string>>;
  /** Phone number → whom it was near. */
  readonly situations: ReadonlyMap<number, Situation>;
}

/** What all of them found together. */
export interface Findings {
  readonly expected: number;
  readonly found: number;
  readonly missed: number;
  readonly wrong: number;
  /** Phone number → what it met, for phones that met somebody. */
  readonly alarmed: ReadonlyMap<number, readonly Match[]>;
  /** All of them, with what they remember. */
  readonly watchers: readonly Watcher[];
  /** Each of them by itself, by number. */
  readonly phones: readonly PicturedPhone[];
}

/**
 * Lets people meet.
 *
 * @param people the first `infected` of them are infected
 * @param infected how many
 * @param forgers some of them, whose keys are all published
 * @param published key data in hex of keys that will be published
 * @param now Unix seconds
 * @param random source of bytes
 * @returns who downloads, and what they must find
 */
export function castAudience(
  people: readonly Person[],
  infected: number,
  forgers: readonly Person[],
  published: ReadonlySet<string>,
  now: number,
  random: RandomBytes,
): Audience {
  const healthy = people.slice(infected);
  const someone = (group: readonly Person[]): Person => group[randomBelow(random, group.length)] as Person;
  const sick = people.slice(0, infected);
  const watching = healthy.slice(0, WITH_ENCOUNTER + HEALTHY_ONLY + NOBODY);
  const others = healthy.slice(watching.length);
  const expected = new Map<number, Set<string>>();
  const situations = new Map<number, Situation>();
  for (const [at, person] of watching.entries()) {
    const met = new Set<string>();
    if (at < WITH_ENCOUNTER) {
      for (let times = 1 + randomBelow(random, 3); times > 0; times -= 1) {
        const sender = someone(at < MET_FORGED && met.size === 0 ? forgers : sick);
        const name = toHex(meet(person, sender, someMoment(random, now)).keyData);
        if (published.has(name)) met.add(name);
      }
    } else if (at < WITH_ENCOUNTER + REPLAYED) {
      meet(person, someone(sick), someMoment(random, now), REPLAY_DELAY_SECONDS);
    }
    if (at < WITH_ENCOUNTER + HEALTHY_ONLY) meet(person, someone(others), someMoment(random, now));
    expected.set(person.number, met);
    situations.set(person.number, situationOf(at, met.size));
  }
  return {
    byManifest: watching.filter((_, at) => at % TREE_EVERY !== 0),
    byTree: watching.filter((_, at) => at % TREE_EVERY === 0),
    expected,
    situations,
  };
}

/** @param at place in the audience, which decides whom it meets @param published keys it met that will be published */
function situationOf(at: number, published: number): Situation {
  if (at < WITH_ENCOUNTER) return published > 0 ? 'published' : 'left-out';
  if (at < WITH_ENCOUNTER + REPLAYED) return 'replay';
  return at < WITH_ENCOUNTER + HEALTHY_ONLY ? 'healthy' : 'nobody';
}

/**
 * Downloads and matches, phone after phone, and compares with what each must find.
 *
 * @param edge a running edge
 * @param audience who, and what they must find
 * @param now Unix seconds on their clocks
 * @param problems gets what went wrong
 * @returns the sums
 */
export async function watch(edge: LocalEdge, audience: Audience, now: number, problems: string[]): Promise<Findings> {
  const sums = { expected: 0, found: 0, missed: 0, wrong: 0 };
  const alarmed = new Map<number, readonly Match[]>();
  const phones: PicturedPhone[] = [];
  const watchers = [
    ...audience.byManifest.map((person) => watcher(edge, person, 'manifest')),
    ...audience.byTree.map((person) => watcher(edge, person, 'tree')),
  ];
  for (const { person, received, sync, tell } of watchers) {
    const outcome = await sync(now);
    for (const error of outcome.errors) problems.push(`phone ${person.number}: ${describeDownloadError(error)}`);
    if (received.length === 0) problems.push(`phone ${person.number} downloaded no key`);
    const { matches } = tell(now);
    if (matches.length > 0) alarmed.set(person.number, matches);
    const found = new Set(matches.map(({ key }) => toHex(key.keyData)));
    const expected = audience.expected.get(person.number) ?? new Set();
    const right = [...found].filter((name) => expected.has(name)).length;
    const wrong = found.size - right;
    sums.expected += expected.size;
    sums.found += right;
    sums.missed += expected.size - right;
    sums.wrong += wrong;
    const situation = audience.situations.get(person.number) ?? 'nobody';
    phones.push({ number: person.number, situation, expected: expected.size, found: right, wrong, after: 'same' });
  }
  if (sums.expected === 0) problems.push('no phone was to find anything: the demo shows nothing');
  if (sums.missed > 0) problems.push(`${sums.missed} encounters were missed`);
  if (sums.wrong > 0) problems.push(`${sums.wrong} encounters were found that never happened`);
  return { ...sums, alarmed, watchers, phones: phones.toSorted((a, b) => a.number - b.number) };
}
