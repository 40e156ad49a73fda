/**
 * @module The story of people who travel (arXiv:2006.13087 §4): three backends, each by the policy that wrangler.toml ships; eighteen phones, most of which meet at home and in Italy, of whose owners four test positive on the next day. Hours
 * pass, backends read one another, phones look every four hours. In the end it is counted who was warned of whom, and what every backend saw (count.ts).
 */
import { readFileSync } from 'node:fs';
import type { Federation } from '../../federation/federation.ts';
import { directoryFiles } from '../../federation/plan.ts';
import { parsePolicy } from '../../../protocol/directory/policy.ts';
import { rememberingOpen } from '../../../protocol/directory/statement.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { inParallel } from '../../support/in-parallel.ts';
import { moveClock } from '../../support/operator.ts';
import { publicFiles } from '../federation/look.ts';
import type { Progress, Row } from '../report.ts';
import { AFTERNOON, CASES, MORNING, PEOPLE, TESTS } from './cast.ts';
import { countActs, countCase, countPublished, countRequests, falseWarnings, type PhoneEnd } from './count.ts';
import { TravelPhone, type World } from './phone.ts';
import { type CaseRow, phoneRows, type PhoneRow, span } from './table.ts';

/** Padded answers of upload and verification take their time, which nobody measures here. */
export const STORY_VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
} as const;

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Until the next morning at 8:01: so long that whatever is on its way has come. */
const HOURS = 23;
/** Six a day, as often as platforms let a phone look. */
const LOOK_HOURS = 4;
/** On the first day at 15:00 and on the second at 8:01 and 9:20, after the midnight before the story begins. */
const [IN_ITALY, MORNING_AFTER, TESTED] = [15 * HOUR, DAY + 8 * HOUR + 60, DAY + 9 * HOUR + 20 * 60];
/** Before the last look: Otto says where he was, and Nina has the app. */
const AFTERWARDS = 2 * DAY + 8 * HOUR;
const WIDTH = 4;
/** Requirements of arXiv:2006.13087 §4, by which the cases are named. */
const STORIES = ['F1', 'F2', 'F3', 'F4'] as const;

/** What the story ends with. */
interface Ending {
  readonly rows: readonly Row[];
  readonly problems: readonly string[];
  readonly cases: readonly CaseRow[];
  readonly phones: readonly PhoneRow[];
}

/** @throws Error when the policy is none */
function worldOf({ members, plan }: Federation, start: number, random: RandomBytes): World {
  const policy = parsePolicy(readFileSync(directoryFiles(plan.dir).policy, 'utf8'));
  if (!policy.ok) throw new Error(policy.error);
  const open = rememberingOpen(policy.value.roots);
  return { now: start, random, backends: members, policy: policy.value, open, seen: [] };
}

/**
 * Plays the story.
 *
 * @param federation of `REGIONS`, its clocks at `start`
 * @param start Unix seconds, in the morning
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the tables, and what is wrong
 */
export async function playTravel(
  federation: Federation,
  start: number,
  random: RandomBytes,
  progress: Progress,
): Promise<Ending> {
  const { members } = federation;
  const world = worldOf(federation, start, random);
  const phones = new Map(PEOPLE.map((person) => [person.name, new TravelPhone(person, world)]));
  const all = [...phones.values()];
  const phoneOf = (name: string): TravelPhone => {
    const phone = phones.get(name);
    if (phone === undefined) throw new Error(`${name} is nobody of the cast`);
    return phone;
  };
  const problems: string[] = [];
  const midnight = start - (start % DAY);
  /** Backends seal what is due, and their crons run. */
  const goTo = async (at: number): Promise<void> => {
    world.now = at;
    await Promise.all(members.map(({ url }) => moveClock(url, at)));
    await Promise.all(members.map(({ process }) => process.round()));
  };
  const isLast = (): boolean => world.now > midnight + AFTERWARDS;
  const allLook = async (): Promise<void> => {
    const texts = await inParallel(
      all.filter(({ person }) => !person.isNew || isLast()).map((phone) => () => phone.looks()),
      WIDTH,
    );
    problems.push(...texts.flat());
  };
  const nobodyIsWarned = (when: string): void => {
    for (const { person, isWarned } of all) if (isWarned) problems.push(`${person.name} was warned ${when}`);
  };

  progress('people meet at home; those who travel say where, once a trip, and meet in Italy');
  await goTo(start);
  for (const phone of all) if (phone.person.says === 'before') await phone.saysWhere(start, start + DAY);
  for (const [one, other] of MORNING) phoneOf(one).meets(phoneOf(other));
  world.now = midnight + IN_ITALY;
  for (const [one, other] of AFTERNOON) phoneOf(one).meets(phoneOf(other));
  progress('the next morning all phones look: nobody is ill yet');
  await goTo(midnight + MORNING_AFTER);
  await allLook();
  nobodyIsWarned('before anybody was ill');

  progress('four test positive, one of them on a journey: Italy gives his phone a credential, Germany takes it');
  await goTo(midnight + TESTED);
  for (const { who, where, consents } of TESTS) await phoneOf(who).testsPositive(where, consents);
  progress(`a day passes: backends seal, read one another and seal again; phones look every ${LOOK_HOURS} hours`);
  const first = midnight + TESTED;
  const hours = Array.from({ length: HOURS }, (_, at) => first - (first % HOUR) + (at + 1) * HOUR + 60);
  for (const now of hours) {
    await goTo(now);
    if (Math.floor(now / HOUR) % LOOK_HOURS !== 0) continue;
    if (isLast()) {
      for (const phone of all) if (phone.person.says === 'afterwards') await phone.saysWhere(start, start);
    }
    await allLook();
  }

  progress('all that phones found and backends saw is counted');
  const published = new Map<string, Set<string>>();
  for (const member of members) {
    const keys = (await publicFiles(member)).flatMap((file) => file.keys.map(({ keyData }) => toHex(keyData)));
    published.set(member.plan.id, new Set(keys));
  }
  const desks = (await Promise.all(members.map(({ process }) => process.peers()))).flat();
  for (const { config, fault } of desks) if (fault !== null) problems.push(`${config.RegionID}: ${fault}`);
  const ends = all.map((phone) => phone.end());
  return { ...judge(ends, world, published, midnight + TESTED, problems), phones: phoneRows(ends, world.seen) };
}

