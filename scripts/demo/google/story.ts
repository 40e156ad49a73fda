/**
 * @module The story of Google's dialect, told by unmodified apps' requests alone: codes, certificates, keys, Google's list; the next day's key, suspicions that are borne out or not, and chaff among all of it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publishedLevel } from '../../../domain/keys/google-onset.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { ROOT } from '../../../local-edge/workers.ts';
import { describeDownloadError } from '../../../phone/download/download.ts';
import { RETENTION_SECONDS } from '../../../phone/matching/options.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { endedKeys, type OwnKey } from '../../../phone/radio/tek-schedule.ts';
import { SECONDS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import { REPORT_TYPE } from '../../../protocol/gaen/keys.ts';
import { googleIndexPath } from '../../../protocol/index/google-index.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { inParallel } from '../../support/in-parallel.ts';
import { makeApiKey, moveClock, setClock } from '../../support/operator.ts';
import { type Names, namesOf, within, without } from '../names.ts';
import { shuffle } from '../people.ts';
import type { Progress, Row } from '../report.ts';
import { fetchBytes, saveChunks } from '../stage.ts';
import { type Watcher, watcher } from '../watcher.ts';
import { cast, type Listener, PEOPLE } from './cast.ts';
import { type Look, wrongIn } from './count.ts';
import { type App, appOf, Reports } from './reports.ts';

/** Where it leaves what came out; emptied at each start. */
export const OUT = join(ROOT, 'out/demo/google');
/** What `origin` has otherwise than deployed, as in the country's story (scripts/demo/story.ts): a list of taken-back or revised keys finds company in a few hours. */
export const STORY_POLICY = { MIN_KEYS: '40', RESERVE_UPLOADS: '10' } as const;

const HOUR = 3600;
/** Tuesday 2026-11-24. */
const MIDNIGHT = Date.UTC(2026, 10, 24) / 1000;
const at = (hour: number, minute = 0, day = 0): number => MIDNIGHT + day * SECONDS_PER_DAY + hour * HOUR + minute * 60;
/** Hours in which people share; all of one window of Google's list. */
const SHARED_AT = [at(8, 20), at(9, 20), at(10, 20), at(11, 20)];
/** The window is over, and its file is there. */
const FIRST_LOOK = at(12, 10);
/** What was suspected turns out. */
const TURNED_OUT = at(12, 30);
/** The next window is over too. */
const SECOND_LOOK = at(16, 10);
/** The next day: keys of the day of the report are over, and may be published. */
const NEXT_DAY = at(9, 20, 1);
/** What is said anew has gone with what the hours of the reports set aside; where that was too little, it has waited for a day (docs/decisions/065). */
const LAST_LOOK = at(16, 10, 1);

/** Phones that send chaff, in each hour of reports. */
const CHAFF = 20;
/** Each so many-th reporter loses the first answer. */
const LOSES_EVERY = 8;
/** Requests at once. */
const WIDTH = 60;

/** What a look of all listeners came to, and cost. */
interface Looked extends Look {
  readonly bytes: number;
  /** Numbers of phones that took an earlier warning back. */
  readonly withdrawn: readonly number[];
}

async function look(
  watchers: readonly Watcher[],
  listeners: readonly Listener[],
  published: Names,
  now: number,
  problems: string[],
): Promise<Looked> {
  const sums = { expected: 0, found: 0, missed: 0, wrong: 0, bytes: 0 };
  const withdrawn: number[] = [];
  for (const [n, { person, sync, tell }] of watchers.entries()) {
    const outcome = await sync(now);
    for (const error of outcome.errors) problems.push(`phone ${person.number}: ${describeDownloadError(error)}`);
    const told = tell(now);
    const found = namesOf(told.matches.map(({ key }) => key));
    if (told.withdrawn > 0) withdrawn.push(person.number);
    const met = [...(listeners[n]?.met ?? [])].filter(([, time]) => time > now - RETENTION_SECONDS);
    const expected = within(new Set(met.map(([key]) => key)), published);
    sums.expected += expected.size;
    sums.found += within(found, expected).size;
    sums.missed += without(expected, found).size;
    sums.wrong += without(found, expected).size;
    sums.bytes += outcome.bytes;
  }
  return { ...sums, withdrawn };
}

