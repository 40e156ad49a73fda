/**
 * @module What an upload looks like before this deployment has seen enough of its own: the published profile
 * (docs/decoy-profile.md says where each number comes from; secrecy of it protects nobody). Levels are those that
 * Corona-Warn-App's apps send (corona-warn-app/cwa-app-android, TransmissionRiskVectorDeterminer; cwa-app-ios, SymptomsOnset:
 * the same vectors), for a part those that the server derives from the onset (domain/keys/risk.ts), as our own phone has it.
 */
import { riskLevelOfOnset } from './keys/risk.ts';
import { below, chance, weighted, type RandomBytes } from './random.ts';

/** Ages of a phone's keys in days: today and 14 days before (docs/spec/gaen.md §1). */
export const SHAPE_DAYS = 15;

/**
 * An upload without its keys: for each age in days, 0..14, the risk level that is published for that day, 3..8, or 0 where no
 * key is (none was sent, or its level is below the published minimum).
 */
export type Shape = Uint8Array;

/** An answer about symptoms: the value for the day of the upload in CWA's scale, `from`..`to` equally likely, and the levels. */
interface Answer {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
  /** What the apps send for ages 0..14, where it differs from the server's table. */
  readonly levels?: string;
}

export interface DecoyProfile {
  readonly answers: readonly Answer[];
  /** Of 100 uploads, those whose levels the apps set; the server derives the others'. */
  readonly appLevelsPercent: number;
  /** Of 100 uploads, those from a phone that has its full history; the others have 1..13 days, equally likely. */
  readonly fullHistoryPercent: number;
  /** Of 100 uploads, those that include the key of the running day. */
  readonly runningDayPercent: number;
  /** Of 100 days, those without a key: the phone was off. */
  readonly gapPercent: number;
  /** Of 100 uploads, those with any level on any day: so that no value is only ever a person's. */
  readonly anyLevelPercent: number;
  /** Of 100 people, those who share the key of the day of the test on the next day, as an upload of its own. */
  readonly nextDayPercent: number;
  /** Uploads a day, and their weights by hour of the day (UTC). */
  readonly perDay: number;
  readonly byHour: readonly number[];
}

export const DECOY_PROFILE: DecoyProfile = {
  answers: [
    { from: 0, to: 7, weight: 60 },
    { from: 701, to: 701, weight: 8, levels: '456777654321111' },
    { from: 708, to: 708, weight: 4, levels: '111123456677664' },
    { from: 715, to: 715, weight: 3, levels: '111111111112345' },
    { from: 2000, to: 2000, weight: 5 },
    { from: 3000, to: 3000, weight: 10 },
    { from: 4000, to: 4000, weight: 10 },
  ],
  appLevelsPercent: 75,
  fullHistoryPercent: 80,
  runningDayPercent: 50,
  gapPercent: 4,
  anyLevelPercent: 2,
  nextDayPercent: 5,
  perDay: 2,
  byHour: [2, 1, 1, 1, 1, 2, 4, 6, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7, 7, 6, 6, 5, 4, 3],
};

/** Levels below it are not published (domain/keys/risk.ts). */
const LOWEST = 3;
const LEVELS = 8;

/**
 * Draws the shape of one upload from a profile.
 *
 * @param random source of randomness
 * @param profile the published one, unless a test has another
 * @returns a shape with at least one key
 */
export function drawProfileShape(random: RandomBytes, profile: DecoyProfile = DECOY_PROFILE): Shape {
  for (;;) {
    const shape = history(random, profile, chance(random, profile.anyLevelPercent) ? null : answer(random, profile));
    if (shape.some((level) => level > 0)) return shape;
  }
}

/**
 * Draws the level of a running day's key: what is left of an upload on the next day, or shared then.
 *
 * @returns 3..8
 */
export function drawProfileRest(random: RandomBytes, profile: DecoyProfile = DECOY_PROFILE): number {
  for (;;) {
    const level = published(
      chance(random, profile.anyLevelPercent) ? 1 + below(random, LEVELS) : answer(random, profile)[0]!,
    );
    if (level > 0) return level;
  }
}

/** @returns the level of each age as the apps or the server set it, 1..8 */
function answer(random: RandomBytes, profile: DecoyProfile): number[] {
  const said =
    profile.answers[
      weighted(
        random,
        profile.answers.map(({ weight }) => weight),
      )
    ]!;
  const today = said.from + below(random, said.to - said.from + 1);
  const byApp = chance(random, profile.appLevelsPercent);
  if (byApp && said.levels !== undefined) return Array.from(said.levels, Number);
  return Array.from({ length: SHAPE_DAYS }, (_, age) => riskLevelOfOnset(today - age));
}

const published = (level: number): number => (level < LOWEST ? 0 : level);

function history(random: RandomBytes, profile: DecoyProfile, levels: readonly number[] | null): Shape {
  const shape = new Uint8Array(SHAPE_DAYS);
  const days = chance(random, profile.fullHistoryPercent) ? SHAPE_DAYS - 1 : 1 + below(random, SHAPE_DAYS - 2);
  const running = chance(random, profile.runningDayPercent);
  for (let age = running ? 0 : 1; age <= days; age++) {
    if (age > 0 && chance(random, profile.gapPercent)) continue;
    shape[age] = published(levels === null ? 1 + below(random, LEVELS) : levels[age]!);
  }
  return shape;
}
