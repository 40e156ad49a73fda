/** @module What peers are given, and what they can tell from it: by real objects and buckets, read as a peer reads. */
import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { ROW_BYTES, rowProvenance, unpackKey, type Provenance } from '../../domain/publication/packed-keys.ts';
import type { SetRecord } from '../../domain/publication/record.ts';
import { KEY_TYPE } from '../../protocol/feed/exposed-list.ts';
import { concatBytes, fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { feedObjects, readFeed, type ReadFeed } from './feed-rig.ts';
import { exportAt, findings, regionAt, seal, take, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const POLICY = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads: 2, maxHoldHours: 0 };
const ABROAD = ['DE', 'FR', 'NL'];
const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = POLICY;
  rig.feeds = ['a2a', 'NL'];
  rig.now = MIDNIGHT + 12 * 3600;
});

/** What the private records say of each published key. */
async function provenances(): Promise<Map<string, Provenance>> {
  const kept = await objects(testEnv.PRIVATE);
  const all = new Map<string, Provenance>();
  for (const [name, bytes] of kept) {
    if (!/^sets\/\d+\/set\.json$/.test(name)) continue;
    const record = JSON.parse(fromUtf8(bytes)) as SetRecord;
    for (const { day, n } of record.parts) {
      const rows = kept.get(`sets/${record.hour}/${day}-${n}.bin`)!;
      for (let row = 0; row < rows.length; row += ROW_BYTES) {
        all.set(toHex(unpackKey(rows, row).keyData), record.provenances[rowProvenance(rows, row)]!);
      }
    }
  }
  return all;
}

/** An hour in which some came who stay, some who travel and some who refuse. */
async function anHour(first: number): Promise<void> {
  await rig.accept(`u${first}`, keysOf(first, 14));
  await rig.accept(`u${first + 1}`, keysOf(first + 1, 13), ABROAD);
  await rig.accept(`u${first + 2}`, keysOf(first + 2, 12), ['DE'], { consentToFederation: false });
  await rig.accept(`u${first + 3}`, keysOf(first + 3, 11), ABROAD, { consentToFederation: false });
  await seal(rig);
}

const fedIn = ({ batches }: ReadFeed): string[] => batches.flatMap(({ keys }) => [...keys]);

describe('a feed', () => {
  it('has the local keys of people who consented, a region’s those of who named it, as numbered batches', async ({
    expect,
  }) => {
    await anHour(10);
    await rig.accept('peer', keysOf(60, 9), ABROAD, { origin: 'FR' });
    await anHour(20);
    const about = await provenances();
    const [all, dutch] = [await readFeed(rig, 'a2a'), await readFeed(rig, 'NL')];
    for (const feed of [all, dutch]) {
      expect(feed.batches.map(({ batch }) => batch)).toEqual([1, 2]);
      for (const { file, keys, exposed } of feed.batches) {
        expect(file.header).toMatchObject({ region: 'DE' });
        expect(exposed.map(({ keyData }) => toHex(keyData)).toSorted()).toEqual(keys.toSorted());
      }
    }
    expect(fedIn(all)).toEqual(expect.arrayContaining([...hexOf(10, 14), ...hexOf(11, 13), ...hexOf(20, 14)]));
    expect(fedIn(dutch)).toEqual(expect.arrayContaining([...hexOf(11, 13), ...hexOf(21, 13)]));
    for (const key of fedIn(all)) expect(about.get(key)).toMatchObject({ consentToFederation: true, origin: 'DE' });
    for (const key of fedIn(dutch)) expect(about.get(key)!.regions).toContain('NL');
    expect(await findings()).toEqual([]);
  });

  it('says nothing of regions: its files are as any of this country’s', async ({ expect }) => {
    await anHour(10);
    const { header } = (await readFeed(rig, 'NL')).batches[0]!.file;
    const { hours } = (await regionAt('DE')).head;
    const own = await exportAt(`v1/DE/chunks/${hours.at(-1)!.sha256}.zip`);
    expect(header).toEqual(own.header);
    const names = [...(await feedObjects()).keys()].toSorted();
    expect(names).toEqual([
      ...['NL', 'a2a'].flatMap((feed) =>
        ['1.pb', '1.zip', 'gaen-latest.json', 'latest.json'].map((n) => `${feed}/${n}`),
      ),
      'jwks.json',
    ]);
  });

  it('has a document each hour, with or without news, and no batch for an hour without', async ({ expect }) => {
    await anHour(10);
    const { latest } = await readFeed(rig, 'a2a');
    await seal(rig, 2);
    const after = (await readFeed(rig, 'a2a')).latest;
    expect(after).toEqual({
      ...latest,
      recommendedNextPollTime: latest.recommendedNextPollTime + 7200,
      issuedAt: latest.issuedAt + 7200,
      validUntil: latest.validUntil + 7200,
    });
    expect(after).toMatchObject({ oldestBatchId: 1, latestBatchId: 1 });
  });

  it('that comes to the configuration later begins with the hours that were sealed for it', async ({ expect }) => {
    rig.feeds = ['a2a'];
    await anHour(10);
    rig.feeds = ['a2a', 'NL'];
    await anHour(20);
    const { latest, batches } = await readFeed(rig, 'NL');
    expect(latest).toMatchObject({ oldestBatchId: 1, latestBatchId: 1 });
    expect(batches[0]!.keys).not.toEqual(expect.arrayContaining(hexOf(11, 13)));
    expect((await readFeed(rig, 'a2a')).latest.latestBatchId).toBe(2);
  });

  it('takes no more keys a file than a phone’s, and numbers go on', async ({ expect }) => {
    rig.policy = { ...POLICY, maxKeysPerFile: 90 };
    for (let n = 0; n < 14; n++) await rig.accept(`u${n}`, keysOf(100 + n, 14));
    await seal(rig);
    const { batches } = await readFeed(rig, 'a2a');
    expect(batches.map(({ batch }) => batch)).toEqual([1, 2, 3]);
    expect(new Set(batches.map(({ file }) => file.header.endTimestamp)).size).toBe(3);
  });
});

