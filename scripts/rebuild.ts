/**
 * @module `npm run rebuild`: every object that Publisher publishes or gives to peers, made again from the event log and the private records, byte for byte, without a
 * key that signs; compared with what is public, and put right (docs/event-log.md).
 */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { LOG_ARGUMENTS, withBuckets } from './support/bucket-arguments.ts';
import { flag, JSON_FLAG, text } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { compareObject, type Difference, DIFFERENCES, unknownObjects } from './support/compare-public.ts';
import { folderStore, type ObjectStore } from './support/object-store.ts';
import { readLog } from './support/read-log.ts';
import { formerNames, rebuildAll } from './support/rebuild.ts';
import { rebuildFeeds, unknownFeedObjects, type RebuiltFeed } from './support/rebuild-feeds.ts';

/** Beside what is written into a folder, whose files have no headers: what they are to be put with. */
const HEADERS_FILE = 'headers.json';

await run(
  {
    name: 'npm run rebuild',
    summary: `
Makes every chunk, ZIP, page, list and head that is public again, and the batches that peers read, from the event log and the private records alone: of --state or
--private. --to and --feeds-to write them into folders, and their headers into ${HEADERS_FILE}. --verify compares them with the buckets and names each difference. --repair
says what it would put back, and with --confirm puts it back. The parameters aren't among them (npm run config).`,
    options: {
      ...LOG_ARGUMENTS,
      public: text('a copy of the public bucket; left out: that of --state', { default: null, placeholder: 'FOLDER' }),
      feeds: text('a copy of the bucket of feeds; left out: that of --state', { default: null, placeholder: 'FOLDER' }),
      to: text('writes everything public into a folder', { default: null, placeholder: 'FOLDER' }),
      'feeds-to': text('writes what peers may read into another one, which is never made public', {
        default: null,
        placeholder: 'FOLDER',
      }),
      verify: flag('compares with the public bucket, and changes nothing'),
      repair: flag('puts back what is missing or altered; without --confirm says what it would'),
      confirm: flag('with --repair: does it'),
      json: JSON_FLAG,
    },
    notes: `
Exit code: 0 made, or nothing differs (any more); 1 something differs, or the log or a record doesn't give it. An object that no head names is told of, and
left. A head that is newer than the log is never replaced. A batch some of whose keys have left is compared with the hash in the log; nothing makes it again.`,
    examples: [
      'npm run rebuild -- --state .local-edge --verify',
      'npm run rebuild -- --private private-copy --log-key log-public.pem --to public-again',
      'npm run rebuild -- --private private-copy --log-key log-public.pem --public public-copy --repair --confirm',
    ],
  },
  (options, { print, progress, say }) => {
    const { to, 'feeds-to': feedsTo, verify, repair, confirm } = options;
    const compares = verify || repair;
    if (to === null && feedsTo === null && !compares)
      throw new UsageError('give --to, --feeds-to, --verify or --repair');
    if (confirm && !repair) throw new UsageError('--confirm: goes with --repair');
    return withBuckets(options, async (reader, keyFiles, ofState) => {
      const store = options.public === null ? (ofState?.publicStore ?? null) : folderStore(options.public);
      const feedStore = options.feeds === null ? (ofState?.feedStore ?? null) : folderStore(options.feeds);
      if (compares && store === null) throw new UsageError('--public: a folder is needed with --private');
      const report = await readLog(reader, keyFiles);
      for (const { object, rule, what } of report.findings) say(`${object}: ${what} (${rule})`);
      if (report.findings.length > 0)
        throw new Error('the log is not whole: nothing is made from it (npm run log -- verify)');
      const act = { compares, repairs: repair && confirm };
      const outcomes = [
        await bringAbout(rebuildAll(reader, report, progress), { ...act, store, to }, (named) =>
          unknownObjects(store!, new Set([...named, ...formerNames(report)])),
        ),
      ];
      // Where nobody gave the bucket of feeds, the public one is all that is asked about.
      if (feedStore !== null || feedsTo !== null) {
        outcomes.push(
          await bringAbout(
            rebuildFeeds(reader, report, feedStore, progress),
            { ...act, store: feedStore, to: feedsTo },
            (named) => unknownFeedObjects(feedStore!, report, named),
          ),
        );
      }
      const objects = outcomes.reduce((sum, one) => sum + one.objects, 0);
      const differences = outcomes.flatMap((one) => one.differences);
      const put = act.repairs ? differences.filter(isMendable).length : 0;
      const left = differences.length - put;
      const lines = differences.map((one) => `${one.name}: ${DIFFERENCES[one.kind]}${said(one, repair, confirm)}`);
      const compared = compares ? `, ${differences.length} differ${put > 0 ? `, ${put} put back` : ''}` : '';
      print({ objects, differences, put, left }, [...lines, `${objects} objects made${compared}`].join('\n'));
      return left === 0 ? 0 : 1;
    });
  },
);

/** What is done with what was made, of one bucket. */
interface Doing {
  readonly store: ObjectStore | null;
  readonly to: string | null;
  readonly compares: boolean;
  readonly repairs: boolean;
}

/** @param strange names what else lies in the bucket @returns how many objects were made, and how the bucket differs or differed */
async function bringAbout(
  made: AsyncIterable<RebuiltFeed>,
  { store, to, compares, repairs }: Doing,
  strange: (named: ReadonlySet<string>) => Promise<Difference[]>,
): Promise<{ readonly objects: number; readonly differences: readonly Difference[] }> {
  const target = to === null ? null : folderStore(to);
  const differences: Difference[] = [];
  const headers: Record<string, unknown> = {};
  let objects = 0;
  for await (const object of made) {
    if ('kind' in object) {
      differences.push(object);
      continue;
    }
    objects += 1;
    headers[object.name] = object.meta;
    await target?.put(object.name, object.bytes, object.meta);
    if (store === null || !compares) continue;
    const difference = await compareObject(store, object);
    if (difference === null) continue;
    differences.push(difference);
    if (repairs && isMendable(difference)) await store.put(object.name, object.bytes, object.meta);
  }
  if (to !== null) writeFileSync(join(to, HEADERS_FILE), `${JSON.stringify(headers, null, 2)}\n`);
  if (store !== null && compares) differences.push(...(await strange(new Set(Object.keys(headers)))));
  return { objects, differences };
}

function isMendable({ kind }: Difference): boolean {
  return kind === 'missing' || kind === 'altered' || kind === 'headers';
}

function said(difference: Difference, repair: boolean, confirm: boolean): string {
  if (!repair || !isMendable(difference)) return '';
  return confirm ? '; put back' : '; would be put back';
}
