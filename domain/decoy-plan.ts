/**
 * @module Which decoys a padded set needs: as of which hour each would have come, and whether it is a whole upload or only what
 * an upload of the day before has left (docs/decoy-profile.md). Whole ones come as of the hours in which the real uploads
 * came that wait. How many rests there are follows from what is usual for these hours, not from what waits: else a set
 * without a fresh upload would show it.
 */
import { hourOfDay } from '../protocol/gaen/intervals.ts';
import { weighted, type RandomBytes } from './random.ts';
import { REST_HOUR, hourlyRates, keysOfWhole, type HourlyRates, type Received } from './received.ts';

/** One decoy to draw. */
export interface PlannedDecoy {
  /** The hour in which it would have come (hours since the Unix epoch). */
  readonly asOf: number;
  /** True: only the key of the day before `asOf`. */
  readonly rest: boolean;
  /** True: a key of the running day must be among its keys. */
  readonly leavesRest: boolean;
  /** True: all its keys are out with the set, which is among a deployment's last. Left out: some may wait for later ones. */
  readonly isLast?: boolean;
}

export interface SetToFill {
  /** Release hour of the key that waits longest (hours since the Unix epoch). */
  readonly first: number;
  /** The hour that is sealed. */
  readonly hour: number;
  /** Real uploads that wait, by the hour they came in; hours without one may be left out. */
  readonly uploads: ReadonlyMap<number, number>;
  /** Decoys' keys that wait: all are rests, the other keys of those decoys are out. */
  readonly decoyRests: number;
  /** Keys that are missing. */
  readonly missing: number;
  /** See {@link PlannedDecoy}; of each of them. */
  readonly isLast?: boolean;
}

/** Fine enough for a share; `weighted` takes whole numbers. */
const PARTS = 1_000_000;

/**
 * @param received what is usual here
 * @returns a source of decoys to draw, for one set
 */
export function planDecoys(received: Received, set: SetToFill): (random: RandomBytes) => PlannedDecoy {
  const hours = Array.from({ length: set.hour - set.first + 1 }, (_, n) => set.first + n);
  const rates = hourlyRates(received, Math.floor(set.hour / 24));
  const expected = hours.map((hour) => expectedOf(rates[hourOfDay(hour)]!, hour, hour === set.first));
  const share = restShare(expected, received, set);
  const waiting = hours.map((hour) => set.uploads.get(hour) ?? 0);
  // Where no upload waits, only rests (or decoys' own), whole decoys come when uploads usually do.
  const usual = parts(expected.map(({ whole }) => whole));
  // At night there may be hours in which nobody ever came: then each is as good.
  const possible = usual.some((part) => part > 0) ? usual : hours.map(() => 1);
  const wholeHours = waiting.some((uploads) => uploads > 0) ? waiting : possible;
  const restHours = parts(expected.map(({ rest }) => rest));
  return (random) => {
    const rest = weighted(random, [PARTS - share, share]) === 1;
    return {
      asOf: hours[weighted(random, rest ? restHours : wholeHours)]!,
      rest,
      leavesRest: false,
      isLast: set.isLast === true,
    };
  };
}

/**
 * What is to be expected of an hour. The first one has something, or the set would begin later: with few uploads a day that
 * is one, of the kind that is usual then. Not so at 01, where what waits may be what decoys have left.
 */
function expectedOf({ whole, rest }: HourlyRates, hour: number, first: boolean): HourlyRates {
  if (!first || hourOfDay(hour) === REST_HOUR) return { whole, rest };
  const both = whole + rest;
  if (both === 0) return { whole: 1, rest: 0 };
  const atLeastOne = 1 - Math.exp(-both);
  return { whole: whole / atLeastOne, rest: rest / atLeastOne };
}

/** @returns how many of {@link PARTS} decoys are rests, so that rests have the share among decoys' keys that is usual */
function restShare(expected: readonly HourlyRates[], received: Received, { decoyRests, missing }: SetToFill): number {
  const keys = keysOfWhole(received);
  const rests = expected.reduce((sum, { rest }) => sum + rest, 0);
  const wholeKeys = expected.reduce((sum, { whole }) => sum + whole, 0) * keys;
  if (rests === 0 || missing <= 0) return 0;
  const wanted = (rests / (rests + wholeKeys)) * (decoyRests + missing);
  const toDraw = Math.min(missing, Math.max(0, wanted - decoyRests));
  return Math.round((PARTS * toDraw) / (toDraw + (missing - toDraw) / keys));
}

const parts = (numbers: readonly number[]): number[] => numbers.map((number) => Math.round(number * PARTS));
