/**
 * @module The schedules that `npm run attack -- cover` tried, with what each tells (decision 026): read from its results
 * (benchmarks/results/attack-cover.md), so that privacy stands beside cost and no figure is typed twice. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CoverSettings } from '../../phone/course/course.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';

/** One schedule, and what an observer of times makes of it. */
export interface Attacked {
  readonly name: string;
  readonly parameters: Parameters;
  /** Of the kind of test that is told best: upper end of the 95 % of the area under the curve. 0.5: nothing is told. */
  readonly worstAuc: number;
  /** Share of those who look tested, at one false alarm in a hundred, that is. */
  readonly posterior: number;
  /** Share of all phones that has had a test in sixty days. */
  readonly baseRate: number;
}

/** Name of the row of the default document. */
const DEFAULT_NAME = 'parameters/default.json';
const ROW =
  /^\| (?<name>[^|]+) \| AUC (?<areas>[^|;]+);[^|]*; posterior (?<posterior>\d+) %, base rate (?<base>\d+) % \|/gm;
const SCHEDULE =
  /^a course on (?<probability>[\d.]+) of days, polls every (?<hours>\d+) h(?<courses>(?:, \w+ [\d.]+)*)$/;

/**
 * @param results text of benchmarks/results/attack-cover.md
 * @param defaults the document that was attacked under the name of the default
 * @returns the schedules that a document can say, in the order of the file
 * @throws Error when the file has none: it was written otherwise
 */
export function attackedSchedules(results: string, defaults: Parameters): Attacked[] {
  const attacked = [...results.matchAll(ROW)].flatMap(({ groups = {} }): Attacked[] => {
    const { name = '', areas = '', posterior, base } = groups;
    const parameters = documentOf(name, defaults);
    if (parameters === null) return [];
    const ends = [...areas.matchAll(/ to ([\d.]+)\)/g)].map(([, end]) => Number(end));
    const shares = { posterior: Number(posterior) / 100, baseRate: Number(base) / 100 };
    return [{ name, parameters, worstAuc: Math.max(...ends), ...shares }];
  });
  if (attacked.length === 0) throw new Error('capacity: attack-cover.md has no schedule; npm run attack -- cover');
  return attacked;
}

/** As `npm run attack -- cover` makes its schedules from the default, and names them. */
function documentOf(name: string, defaults: Parameters): Parameters | null {
  if (name === DEFAULT_NAME) return defaults;
  const { probability, hours, courses = '' } = SCHEDULE.exec(name)?.groups ?? {};
  if (probability === undefined) return null;
  const shares = courses.split(', ').flatMap((part) => (part === '' ? [] : [part.split(' ')]));
  const changed = Object.fromEntries(shares.map(([field = '', value]) => [field, Number(value)]));
  const intervalSeconds = Number(hours) * SECONDS_PER_HOUR;
  const { coverTraffic, polling } = defaults;
  return {
    ...defaults,
    coverTraffic: {
      ...coverTraffic,
      probabilityPerDay: Number(probability),
      courses: { ...coverTraffic.courses, ...changed },
    },
    polling: { ...polling, testResult: { intervalSeconds, spreadSeconds: intervalSeconds / 2 } },
  };
}

/** What times of actions come from: all but the size of an upload and the polls of other things. */
const timesOf = ({ coverTraffic, polling: { testResult, windows, retry } }: CoverSettings) => ({
  coverTraffic: { ...coverTraffic, uploadBodyBytes: 0 },
  polling: { testResult, windows, retry },
});

/**
 * @param parameters a document
 * @param attacked see {@link attackedSchedules}
 * @returns the one whose times are the document's, null for a schedule that nobody attacked
 */
export function attackOn(parameters: Parameters, attacked: readonly Attacked[]): Attacked | null {
  return attacked.find((one) => isDeepStrictEqual(timesOf(one.parameters), timesOf(parameters))) ?? null;
}