/** What became of everybody. @param testedAt Unix seconds */
function judge(
  ends: readonly PhoneEnd[],
  { seen }: World,
  published: ReadonlyMap<string, ReadonlySet<string>>,
  testedAt: number,
  problems: readonly string[],
): Omit<Ending, 'phones'> {
  const cases = CASES.map((one) => ({ ...one, ...countCase(one, ends, testedAt) }));
  const sum = (name: 'found' | 'missed' | 'wrong'): number => cases.reduce((all, one) => all + one[name], 0);
  const falseOnes = falseWarnings(CASES, ends);
  const { strayed, naming, alone, toldAtHome, toldAbroad } = countRequests(seen, ends);
  const acts = countActs(ends);
  const { tooMany, tooFew } = countPublished(TESTS, ends, published);
  const late = new Set(PEOPLE.filter(({ says }) => says === 'afterwards').map(({ name }) => name));
  const hoursOf = (isWanted: (story: string, isLate: boolean) => boolean): number[] =>
    cases
      .filter(({ story, warned }) =>
        isWanted(
          story,
          warned.some((name) => late.has(name)),
        ),
      )
      .flatMap(({ hours }) => hours);
  const wrong: string[] = [];
  const check = (is: boolean, text: string): void => void (is && wrong.push(text));
  check(sum('missed') > 0, `${sum('missed')} encounters were missed`);
  check(
    falseOnes + sum('wrong') > 0,
    `${falseOnes} warnings are false, ${sum('wrong')} of them of who must not be warned`,
  );
  check(strayed > 0, `${strayed} requests went where their owner said nothing of`);
  check(naming > 0, `${naming} requests name another region`);
  check(alone > 0, `${alone} requests were made by a single phone`);
  check(toldAtHome > 0, `of ${toldAtHome} phones their home can tell that they travel, by what they read`);
  check(acts.aTrip > 1, `a trip takes ${acts.aTrip} interactions`);
  check(
    tooMany + tooFew > 0,
    `keys: ${tooMany} times in a region that must not have them, ${tooFew} times not where they must be`,
  );
  const rows: Row[] = [
    { name: 'people', label: 'people, each with a phone', value: ends.length },
    { name: 'requests', label: 'requests of phones, at three backends', value: seen.length },
    { name: 'found', label: 'encounters found', value: sum('found') },
    { name: 'missed', label: 'missed', value: sum('missed') },
    { name: 'false', label: 'false', value: falseOnes },
    ...STORIES.map((name) => ({
      name: `${name.toLowerCase()}Hours`,
      label: `${name}: hours from test to warning`,
      value: span(hoursOf((story, isLate) => story.startsWith(name) && !isLate)),
    })),
    {
      name: 'lateHours',
      label: 'F2, said afterwards: hours from the word to the warning',
      value: span(hoursOf((_, isLate) => isLate)),
    },
    { name: 'interactions', label: 'interactions a trip', value: acts.aTrip },
    { name: 'moreAbroad', label: 'more of them for a test abroad than for one at home', value: acts.moreAbroad },
    { name: 'strayed', label: 'requests where nobody said they were', value: strayed },
    { name: 'naming', label: 'requests that name another region', value: naming },
    { name: 'alone', label: 'different requests that a single phone made', value: alone },
    { name: 'toldAtHome', label: 'travellers whom their home can tell, by what they read', value: toldAtHome },
    { name: 'toldAbroad', label: 'visits that a region can tell from its own people’s reading', value: toldAbroad },
    { name: 'keysTooFar', label: 'regions with keys that they must not have', value: tooMany },
    { name: 'keysMissing', label: 'regions without keys that they must have', value: tooFew },
  ];
  return { rows, problems: [...problems, ...wrong], cases };
}