describe('whoever subtracts feeds from the public chunks', () => {
  it('is left with nothing or with as much as a chunk, and never with decoys alone', async ({ expect }) => {
    for (const first of [10, 20, 30]) await anHour(first);
    await rig.accept('lone', keysOf(40, 5), ['DE'], { consentToFederation: false });
    for (let n = 50; n < 60; n++) await rig.accept(`u${n}`, keysOf(n, 10));
    await seal(rig);
    const about = await provenances();
    const feeds = [await readFeed(rig, 'a2a'), await readFeed(rig, 'NL')].map(fedIn).map((keys) => new Set(keys));
    const [all, dutch] = feeds as [Set<string>, Set<string>];
    for (const region of ['DE', 'EUR']) {
      const { hours } = (await regionAt(region)).head;
      const filled = hours.filter(({ empty }) => empty !== true);
      expect(filled).toHaveLength(4);
      for (const { sha256 } of filled) {
        const chunk = teksIn((await exportAt(`v1/${region}/chunks/${sha256}.zip`)).keys);
        const left = {
          'all − a2a': chunk.filter((key) => !all.has(key)),
          'all − NL': chunk.filter((key) => !dutch.has(key)),
          'a2a − NL': chunk.filter((key) => all.has(key) && !dutch.has(key)),
          NL: chunk.filter((key) => dutch.has(key)),
        };
        expect(chunk.filter((key) => dutch.has(key) && !all.has(key))).toEqual([]);
        for (const [name, keys] of Object.entries(left)) {
          if (keys.length === 0) continue;
          expect(keys.length, name).toBeGreaterThanOrEqual(POLICY.minKeys);
          expect(
            keys.some((key) => !about.get(key)!.synthetic),
            name,
          ).toBe(true);
          expect(
            keys.some((key) => about.get(key)!.synthetic),
            name,
          ).toBe(true);
        }
      }
    }
  });
});