/** Saves `index.txt` of the home country and every file that it names. @returns how many files, and their bytes */
async function saveList(edge: LocalEdge): Promise<{ files: number; bytes: number }> {
  const path = googleIndexPath('DE');
  const list = await fetchBytes(`${edge.url}/${path}`);
  writeFileSync(join(OUT, 'index.txt'), list);
  let bytes = 0;
  const names = fromUtf8(list)
    .split('\n')
    .filter((name) => name !== '');
  for (const name of names) {
    const zip = await fetchBytes(`${edge.url}/${dirname(dirname(path))}/${name}`);
    mkdirSync(dirname(join(OUT, name)), { recursive: true });
    writeFileSync(join(OUT, name), zip);
    bytes += zip.length;
  }
  return { files: names.length, bytes };
}

const nobody = { number: -1, history: [], sightings: [] };

/**
 * @param edge a fresh local edge whose own authority is in force
 * @param random source of bytes
 * @param progress told of each step
 * @returns rows for the table, and what is wrong
 */
export async function playGoogle(
  edge: LocalEdge,
  random: RandomBytes,
  progress: Progress,
): Promise<{ readonly rows: readonly Row[]; readonly problems: readonly string[] }> {
  const problems: string[] = [];
  const [first = MIDNIGHT] = SHARED_AT;
  progress(`${PEOPLE} people with an unmodified app live 14 days; who meets whom is noted down`);
  await setClock(edge.url, first);
  const { reporters, listeners } = cast(first, random);
  const { key: apiKey } = await makeApiKey(edge.url, 'device', 'app of the demo');
  const reports = new Reports(edge, apiKey, random);
  const apps = reporters.map((reporter) => appOf(reporter, first));
  const keysOf = ({ reporter }: App): OwnKey[] => [...endedKeys(reporter.person.history, first)];
  // Those who prove healthy share first: what the later hours set aside is left as company for suspicions that are borne out.
  const partOf = (app: App, n: number): number =>
    app.reporter.course.later === 'negative' ? 0 : 1 + (n % (SHARED_AT.length - 1));
  const of = (later: string | null): App[] => apps.filter(({ reporter }) => reporter.course.later === later);
  const all = async (jobs: readonly (() => Promise<void>)[]): Promise<void> => {
    await inParallel(
      shuffle(random, [...jobs]).map((job) => async () => {
        try {
          await job();
        } catch (error) {
          problems.push(error instanceof Error ? error.message : String(error));
        }
      }),
      WIDTH,
    );
  };
  let inserted = 0;
  let chaff = 0;
  const chaffJobs = (): (() => Promise<void>)[] =>
    Array.from({ length: CHAFF }, () => async () => {
      await reports.chaff();
      chaff += 1;
    });

  progress(`${apps.length} of them get codes: read out, as a link, by SMS; they verify, get certificates, and share`);
  for (const [part, now] of SHARED_AT.entries()) {
    await moveClock(edge.url, now);
    const some = apps.filter((app, n) => partOf(app, n) === part);
    await all([
      ...some.map((app, n) => async () => {
        const isNew = await reports.share(app, app.reporter.course.first, keysOf(app), n % LOSES_EVERY === 0);
        inserted += isNew;
      }),
      ...chaffJobs(),
    ]);
  }
  const sent = namesOf(apps.flatMap(keysOf));

  progress('the hours are sealed, and their window of four hours is over: index.txt names its file');
  await moveClock(edge.url, FIRST_LOOK);
  const chunks = await saveChunks(edge, OUT);
  const watchers = listeners.map(({ person }) => watcher(edge, person, 'google'));
  const before = await look(watchers, listeners, sent, FIRST_LOOK, problems);
  const fresh = new Set(watchers[0]?.received);
  const published = within(sent, fresh).size;
  const firstList = await saveList(edge);

  const [borneOut, unfounded] = [of('confirmed'), of('negative')];
  progress(
    `${borneOut.length} suspicions are borne out, ${unfounded.length} are not: new codes, the same keys, the token`,
  );
  await moveClock(edge.url, TURNED_OUT);
  let again = 0;
  await all([
    ...[...borneOut, ...unfounded].map((app) => async () => {
      const isNew = await reports.share(app, app.reporter.course.later ?? 'confirmed', keysOf(app));
      again += isNew;
    }),
    ...chaffJobs(),
  ]);

  progress('the next window is over: phones that warned of somebody who is not ill take it back');
  await moveClock(edge.url, SECOND_LOOK);
  const takenBack = namesOf(unfounded.flatMap(keysOf));
  const later = await look(watchers, listeners, without(sent, takenBack), SECOND_LOOK, problems);
  const said = watchers[0]?.revised ?? [];
  const revoked = within(takenBack, namesOf(said.filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED))).size;

  progress('the day after: those who are ill share the key of the day of their report, by the token of before');
  await moveClock(edge.url, NEXT_DAY);
  const ill = apps.filter((app) => !unfounded.includes(app));
  const lastKeys = new Map(ill.map((app) => [app, endedKeys(app.reporter.person.history, NEXT_DAY).slice(-1)]));
  let nextDay = 0;
  await all([
    ...[...lastKeys].map(([app, keys]) => async () => {
      const isNew = await reports.shareNow(app, keys);
      nextDay += isNew;
    }),
    ...chaffJobs(),
  ]);

  progress('phones look once more');
  await moveClock(edge.url, LAST_LOOK);
  const standing = new Set([...without(sent, takenBack), ...namesOf([...lastKeys.values()].flat())]);
  const after = await look(watchers, listeners, standing, LAST_LOOK, problems);
  const newPhone = watcher(edge, nobody, 'google');
  for (const error of (await newPhone.sync(LAST_LOOK)).errors) problems.push(describeDownloadError(error));
  const stillThere = within(takenBack, new Set(newPhone.received)).size;
  const list = await saveList(edge);

  const near = borneOut.flatMap((app) => {
    const onset = Math.floor(first / SECONDS_PER_DAY) - app.reporter.onsetDaysAgo;
    return keysOf(app).filter(({ rollingStartIntervalNumber }) => {
      const days = Math.floor(rollingStartIntervalNumber / 144) - onset;
      return publishedLevel('likely', days) !== publishedLevel('confirmed', days);
    });
  });
  const confirmed = said.filter(({ reportType }) => reportType === REPORT_TYPE.CONFIRMED_TEST);
  const revised = within(namesOf(near), namesOf(confirmed)).size;
  problems.push(
    ...wrongIn({
      inserted: { is: inserted, wanted: sent.size },
      published: { is: published, wanted: sent.size },
      nextDay: { is: nextDay, wanted: ill.length },
      revised: { is: revised, wanted: near.length },
      takenBack: { is: revoked, wanted: takenBack.size },
      newWhenRevised: again,
      stillThere,
      saidTwice: said.length - namesOf(said).size,
      withdrawn: later.withdrawn.length,
      looks: [before, later, after],
      sizes: reports.wire.sizes,
    }),
  );
  const [publishing] = reports.wire.sizes.get('/v1/publish')?.sent ?? [0];
  const row = (name: string, label: string, value: Row['value']): Row => ({ name, label, value });
  return {
    problems,
    rows: [
      row('people', 'people', PEOPLE),
      row('reports', 'of them report', apps.length),
      row('keysSent', 'keys sent', sent.size),
      row('keysPublished', 'of these published', published),
      row('synthetic', 'keys beside them that nobody has', fresh.size - published),
      row('chaff', 'phones that sent chaff beside them', chaff),
      row('publishBytes', 'bytes of a request that publishes, chaff or not', publishing ?? 0),
      row('expectedEncounters', 'encounters to be found', before.expected),
      row('found', 'found', before.found),
      row('missed', 'missed', before.missed),
      row('false', 'false', before.wrong),
      row('nextDay', 'keys of the next day', nextDay),
      row('revised', 'keys revised: likely, then confirmed', revised),
      row('takenBack', 'keys taken back: likely, then negative', revoked),
      row('withdrawn', 'phones that take a warning back on the same day', later.withdrawn.length),
      row('expectedAfter', 'encounters to be found the day after', after.expected),
      row('foundAfter', 'found', after.found),
      row('missedAfter', 'missed', after.missed),
      row('falseAfter', 'false, or warnings that were not taken back', after.wrong),
      row(
        'firstBytes',
        'bytes that a phone downloads on the first day',
        Math.round((before.bytes + later.bytes) / watchers.length),
      ),
      row('nextBytes', 'on the day after', Math.round(after.bytes / watchers.length)),
      row('zips', 'files of index.txt', list.files),
      row('zipBytes', 'their bytes', list.bytes),
      row('firstZips', 'files on the first day', firstList.files),
      row('chunks', 'chunks of the signed manifest', chunks.length),
    ],
  };
}
