/**
 * @module `npm run log`: reads the event log in the private bucket, shows it, or says whether it is whole (docs/event-log.md).
 */
import type { LogEvent } from '../domain/event-log/entry.ts';
import type { ReadEntry } from '../domain/event-log/read-entry.ts';
import { verifyObjects } from '../domain/event-log/verify.ts';
import { dateOf, SECONDS_PER_DAY } from '../protocol/gaen/intervals.ts';
import { LOG_ARGUMENTS, withBuckets } from './support/bucket-arguments.ts';
import { hashRecords, readLog } from './support/read-log.ts';
import { JSON_FLAG, oneOf, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';

const atDay = (day: number): string => dateOf(day * SECONDS_PER_DAY);
const atHour = (hour: number): string => `${atDay(Math.floor(hour / 24))} ${String(hour % 24).padStart(2, '0')}h`;

const without = (revised: number | undefined): string =>
  revised === undefined ? '' : `, without what was taken back up to ${atHour(revised)}`;

/** @returns what an entry says, for a person */
function describe(event: LogEvent): string {
  switch (event.kind) {
    case 'recorded':
      return `${atHour(event.hour)}  ${event.decision}, ${event.keys} keys in ${event.objects.length} objects`;
    case 'written':
      return `${atHour(event.hour)}  ${event.region}: ${event.files.length} files; ${event.cwa.keys} keys in CWA's tree`;
    case 'cut':
      return `${atDay(event.day)}  ${event.region}: as of ${atDay(event.cut)}${without(event.revised)}, ${event.files.length} files`;
    case 'published':
      return `${atHour(event.hour)}  ${event.region}: head ${event.sequence} ${event.payloadSha256}`;
    case 'region':
      return `${atHour(event.hour)}  ${event.region} from this hour on`;
    case 'parameters':
      return `${atHour(event.hour)}  version ${event.version}, ${event.action}`;
    case 'purge':
      return `${atDay(event.day)}  ${event.objects} objects go`;
    case 'rollback':
      return `${atHour(event.hour)}  ${event.rows} rows are to be taken back`;
    case 'withdrawal':
      return `${atHour(event.hour)}  rows are to be taken back`;
    case 'revision':
      return `${atHour(event.hour)}  rows are to have report type ${event.to}`;
    case 'dropped': {
      const rows = event.cause === 'withdrawal' ? `up to ${event.rows}` : event.rows;
      return `${atHour(event.hour)}  ${rows} rows ended before they were published (${event.cause})`;
    }
    case 'taken': {
      const hours = new Set(event.parts.map(({ of }) => of)).size;
      const what = event.to === undefined ? 'are taken back' : `have report type ${event.to} from now on`;
      return `${atHour(event.hour)}  ${event.rows} rows ${what}, of ${hours} hours`;
    }
    case 'revoked': {
      const rows = event.files.reduce((sum, { revoked = 0 }) => sum + revoked, 0);
      const what = event.to === undefined ? 'revoked' : `with report type ${event.to}`;
      return `${atHour(event.hour)}  ${event.region}: ${rows} keys ${what}, as of ${atDay(event.cut)}`;
    }
    case 'checkpoint':
      return `${atDay(event.day)}  everything before it; entries are kept from ${event.keptFrom} on`;
    default:
      throw new Error(`kind ${JSON.stringify(event)} is not known`);
  }
}

const line = ({ entry }: ReadEntry): string =>
  `${String(entry.sequence).padStart(7)}  ${entry.event.kind.padEnd(10)}  ${describe(entry.event)}`;

await run(
  {
    name: 'npm run log',
    summary: `
Reads the event log of the private bucket. verify: says whether it is whole, and whether the records that it names are there as they were
recorded; each finding names the object and the rule (docs/event-log.md). show: a line for each entry whose signature is good.`,
    positionals: {
      action: oneOf('what to do', { verify: 'is it whole?', show: 'what does it say?' }, null),
    },
    options: {
      ...LOG_ARGUMENTS,
      last: wholeNumber('show: so many entries at most, the newest', { min: 1, max: 1_000_000, default: 1_000 }),
      json: JSON_FLAG,
    },
    notes: `
Exit code of verify: 0 whole, 1 something is wrong. What was cut off the end of a log can't be seen in it: rebuild --verify compares it with the
heads that are published.`,
    examples: [
      'npm run log -- verify --state .local-edge',
      'npm run log -- show --private private-copy --log-key log-public.pem --json',
    ],
  },
  (options, { print, progress }) =>
    withBuckets(options, async (reader, keyFiles) => {
      const report = await readLog(reader, keyFiles);
      if (options.action === 'show') {
        const shown = report.entries.slice(-options.last);
        print(
          shown.map(({ entry, sha256 }) => ({ ...entry, sha256 })),
          shown.map(line).join('\n'),
        );
        return 0;
      }
      const findings = [...report.findings, ...verifyObjects(report, await hashRecords(reader, progress))];
      const newest = report.entries.at(-1);
      const result = {
        whole: findings.length === 0,
        entries: report.entries.length,
        keptFrom: report.keptFrom,
        newest: newest === undefined ? null : { sequence: newest.entry.sequence, sha256: newest.sha256 },
        records: report.objects.size,
        findings,
      };
      const summary = `${result.entries} entries, the newest ${newest?.entry.sequence ?? 'none'}; ${result.records} objects of records`;
      const text = findings.map(({ object, rule, what }) => `${object}: ${what} (${rule})`);
      print(result, [...text, `${result.whole ? 'WHOLE' : 'NOT WHOLE'}: ${summary}`].join('\n'));
      return result.whole ? 0 : 1;
    }),
);