describe('keys that are taken back', () => {
  it('are REVOKED in the next batch of each feed that had them, and in no other', async ({ expect }) => {
    for (const first of [10, 20, 30, 40]) await anHour(first);
    rig.policy = { ...POLICY, minKeys: 10 };
    await take(rig, concatBytes(teksOf(10, 14), teksOf(11, 13), teksOf(12, 12)));
    await seal(rig);
    const about = await provenances();
    const [all, dutch] = [await readFeed(rig, 'a2a'), await readFeed(rig, 'NL')].map((feed) => feed.batches.at(-1)!);
    expect(all!.keys).toEqual([]);
    expect(all!.revoked).toEqual(expect.arrayContaining([...hexOf(10, 14), ...hexOf(11, 13)]));
    expect(dutch!.revoked).toEqual(expect.arrayContaining(hexOf(11, 13)));
    expect(all!.exposed.every(({ type }) => type === KEY_TYPE.CANCELLED)).toBe(true);
    for (const key of all!.revoked) expect(about.get(key)).toMatchObject({ consentToFederation: true });
    for (const key of dutch!.revoked) expect(about.get(key)!.regions).toContain('NL');
    // What is left of the public list without the feeds is of several uploads too.
    const { revoked } = await regionAt('EUR');
    const rest = revoked.filter((key) => !all!.revoked.includes(key));
    expect(rest.length).toBeGreaterThanOrEqual(12 + 10);
    for (const part of [rest, dutch!.revoked, all!.revoked.filter((key) => !dutch!.revoked.includes(key))]) {
      expect(part.filter((key) => about.get(key)!.reserve === true).length).toBeGreaterThanOrEqual(10);
    }
    expect(await findings()).toEqual([]);
  });
});

describe('a batch', () => {
  it('goes with its last key, and is not named while its end is near', async ({ expect }) => {
    await anHour(10);
    rig.now = (DAY_0 + 16) * 86_400 + 3 * 3600;
    await rig.untilIdle();
    const { latest } = await readFeed(rig, 'a2a');
    expect(latest).toMatchObject({ oldestBatchId: latest.latestBatchId + 1 });
    expect([...(await feedObjects()).keys()].filter((name) => /\d\.(zip|pb)$/.test(name))).toEqual([]);
  });

  it('that is lost or isn’t ours any more is put again, the same', async ({ expect }) => {
    await anHour(10);
    const before = await feedObjects();
    await testEnv.FEEDS.delete(['a2a/1.zip', 'NL/latest.json', 'jwks.json']);
    await testEnv.FEEDS.put('NL/1.pb', 'somebody else’s');
    await rig.untilIdle();
    expect(await feedObjects()).toEqual(before);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters).toMatchObject({ alert_foreign_object: 1 });
    expect(counters).not.toHaveProperty('alert_feed_batch_lost');
  });

  it('that can’t be put stops no chunk for phones, and comes once it can', async ({ expect }) => {
    rig.onPut = (key) => {
      if (key.startsWith('NL/')) throw new Error('out of reach');
    };
    await rig.accept('u1', keysOf(1, 14), ABROAD);
    rig.now += 3600;
    await rig.untilIdle().catch(() => undefined);
    expect((await regionAt('DE')).inHours).toEqual(expect.arrayContaining(hexOf(1, 14)));
    expect(fedIn(await readFeed(rig, 'a2a'))).toEqual(expect.arrayContaining(hexOf(1, 14)));
    rig.onPut = () => {};
    await rig.untilIdle();
    expect(fedIn(await readFeed(rig, 'NL'))).toEqual(expect.arrayContaining(hexOf(1, 14)));
  });

  it('is the same, under the same number, whatever write the publisher was killed after', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14), ABROAD);
    await rig.accept('u2', keysOf(2, 14), ['DE'], { consentToFederation: false });
    rig.now += 3600;
    const killed: string[] = [];
    rig.afterPut = (key) => {
      if (!/^(a2a|NL)\/|^jwks/.test(key) || killed.includes(key)) return;
      killed.push(key);
      rig.dead = true;
      throw new Error('killed');
    };
    for (let n = 0; n < 20; n++) {
      await rig.untilIdle().catch(() => undefined);
      if (!rig.dead) break;
      const [first, dutch] = [await feedObjects(), killed.at(-1)!];
      expect(first.has(dutch)).toBe(true);
      await rig.evict();
      await rig.tuneBuffer();
    }
    expect(killed.toSorted()).toEqual([...(await feedObjects()).keys()].toSorted());
    for (const feed of ['a2a', 'NL']) {
      const { batches } = await readFeed(rig, feed);
      expect(batches.map(({ batch }) => batch)).toEqual([1]);
      expect(batches[0]!.keys).toEqual(expect.arrayContaining(hexOf(1, 14)));
    }
    expect(await findings()).toEqual([]);
  });
});
