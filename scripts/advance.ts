/**
 * @module `npm run advance`: lets hours pass on a local edge, has the origin seal each of them, and peers asked whose poll is due, as alarm and cron do in their own time.
 */
import type { OriginStatus } from '../domain/origin-status.ts';
import { JSON_FLAG, url, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { advanceUntilIdle, moveClock, readClock, status } from './support/operator.ts';

const HOUR = 3_600;
/** Past the full hour, so that nobody asks whether it is over. */
const AFTER_SECONDS = 5;
const MAX_HOURS = 14 * 24;

/** An hour that came into a region's head. */
interface Sealed {
  readonly region: string;
  /** Its beginning, e.g. `2026-11-26T05:00Z`. */
  readonly hour: string;
  /** As the head lists it, e.g. `0`; null when the day was over by then and it lies in its day's page. */
  readonly keys: string | null;
}

const timeOf = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;

async function keysOf(edge: string, region: string, hour: number): Promise<string | null> {
  const answer = await fetch(new URL(`/v1/${region}/manifest.json`, edge));
  if (!answer.ok) return null;
  const { payload } = (await answer.json()) as { payload: string };
  const { hours } = JSON.parse(payload) as { hours: readonly { hour: number; keys: string }[] };
  return hours.find((listed) => listed.hour === hour)?.keys ?? null;
}

/** What came into the heads between two looks. */
async function sealedSince(edge: string, before: OriginStatus, after: OriginStatus): Promise<Sealed[]> {
  const found: Sealed[] = [];
  for (const { region, lastIndexedHour } of after.regions) {
    const known = before.regions.find((other) => other.region === region)?.lastIndexedHour ?? null;
    if (lastIndexedHour === null || lastIndexedHour === known) continue;
    for (let hour = known === null ? lastIndexedHour : known + 1; hour <= lastIndexedHour; hour += 1) {
      found.push({ region, hour: timeOf(hour * HOUR), keys: await keysOf(edge, region, hour) });
    }
  }
  return found;
}

const lineOf = ({ region, hour, keys }: Sealed): string =>
  `sealed ${hour} ${region.padEnd(3)} ${keys === null ? '' : `${keys} keys`}`.trimEnd();

await run(
  {
    name: 'npm run advance',
    summary: `Moves the clock of the local edge at URL to the end of the hour, so many times, has the origin seal each hour, and peers asked whose poll is due. Prints what was
      sealed. Ends with 1 when an hour wasn't.`,
    options: {
      hours: wholeNumber('how many', { min: 1, max: MAX_HOURS, default: 1 }),
      url: url('where the local edge is', { default: 'http://127.0.0.1:8787' }),
      json: JSON_FLAG,
    },
    notes: `
The clock stands still afterwards, until it is moved again; curl -X PUT URL/local/clock -d '{"now": null}' is real time.
An hour with too few keys is sealed empty, and its keys wait for the next (MIN_KEYS, MIN_UPLOADS in wrangler.toml).`,
    examples: ['npm run advance -- --hours 1'],
  },
  async ({ hours, url: edge }, { print, progress }) => {
    const sealed: Sealed[] = [];
    let before = await status(edge);
    const look = async (): Promise<number> => {
      const after = await status(edge);
      const more = await sealedSince(edge, before, after);
      sealed.push(...more);
      before = after;
      return new Set(more.map(({ region }) => region)).size;
    };
    // Whatever is due already; and an origin that never ran begins with the hour it is called in.
    await advanceUntilIdle(edge, true);
    await look();
    let isComplete = true;
    for (let done = 1; done <= hours; done += 1) {
      const end = (Math.floor((await readClock(edge)) / HOUR) + 1) * HOUR;
      await moveClock(edge, end + AFTER_SECONDS, true);
      if ((await look()) < before.regions.length) isComplete = false;
      progress('hours', done, hours);
    }
    const now = timeOf(await readClock(edge));
    const lines = [...sealed.map(lineOf), `the clock stands at ${now}`];
    if (!isComplete) lines.push('not every hour was sealed in every region: see GET /operator/status');
    print({ sealed, now }, lines.join('\n'));
    return isComplete ? 0 : 1;
  },
);
