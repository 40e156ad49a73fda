/**
 * @module Cover traffic before decision 026, the fault put there on purpose: feigned courses that always end in two uploads, real
 * ones that end with their result and have no follow-ups, retries that only real ones have, and a real course on top of those
 * that are feigned.
 */
import { type CoverSettings, drawSeconds, followUps, happens, nextPoll } from '../../../phone/course/course.ts';
import { endOfDayUpload } from '../../../phone/course/grace.ts';
import { type RandomBytes, randomBelow } from '../../../phone/random.ts';
import { retryDelay } from '../../../phone/timing/retry.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { DAYS, FIRST_DAY, type Kind, type Living, scanTime, seen, type World } from './phones.ts';

const MOST_POLLS = 12;
const SHARES_WITHIN_SECONDS = 6 * SECONDS_PER_HOUR;
/** What parameters/default.json said. */
const FORMER_PROBABILITY = 0.1;
const FORMER_FOLLOW_UPS = { followUpPlaybooks: 1, followUpDelaySeconds: { min: 0, max: SECONDS_PER_HOUR } };

/**
 * @param settings polling is taken from it
 * @param world how tests really go
 * @returns phones as they were
 */
export function former(settings: CoverSettings, world: World): Living {
  const withFollowUps = (times: readonly number[], random: RandomBytes): number[] =>
    times.flatMap((at) => {
      const traffic = { ...settings.coverTraffic, ...FORMER_FOLLOW_UPS };
      return [at, ...followUps({ action: 'poll', at }, traffic, random).map((step) => step.at)];
    });
  return (tested, random) => {
    // test-course.ts played no follow-ups, though cover-traffic.ts said that all did.
    const times = tested === null ? [] : formerTest(tested, world, settings, random);
    for (let day = -3; day < DAYS; day++) {
      if (!happens(FORMER_PROBABILITY, random)) continue;
      const start = FIRST_DAY + day * SECONDS_PER_DAY + randomBelow(random, SECONDS_PER_DAY);
      times.push(...withFollowUps(formerCover(start, settings, random), random));
    }
    return seen(times);
  };
}

function formerCover(start: number, { polling }: CoverSettings, random: RandomBytes): number[] {
  let polls = 1;
  while (polls < MOST_POLLS && randomBelow(random, 2) === 0) polls++;
  const times = [start];
  for (let at = start; polls > 0; polls--) times.push((at = nextPoll(at, polling, random)));
  const consent = (times.at(-1) ?? start) + randomBelow(random, SHARES_WITHIN_SECONDS);
  return [...times, consent, ...keyOfDay(consent, { polling }, random)];
}

function formerTest(kind: Kind, world: World, settings: CoverSettings, random: RandomBytes): number[] {
  const { polling, coverTraffic } = settings;
  const start = scanTime(world, random);
  const waits = kind === 'typed' ? 0 : drawSeconds(world.resultMinutes, random);
  const end = kind === 'pending' ? start + coverTraffic.courses.pollDays * SECONDS_PER_DAY : start + waits;
  const times = [start];
  for (let at = start; at < end;) times.push((at = nextPoll(at, polling, random)));
  if (kind === 'positive' || kind === 'typed') {
    const minutes = kind === 'typed' ? world.typedShareMinutes : world.shareMinutes;
    const consent = (times.at(-1) ?? start) + drawSeconds(minutes, random);
    times.push(consent, ...keyOfDay(consent, { polling }, random));
  }
  return times.flatMap((at) => {
    const isLost = happens(world.hiddenFailures, random);
    return isLost ? [at, at + retryDelay(1, random, polling.retry)] : [at];
  });
}

function keyOfDay(consent: number, { polling }: Pick<CoverSettings, 'polling'>, random: RandomBytes): number[] {
  const at = endOfDayUpload(consent, polling.windows, random);
  return at === null ? [] : [at];
}
