/** @module Feeds over hours and days: documents, files, what is taken back, what is lost, and the publisher killed after each write. */
import { beforeEach, describe, it } from 'vitest';
import { KEY_TYPE } from '../../protocol/feed/exposed-list.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { ABROAD, FEED_POLICY, anHour, feedObjects, hexOf, provenances, readFeed } from './feed-rig.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { lose, restore } from './restore/loss-rig.ts';
import { exportAt, findings, regionAt, seal, take } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, testEnv } from './test-rig.ts';

const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = FEED_POLICY;
  rig.feeds = ['a2a', 'NL'];
  rig.now = MIDNIGHT + 12 * 3600;
});

describe('a feed', () => {
  it('says nothing of regions: its files are as any of this country’s', async ({ expect }) => {
    await anHour(rig, 10);
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
    await anHour(rig, 10);
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
    await anHour(rig, 10);
    rig.feeds = ['a2a', 'NL'];
    await anHour(rig, 20);
    const { latest, batches } = await readFeed(rig, 'NL');
    expect(latest).toMatchObject({ oldestBatchId: 1, latestBatchId: 1 });
    expect(batches[0]!.keys).not.toEqual(expect.arrayContaining(hexOf(11, 13)));
    expect((await readFeed(rig, 'a2a')).latest.latestBatchId).toBe(2);
  });

  it('takes no more keys a file than a phone’s, and numbers go on', async ({ expect }) => {
    rig.policy = { ...FEED_POLICY, maxKeysPerFile: 90 };
    for (let n = 0; n < 14; n++) await rig.accept(`u${n}`, keysOf(100 + n, 14));
    await seal(rig);
    const { batches } = await readFeed(rig, 'a2a');
    expect(batches.map(({ batch }) => batch)).toEqual([1, 2, 3]);
    expect(new Set(batches.map(({ file }) => file.header.endTimestamp)).size).toBe(3);
  });
});

describe('keys that are taken back', () => {
  it('are REVOKED in the next batch of each feed that had them, and in no other', async ({ expect }) => {
    for (const first of [10, 20, 30, 40]) await anHour(rig, first);
    rig.policy = { ...FEED_POLICY, minKeys: 10 };
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

  it('wait while the part that they are in has too little company, in the public list too', async ({ expect }) => {
    await anHour(rig, 10);
    await take(rig, teksOf(12, 12));
    await seal(rig);
    expect((await regionAt('EUR')).revoked).toEqual([]);
    for (const first of [20, 30, 40, 50, 60, 70]) await anHour(rig, first);
    const { revoked } = await regionAt('EUR');
    expect(revoked).toEqual(expect.arrayContaining(hexOf(12, 12)));
    const feeds = new Set((await readFeed(rig, 'a2a')).batches.flatMap((batch) => [...batch.revoked]));
    const rest = revoked.filter((key) => !feeds.has(key) && !hexOf(12, 12).includes(key));
    expect(rest.length).toBeGreaterThanOrEqual(FEED_POLICY.minKeys);
    expect(await findings()).toEqual([]);
  });
});

describe('a batch', () => {
  it('is not named while its end is near, and goes at its midnight', async ({ expect }) => {
    rig.now = MIDNIGHT + 21 * 3600;
    await anHour(rig, 10);
    expect((await readFeed(rig, 'a2a')).latest).toMatchObject({ oldestBatchId: 1, latestBatchId: 1 });
    await rig.inPublisherStorage((sql) => sql.exec('UPDATE feed_batch SET until_day = ?', DAY_0 + 1));
    await seal(rig);
    expect((await readFeed(rig, 'a2a')).latest).toMatchObject({ oldestBatchId: 2, latestBatchId: 1 });
    expect((await feedObjects()).has('a2a/1.zip')).toBe(true);
    await seal(rig);
    expect([...(await feedObjects()).keys()].filter((name) => /\d\.(zip|pb)$/.test(name))).toEqual([]);
  });

  it('of old keys alone goes no sooner than the one before it: what the document names is there', async ({
    expect,
  }) => {
    rig.policy = { ...FEED_POLICY, minKeys: 1, minUploads: 1, reserveUploads: 0 };
    await rig.accept('u1', keysOf(1, 14), ABROAD);
    await seal(rig);
    await rig.accept('u2', keysOf(2, 14).slice(11), ABROAD);
    await seal(rig);
    const before = await feedObjects();
    await testEnv.FEEDS.delete(['a2a/2.zip', 'a2a/2.pb']);
    await rig.untilIdle();
    expect(await feedObjects()).toEqual(before);
    // The newest key of the second upload has left by now, not that of the first.
    rig.now = (DAY_0 + 4) * 86_400 + 3 * 3600;
    await rig.untilIdle();
    const { latest, batches } = await readFeed(rig, 'a2a');
    expect(latest.oldestBatchId).toBe(1);
    expect(batches.slice(0, 2).map(({ keys }) => keys)).toEqual([
      expect.arrayContaining(hexOf(1, 14)),
      expect.arrayContaining(hexOf(2, 14).slice(11)),
    ]);
  });

  it('goes with its last key', async ({ expect }) => {
    rig.policy = { ...FEED_POLICY, retentionDays: 4 };
    await anHour(rig, 10);
    rig.now = (DAY_0 + 4 + 2) * 86_400 + 3 * 3600;
    await rig.untilIdle();
    const { latest } = await readFeed(rig, 'a2a');
    // Decoys of the days since are fed too, and are younger.
    expect(latest.oldestBatchId).toBeGreaterThan(1);
    expect((await feedObjects()).has('a2a/1.zip')).toBe(false);
  });

  it('that is lost or isn’t ours any more is put again, the same', async ({ expect }) => {
    await anHour(rig, 10);
    const before = await feedObjects();
    await testEnv.FEEDS.delete(['a2a/1.zip', 'NL/latest.json', 'jwks.json']);
    await testEnv.FEEDS.put('NL/1.pb', 'somebody else’s');
    await rig.untilIdle();
    expect(await feedObjects()).toEqual(before);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters).toMatchObject({ alert_foreign_object: 1 });
    expect(counters).not.toHaveProperty('alert_feed_batch_lost');
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

  it('has the next number after everything but the buckets was lost, and those before are as they were', async ({
    expect,
  }) => {
    await anHour(rig, 10);
    await rig.evict();
    await rig.wakeBuffer();
    const before = await feedObjects();
    await lose(rig);
    expect(await restore(rig, testKeyPem('RESTORE_PRIVATE_KEY'))).toMatchObject({ kind: 'restored' });
    await rig.untilIdle();
    expect(await feedObjects()).toEqual(before);
    await anHour(rig, 20);
    for (const [name, bytes] of before) {
      if (/\d\.(zip|pb)$/.test(name)) expect((await feedObjects()).get(name)).toBe(bytes);
    }
    const { batches } = await readFeed(rig, 'NL');
    expect(batches.map(({ batch }) => batch)).toEqual([1, 2]);
    expect(batches[1]!.keys).toEqual(expect.arrayContaining(hexOf(21, 13)));
    expect(await findings()).toEqual([]);
  });
});
