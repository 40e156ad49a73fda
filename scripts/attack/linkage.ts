/**
 * @module How much of one person's keys can be strung together from day to day, in the smallest chunks: a solver that knows how
 * levels follow each other, as anybody can, assigns the keys of each day to those of the day before so that the whole is as
 * likely as can be. Printed with the lever that lowers it: how many uploads a chunk needs (MIN_UPLOADS).
 */
import { linearSumAssignment } from 'linear-sum-assignment';
import { publishedForm, releaseHour } from '../../domain/embargo.ts';
import { publishableKeys } from '../../domain/keys/validate.ts';
import { below } from '../../domain/random.ts';
import { hourStart } from '../../protocol/gaen/intervals.ts';
import type { Attack, Verdict } from './attack.ts';
import { POPULATIONS, type RawUpload } from './decoys/populations.ts';
import { Seeded } from '../support/seeded.ts';

/** Noon: whatever ended with yesterday is out. */
const HOUR = 494_892;
const TODAY = Math.floor(HOUR / 24);
const LEARNED_UPLOADS = 20_000;
const CHUNKS = 40;
/** Stands for what never happens. */
const IMPOSSIBLE = -1e6;
const ROTATION = 144;

/** What is published of a key, but for its bytes. */
interface Seen {
  readonly day: number;
  /** All that the file says of it beside the day. */
  readonly says: string;
  readonly person: number;
}

/** Uploads as one kind of file shows them. */
type Files = (upload: RawUpload, person: number, random: Seeded) => Seen[];

/** Our files, and Corona-Warn-App's: the level, by whole days. */
const levels: Files = (upload, person) =>
  publishableKeys(upload.keys, hourStart(HOUR))
    .keys.filter((key) => releaseHour(key) <= HOUR)
    .map((key) => ({
      day: publishedForm(key).rollingStartIntervalNumber / ROTATION,
      says: String(key.transmissionRiskLevel),
      person,
    }));

/** Files of Google's server: days since onset as they are, no level left out; of people who named the day. */
const onsets: Files = (upload, person) =>
  upload.keys.flatMap((key) => {
    const onset = key.daysSinceOnsetOfSymptoms ?? 0;
    if (releaseHour(key) > HOUR || Math.abs(onset) > 14) return [];
    return [{ day: Math.floor(key.rollingStartIntervalNumber / ROTATION), says: String(onset), person }];
  });

/** The fault put there on purpose: a phone's own offset from midnight is published with each of its keys. */
const offsets: Files = (upload, person, random) => {
  const offset = below(random.bytes, ROTATION);
  return levels(upload, person, random).map((key) => ({ ...key, says: `${key.says} from ${offset}` }));
};

const ANDROID = POPULATIONS.find(({ name }) => name === 'CWA Android')!;
const drawUpload = ({ bytes }: Seeded): RawUpload => ANDROID.person(bytes, HOUR)[0]!;

/** How often one thing is said of a day and another of the day before; `none` for no key. */
class Habits {
  readonly #pairs = new Map<string, number>();

  constructor(files: Files, random: Seeded) {
    for (let n = 0; n < LEARNED_UPLOADS; n++) {
      const byDay = new Map(files(drawUpload(random), 0, random).map(({ day, says }) => [day, says]));
      for (let day = TODAY; day > TODAY - 15; day--) {
        const pair = this.#name(day, byDay.get(day) ?? null, byDay.get(day - 1) ?? null);
        this.#pairs.set(pair, (this.#pairs.get(pair) ?? 0) + 1);
      }
    }
  }

