/**
 * @module Cover traffic: phones of people who were never tested play, at random, what a tested person's phone does:
 * register, poll, TAN and upload, and the next day's TAN and upload, in the same order and number (docs/spec/cwa.md
 * §1.3: CWA's last release had switched its own off). When and how often stands in the configuration
 * (protocol/parameters/operations.ts).
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { CoverTraffic, Polling } from '../../protocol/parameters/operations.ts';
import { endOfDayUpload, followUpConsent } from './grace.ts';
import { type Action, playDummy, type PlaybookPorts } from './playbook.ts';
import { type RandomBytes, randomBelow } from '../random.ts';
import { intoWindow, secondsToNextInterval } from '../timing/schedule.ts';

/** The part of the configuration that is followed. */
export interface CoverSettings {
  readonly coverTraffic: CoverTraffic;
  readonly polling: Polling;
}

/** One action, and when. */
export interface Step {
  readonly action: Action;
  /** Unix seconds. */
  readonly at: number;
}

/** Draws of a probability are out of a million. */
const MILLION = 1_000_000;
/**
 * Polls until a result is there: one goes with the registration; the rest is drawn so that half of all tests are known
 * at each further poll, as for a laboratory that reports through the day, up to a dozen.
 */
const MOST_POLLS = 12;
/** A person who learns of a positive result shares within so many seconds. */
const SHARES_WITHIN_SECONDS = 6 * 3600;

/**
 * Whether and when a phone begins a course on a UTC day, and all of what it then does.
 *
 * @param midnight first second of the UTC day, Unix seconds
 * @param settings see {@link CoverSettings}
 * @param random source of bytes; asked once a day
 * @returns the steps in order of time, none on most days
 */
export function coverOfDay(midnight: number, settings: CoverSettings, random: RandomBytes): Step[] {
  const { probabilityPerDay } = settings.coverTraffic;
  if (randomBelow(random, MILLION) >= Math.round(probabilityPerDay * MILLION)) return [];
  return course(midnight + randomBelow(random, SECONDS_PER_DAY), settings, random);
}

/**
 * A whole course from its registration on: what a real one plays, if its result comes after as many polls.
 *
 * @param start Unix seconds of the registration
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns register, polls, submit, and on the next UTC day submit again, as on each one after it that follow-up days ask
 *   for; each followed by as many repetitions of its playbook as configured
 */
export function course(start: number, settings: CoverSettings, random: RandomBytes): Step[] {
  const { polling } = settings;
  let at = intoWindow(start, polling.windows, random);
  const steps: Step[] = [{ action: 'register', at }];
  for (let polls = pollsOf(random); polls > 0; polls--) {
    at = nextPoll(at, polling, random);
    steps.push({ action: 'poll', at });
  }
  at = intoWindow(at + randomBelow(random, SHARES_WITHIN_SECONDS), polling.windows, random);
  steps.push({ action: 'submit', at });
  for (const consent of consents(at, settings, random)) {
    const upload = endOfDayUpload(consent, polling.windows, random);
    if (upload !== null) steps.push({ action: 'submit', at: upload });
  }
  return withFollowUps(steps, settings.coverTraffic, random);
}

/**
 * When a phone polls next, really or for cover: the rule of CWA's solution architecture, inside a window.
 *
 * @param now Unix seconds
 * @param polling from the configuration
 * @param random source of bytes
 * @returns Unix seconds, > now
 */
export function nextPoll(now: number, polling: Polling, random: RandomBytes): number {
  const { intervalSeconds, spreadSeconds } = polling.testResult;
  const wait = secondsToNextInterval(now, intervalSeconds) + randomBelow(random, spreadSeconds);
  return intoWindow(now + wait, polling.windows, random);
}

/** The first consent, and one on each follow-up day; only what is uploaded for them shows. */
function consents(first: number, { coverTraffic, polling }: CoverSettings, random: RandomBytes): number[] {
  const midnight = Math.floor(first / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const later = Array.from({ length: coverTraffic.followUpDays }, (_, i) =>
    followUpConsent(midnight + (i + 1) * SECONDS_PER_DAY, polling.windows, random),
  );
  return [first, ...later.filter((at) => at !== null)];
}

/**
 * Follow-ups: dummies after each action, whether it was real or not.
 *
 * @param steps actions in order of time
 * @param settings how many, and how long after
 * @param random source of bytes
 * @returns the steps with their follow-ups, in order of time
 */
export function withFollowUps(steps: readonly Step[], settings: CoverTraffic, random: RandomBytes): Step[] {
  const { followUpPlaybooks, followUpDelaySeconds } = settings;
  const { min, max } = followUpDelaySeconds;
  const all = steps.flatMap((step) => {
    const followUps = Array.from({ length: followUpPlaybooks }, () => ({
      action: step.action,
      at: step.at + min + randomBelow(random, max - min + 1),
    }));
    return [step, ...followUps];
  });
  return all.toSorted((a, b) => a.at - b.at);
}

/**
 * @param step of a course that is feigned, or a follow-up
 * @param ports where the dummies go
 */
export function playStep(step: Step, ports: PlaybookPorts): Promise<void> {
  return playDummy(step.action, ports);
}

function pollsOf(random: RandomBytes): number {
  let polls = 1;
  while (polls < MOST_POLLS && randomBelow(random, 2) === 0) polls++;
  return polls;
}
