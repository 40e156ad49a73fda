/**
 * @module What a person reads of regions after a sync: a line for each thing that they can do something about, or should know.
 */
import { dateOf, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { describeDownloadError, type DownloadError } from '../download/download.ts';
import type { FeedPlan, Unreadable } from './feeds.ts';
import type { FeedOutcome, RegionsOutcome } from './sync.ts';
import type { Followed } from './visits.ts';

/** @returns failures: something of a region could not be had */
export function regionProblems({ feeds, plan, directory }: RegionsOutcome): string[] {
  const withoutDirectory = plan.feeds.length + plan.unreadable.length > 0 ? directory : null;
  return [
    ...(withoutDirectory === null
      ? []
      : [`the directory of regions tells nothing new: ${withoutDirectory}; what it said last holds for a while`]),
    ...plan.unreadable.filter(({ why }) => why !== 'not-listed' || directory === null).map(unreadableText),
    ...feeds.flatMap(feedText),
  ];
}

function unreadableText({ region, why }: Unreadable): string {
  switch (why) {
    case 'not-listed':
      return `${region}: not in the directory of regions, or not any more: nothing is read there; what was met there before still counts`;
    case 'format':
      return `${region}: publishes in no format that this phone reads; its own app is needed there`;
    case 'keys':
      return `${region}: the directory names no key to verify what it publishes with: nothing is read there`;
  }
}

function feedText({ region, errors, missingSince }: FeedOutcome): string[] {
  const texts = [...new Set(errors.map((error) => describeDownloadError(error)))];
  if (texts.length === 0 || missingSince === null) return [];
  const key = errors.some(isOfAnotherKey) ? '; the directory names another key for it' : '';
  const time = new Date(missingSince * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return [`${region}: ${texts.join('; ')}${key}; all was had at ${time} UTC, the rest is fetched once it can be`];
}

const isOfAnotherKey = (error: DownloadError): boolean =>
  error.kind === 'unknown-key' ||
  error.kind === 'bad-signature' ||
  error.kind === 'answer-signature' ||
  (error.kind === 'refused' && (error.error.kind === 'unknown-key' || error.error.kind === 'bad-signature'));

/** @returns what an owner should know although nothing failed */
export function regionAdvice({ followed, detection }: Pick<RegionsOutcome, 'followed' | 'detection'>): string[] {
  const unconfirmed = followed.flatMap(({ region, unconfirmed: day, until }) =>
    day === null
      ? []
      : [
          `${region}: taken for left on ${day}, and read until ${dateOf(until)}; if you are still there: phone region add`,
        ],
  );
  if (detection.kind !== 'waits') return unconfirmed;
  const hours = Math.ceil(detection.until / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  const time = new Date(hours * 1000).toISOString().slice(0, 16).replace('T', ' ');
  return [
    ...unconfirmed,
    `today's six looks are used: ${detection.files === 1 ? 'one file waits' : `${detection.files} files wait`} until ${time} UTC`,
  ];
}

/** @returns one line of a list of regions */
export function followedText({ region, kind, until, unconfirmed }: Followed, plan: FeedPlan | null): string {
  const how = plan?.withHome.includes(region) === true ? ', with the home region’s keys' : '';
  const left = unconfirmed === null ? '' : `, taken for left on ${unconfirmed}`;
  return `${region}  ${kind}, read until ${dateOf(until)}${how}${left}`;
}