  /** @returns log of how likely it is, a little for what was never seen */
  of(day: number, says: string | null, before: string | null): number {
    return Math.log(((this.#pairs.get(this.#name(day, says, before)) ?? 0) + 0.01) / LEARNED_UPLOADS);
  }

  /** An offset is learned of nobody: two that differ are two phones'. */
  #name(day: number, says: string | null, before: string | null): string {
    const [a = 'none', offsetA] = (says ?? 'none').split(' from ');
    const [b = 'none', offsetB] = (before ?? 'none').split(' from ');
    const apart = offsetA !== undefined && offsetB !== undefined && offsetA !== offsetB;
    return apart ? 'never' : `${day} ${a} ${b}`;
  }
}

interface Found {
  readonly neighbours: number;
  readonly right: number;
  /** Right, and the only pair that could be: both have one candidate alone. */
  readonly certain: number;
}

/** Assigns each day of a chunk to the day before. */
function solve(keys: readonly Seen[], habits: Habits): Found {
  let [neighbours, right, certain] = [0, 0, 0];
  for (let day = TODAY; day > TODAY - 15; day--) {
    const rows = keys.filter((key) => key.day === day);
    const columns = keys.filter((key) => key.day === day - 1);
    neighbours += rows.filter(({ person }) => columns.some((column) => column.person === person)).length;
    if (rows.length === 0 || columns.length === 0) continue;
    const size = rows.length + columns.length;
    const link = rows.map((row) => columns.map((column) => habits.of(day, row.says, column.says)));
    const matrix = Array.from({ length: size }, (_row, r) =>
      Array.from({ length: size }, (_column, c) => {
        const [row, column] = [rows[r], columns[c]];
        if (row !== undefined && column !== undefined) return link[r]![c]!;
        if (row !== undefined) return c - columns.length === r ? habits.of(day, row.says, null) : IMPOSSIBLE;
        if (column !== undefined) return r - rows.length === c ? habits.of(day, null, column.says) : IMPOSSIBLE;
        return 0;
      }),
    );
    const { rowAssignments } = linearSumAssignment(matrix, { maximaze: true });
    const possible = link.map((row) => row.map((value) => value > habits.of(day, 'never', 'never') + 1));
    for (const [r, row] of rows.entries()) {
      const c = rowAssignments[r]!;
      if (columns[c]?.person !== row.person) continue;
      right += 1;
      const alone = possible[r]!.filter(Boolean).length === 1 && possible.filter((others) => others[c]).length === 1;
      if (alone && possible[r]![c]!) certain += 1;
    }
  }
  return { neighbours, right, certain };
}

/** @returns what is found in many chunks of so many uploads */
function chunksOf(files: Files, habits: Habits, uploads: number, random: Seeded, chunks: number): Found {
  let sum: Found = { neighbours: 0, right: 0, certain: 0 };
  for (let n = 0; n < chunks; n++) {
    const keys: Seen[] = [];
    for (let one = 0; one < uploads;) {
      const seen = files(drawUpload(random), one, random);
      if (seen.length === 0) continue;
      keys.push(...seen);
      one += 1;
    }
    // No order of the file helps: equal keys are in any order.
    const shuffled = keys.map((key) => ({ key, at: random.unit() })).toSorted((a, b) => a.at - b.at);
    const found = solve(
      shuffled.map(({ key }) => key),
      habits,
    );
    sum = {
      neighbours: sum.neighbours + found.neighbours,
      right: sum.right + found.right,
      certain: sum.certain + found.certain,
    };
  }
  return sum;
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`;

/**
 * @param options.chunks of each size
 * @returns a verdict a size for our files, then for such as would give away more
 */
export function linkage(
  seed: number,
  { chunks, progress }: { readonly chunks: number; readonly progress: (text: string) => void },
): Verdict[] {
  const verdicts: Verdict[] = [];
  const habits = new Map([levels, onsets, offsets].map((files) => [files, new Habits(files, new Seeded(seed))]));
  const judge = (what: string, files: Files, uploads: number, bound: number, atLeast: boolean): void => {
    progress(`${what}, ${uploads} uploads`);
    const found = chunksOf(
      files,
      habits.get(files)!,
      uploads,
      new Seeded(seed),
      Math.max(2, Math.round((chunks * 20) / (10 + uploads))),
    );
    const share = found.right / found.neighbours;
    verdicts.push({
      what: `${what}: day-to-day neighbours found among ${uploads} uploads`,
      figure: `${percent(found.right, found.neighbours)}, ${percent(found.certain, found.neighbours)} for certain`,
      bound: `${atLeast ? '≥' : '≤'} ${percent(bound, 1)}`,
      holds: atLeast ? share >= bound : share <= bound,
    });
  };
  judge('chunks as published, the smallest', levels, 10, 0.5, false);
  judge('chunks as published, padded or MIN_UPLOADS = 22', levels, 22, 0.3, false);
  judge('the lever, MIN_UPLOADS = 50', levels, 50, 0.15, false);
  judge('the lever, MIN_UPLOADS = 100', levels, 100, 0.1, false);
  judge('days since onset in the file would give away more', onsets, 10, 0.55, true);
  judge('days since onset in the file would give away more', onsets, 22, 0.35, true);
  judge('fault put there on purpose: starts as the phones have them', offsets, 10, 0.9, true);
  return verdicts;
}

export const attack: Attack = {
  name: 'linkage',
  summary: 'strings one person’s keys together from day to day, in the smallest chunks',
  run: async ({ seed, progress }) => linkage(seed, { chunks: CHUNKS, progress }),
};
