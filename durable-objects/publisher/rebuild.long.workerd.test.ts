import { beforeEach, describe, it } from 'vitest';
import type { EventOf } from '../../domain/event-log/entry.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { verifyLog } from '../../domain/event-log/verify.ts';
import {
  rebuildDay,
  rebuildHour,
  rebuildIndex,
  rebuildRevocation,
  type RebuildPorts,
  type RebuiltObject,
} from '../../domain/publication/rebuild.ts';
import {
  batchOfZip,
  documentsOf,
  isDocument,
  isWhole,
  planFeeds,
  rebuildFed,
} from '../../domain/publication/rebuild-feeds.ts';
import { bookOfLog, filesOf, planRebuild } from '../../domain/publication/rebuild-plan.ts';
import { setKey, type SetRecord } from '../../domain/publication/record.ts';
import { newWorkspace } from '../../domain/publication/workspace.ts';
import { dateOf, dateOfHour, hourStart } from '../../protocol/gaen/intervals.ts';
import { dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { concatBytes, fromUtf8, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { r2Bucket, type BucketPort } from './bucket.ts';
import type { ManifestHead } from '../../protocol/index/manifest.ts';
import { anHour, FEED_POLICY } from './feed-rig.ts';
import { confirmed, exportAt, likely, regionAt, revise, seal, take, TAKE_ID } from './taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';

const { LOG_SIGNING_KEY } = testEnv as unknown as { readonly LOG_SIGNING_KEY: string };
const KEYS = [signerFromPkcs8Pem(LOG_SIGNING_KEY).publicKeySpki];

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** What the private bucket alone says: the log's events, and with what objects are made again. */
async function fromPrivate() {
  const kept = await objects(testEnv.PRIVATE);
  const log = [...kept].filter(([name]) => name.startsWith('log/'));
  const { entries, findings } = verifyLog(
    log.map(([name, bytes]) => ({ name, text: fromUtf8(bytes) })),
    KEYS,
  );
  if (findings.length > 0) throw new Error(JSON.stringify(findings));
  const bucket = r2Bucket(testEnv.PRIVATE);
  const read = (...call: Parameters<BucketPort['getInto']>) => bucket.getInto(...call);
  const readWhole = (name: string) => bucket.get(name);
  const events = entries.map(({ entry }) => entry.event);
  const records = events.flatMap((event) => {
    const bytes = event.kind === 'recorded' ? kept.get(setKey(event.hour)) : undefined;
    return bytes === undefined ? [] : [JSON.parse(fromUtf8(bytes)) as SetRecord];
  });
  const book = bookOfLog(new Map(records.map((record) => [record.hour, record])), events);
  const portsOf = ({ unionRegion, retentionDays }: EventOf<'published'>): RebuildPorts => {
    return { ...book, read, readWhole, workspace: newWorkspace(), unionRegion, retentionDays };
  };
  return { events, portsOf };
}

/** Headers have no order. */
const metaText = ({ contentType, cacheControl, expires, custom = {} }: ObjectMeta): string =>
  JSON.stringify([contentType, cacheControl, expires, Object.entries(custom).map(String).toSorted()]);
const told = ({ bytes, meta }: Pick<RebuiltObject, 'bytes' | 'meta'>): string =>
  `${toHex(sha256(bytes))} ${metaText(meta)}`;

/** Everything that the heads name, from the private bucket alone: name → hash and headers. */
async function rebuilt(): Promise<Map<string, string>> {
  const { events, portsOf } = await fromPrivate();
  const made = new Map<string, string>();
  for (const plan of planRebuild(events)) {
    const ports = portsOf(plan.published);
    const note = (object: RebuiltObject): void => void made.set(object.name, told(object));
    for (const hour of plan.hours) for await (const object of rebuildHour(ports, hour)) note(object);
    for (const day of plan.days) for await (const object of rebuildDay(ports, day.cut, day.slices)) note(object);
    for (const revocation of plan.revocations) {
      for await (const object of rebuildRevocation(ports, revocation)) note(object);
    }
    for (const object of rebuildIndex(plan.published, filesOf(plan))) note(object);
  }
  return made;
}

/** Batches of feeds, from the private bucket while it gives them, else from their own ZIPs; and which came from where. */
async function rebuiltFeeds() {
  const { events, portsOf } = await fromPrivate();
  const plan = planFeeds(events)!;
  const ports = portsOf(events.findLast((event) => event.kind === 'published')!);
  const made = new Map<string, string>();
  const [whole, leaving]: [string[], string[]] = [[], []];
  for (const event of plan.fed) {
    const isStill = isWhole(ports, event, plan.today);
    (isStill ? whole : leaving).push(`${event.feed} ${event.batch}`);
    if (isStill) for await (const object of rebuildFed(ports, plan.home, event)) made.set(object.name, told(object));
    for (const n of isStill ? [] : event.files.keys()) {
      const zip = (await objects(testEnv.FEEDS)).get(`${event.feed}/${event.batch + n}.zip`)!;
      for (const object of batchOfZip(event, n, zip)!) made.set(object.name, told(object));
    }
  }
  return { plan, made, whole, leaving };
}

/** What lies under these names. */
async function published(names: Iterable<string>, r2 = testEnv.PUBLIC): Promise<Map<string, string>> {
  const bucket = r2Bucket(r2);
  const found = new Map<string, string>();
  for (const name of names) {
    const object = await bucket.head(name);
    found.set(name, `${object!.sha256} ${metaText(object!.meta)}`);
  }
  return found;
}

/** Three hours before midnight, and on to `end`. */
async function liveUntil(end: number): Promise<void> {
  rig.now = hourStart(MIDNIGHT / 3600 + 21);
  for (const upload of [1, 2]) await rig.accept(`u${upload}`, keysOf(upload, 12 + upload));
  await rig.untilIdle();
  rig.now += 3600;
  await rig.accept('u3', keysOf(3, 5), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now = end;
  await rig.untilIdle();
}

describe('everything public is made again from log and records', () => {
  it('with keys that were taken back: chunks without them, revocations, pages and head', async ({ expect }) => {
    await liveUntil(MIDNIGHT + 25 * 3600);
    const teks = concatBytes(...keysOf(1, 13).map(({ keyData }) => keyData));
    await take(rig, teks);
    await seal(rig);
    const made = await rebuilt();
    expect(made).toEqual(await published(made.keys()));
    expect([...made.keys()].filter((name) => name.includes('/revocations/')).length).toBe(2);
    // And a day later, when some of them have left.
    rig.now = MIDNIGHT + 50 * 3600;
    await rig.untilIdle(100);
    const later = await rebuilt();
    expect(later).toEqual(await published(later.keys()));
    expect([...later.keys()].filter((name) => name.includes('/revocations/')).length).toBe(2);
  });

  it('with keys that got another report type, and one of them taken back: their lists, and CWA’s hour and day with them', async ({
    expect,
  }) => {
    rig.now = hourStart(MIDNIGHT / 3600 + 22);
    await rig.accept('u1', likely(keysOf(1, 12)));
    await rig.accept('u2', likely(keysOf(2, 5)), ['DE', 'FR']);
    rig.now += 3 * 3600;
    await rig.untilIdle();
    await revise(rig, confirmed([...keysOf(1, 6), ...keysOf(2, 5)]));
    await rig.accept('u3', likely(keysOf(3, 4)));
    await seal(rig);
    const made = await rebuilt();
    expect(made).toEqual(await published(made.keys()));
    expect(Object.keys((await regionAt('DE')).revised)).toHaveLength(11);
    await take(rig, concatBytes(...keysOf(1, 2).map(({ keyData }) => keyData)));
    rig.now = MIDNIGHT + 50 * 3600;
    await rig.untilIdle(100);
    const later = await rebuilt();
    expect(later).toEqual(await published(later.keys()));
    expect(Object.keys((await regionAt('DE')).revised)).toHaveLength(9);
    const { revisedKeys } = await exportAt(dayPath('DE', dateOf(MIDNIGHT + 86_400)));
    const revoked = revisedKeys.filter(({ reportType }) => reportType === 5);
    expect([revisedKeys.length, revoked.length]).toEqual([11, 2]);
  });

  it.for([
    ['before midnight', MIDNIGHT + 23 * 3600],
    ['between midnight and the first hour, whose heads name both hours and day', MIDNIGHT + 24 * 3600],
    ['after the first hour', MIDNIGHT + 25 * 3600],
    ['days later, cut again', MIDNIGHT + 3 * 86_400 + 3600],
  ] as const)('%s', async ([, end], { expect }) => {
    await liveUntil(end);
    const made = await rebuilt();
    expect(made).toEqual(await published(made.keys()));
    for (const region of ['DE', 'EUR']) {
      const { payload } = (await publicJson(`v1/${region}/manifest.json`)) as { payload: string };
      const head = JSON.parse(payload) as ManifestHead;
      for (const { sha256: name } of head.hours) expect(made.has(`v1/${region}/chunks/${name}.zip`)).toBe(true);
      for (const { sha256: name } of head.pages) expect(made.has(`v1/${region}/days/${name}.json`)).toBe(true);
    }
  });

  it.for([
    { most: 40, inHours: [13, 13], inDay: 12 },
    { most: 32, inHours: [13, 0], inDay: 0 },
  ])(
    'where no more than $most keys fit into CWA’s files, those taken back among them: an hour’s stand there wholly or not at all',
    async ({ most, inHours, inDay }, { expect }) => {
      rig.policy = { ...rig.policy, cwaMaxKeys: most };
      await liveUntil(MIDNIGHT + 25 * 3600);
      const takeBack = (upload: number, keys: number, id: string) =>
        take(rig, concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData)), id);
      await takeBack(1, 13, TAKE_ID);
      await rig.accept('u4', keysOf(4, 5));
      await seal(rig);
      await takeBack(2, 14, 'c9bf9e57-1685-4c89-bafb-ff5af830be8a');
      await rig.accept('u5', keysOf(5, 13));
      await rig.accept('u6', keysOf(6, 10));
      await seal(rig);
      const first = Math.floor(rig.now / 3600) - 2;
      const sizesOf = async (name: string) => {
        const { keys, revisedKeys } = await exportAt(name);
        expect(keys.length + revisedKeys.length).toBeLessThanOrEqual(most);
        return revisedKeys.length;
      };
      const hours = [first, first + 1].map((hour) => hourPath('EUR', dateOfHour(hour), hour % 24));
      expect(await Promise.all(hours.map(sizesOf))).toEqual(inHours);
      const { counters } = await rig.inPublisher((publisher) => publisher.status());
      expect(counters['cwa_revocations_left_out_EUR'] ?? 0).toBe(26 - inHours[0]! - inHours[1]!);
      const hourly = await rebuilt();
      expect(hourly).toEqual(await published(hourly.keys()));
      rig.now = MIDNIGHT + 49 * 3600;
      await rig.untilIdle(100);
      expect(await sizesOf(dayPath('EUR', dateOf(MIDNIGHT + 86_400)))).toBe(inDay);
      const made = await rebuilt();
      expect(made).toEqual(await published(made.keys()));
      // Our own phones are told of all, but of the one key of each that left with the midnight.
      expect((await regionAt('EUR')).revoked.length).toBe(12 + 12);
    },
  );

  it('of several files an hour, and where CWA’s tree shows other rows than the chunks', async ({ expect }) => {
    rig.policy = { ...rig.policy, maxKeysPerFile: 10, cwaMaxKeys: 20 };
    await liveUntil(MIDNIGHT + 26 * 3600);
    const made = await rebuilt();
    expect(made.size).toBeGreaterThan(20);
    expect(made).toEqual(await published(made.keys()));
  });
});

describe('everything that peers may ask for', () => {
  const batchNames = async (): Promise<string[]> =>
    [...(await objects(testEnv.FEEDS)).keys()].filter((name) => /\d\.(zip|pb)$/.test(name)).toSorted();

  it('is made again with its headers: of records until one of its keys leaves, then of its own file', async ({
    expect,
  }) => {
    rig.policy = { ...FEED_POLICY, maxKeysPerFile: 90 };
    rig.feeds = ['a2a', 'NL'];
    rig.now = MIDNIGHT + 12 * 3600;
    for (const first of [10, 20, 30, 40]) await anHour(rig, first);
    await take(rig, concatBytes(...[10, 11].flatMap((n) => keysOf(n, 13).map(({ keyData }) => keyData))));
    await seal(rig);
    const { made, whole, leaving, plan } = await rebuiltFeeds();
    expect([...made.keys()].toSorted()).toEqual(await batchNames());
    expect(made).toEqual(await published(made.keys(), testEnv.FEEDS));
    expect([whole.length, leaving]).toEqual([plan.fed.length, []]);
    expect(plan.fed.some(({ files }) => files.some(({ revoked = 0 }) => revoked > 0))).toBe(true);
    expect(plan.fed.some(({ files }) => files.length > 1)).toBe(true);
    // What their documents say is in the log too, of the hour that they are of.
    const lying = await objects(testEnv.FEEDS);
    expect(documentsOf(plan)).toHaveLength(4);
    for (const { name, feed } of documentsOf(plan)) {
      expect(isDocument(plan, feed, lying.get(name)!), name).toBe(true);
      const altered = fromUtf8(lying.get(name)!).replace(/"latestBatchId":\d+/, '"latestBatchId":2');
      expect(isDocument(plan, feed, utf8(altered)), altered).toBe(false);
    }
    rig.now = MIDNIGHT + 25 * 3600;
    await rig.untilIdle(100);
    const later = await rebuiltFeeds();
    expect(later.leaving).toEqual(whole);
    expect([...later.made.keys()].toSorted()).toEqual(await batchNames());
    expect(later.made).toEqual(await published(later.made.keys(), testEnv.FEEDS));
    const [event] = later.plan.fed;
    expect(batchOfZip(event!, 0, utf8('somebody else’s'))).toBeNull();
  });
});
