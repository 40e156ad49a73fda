/** @module Peers' keys in the store, by real objects and buckets: imported once, published untagged with ours, told apart where it counts, and taken back by whose they are alone. */
import { beforeEach, describe, it } from 'vitest';
import { runInDurableObject } from 'cloudflare:test';
import { compareKeys } from '../../protocol/export/tek-order.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import { packBatch } from '../../domain/federation/packed-batch.ts';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { FEED_POLICY, anHour, fedIn, hexOf, provenances, readFeed } from './feed-rig.ts';
import { lose, restore } from './restore/loss-rig.ts';
import { exportAt, findings, regionAt, seal, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf } from './test-rig.ts';
import { undoPeerBatch } from '../../workers/origin/exchange.ts';
import type { OriginObjects } from '../../workers/origin/bindings.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.now = MIDNIGHT + 12 * 3600;
});

const teks = (upload: number, keys: number): Uint8Array[] => keysOf(upload, keys).map(({ keyData }) => keyData);
const counters = (region: string) =>
  rig.inBuffer((sql) =>
    sql
      .exec('SELECT sum(keys) AS keys, sum(first_uploads) AS uploads FROM release_counter WHERE region = ?', region)
      .one(),
  );
/** One of a person's, with a secret of theirs. */
const opening = (keyData: Uint8Array) => ({ keyData, secret: new Uint8Array(32).fill(keyData[0]!) });
const owned = (upload: number, keys: number) =>
  keysOf(upload, keys).map((key) => ({ ...key, withdrawalHash: withdrawalHash(opening(key.keyData)) }));

describe('a peer’s batch', () => {
  it('is published with ours in every region, in one order, told by nothing', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 10));
    const reply = await rig.importBatch('NL', '1', keysOf(50, 14));
    expect(reply).toEqual({ kind: 'imported', counts: { imported: 14, left: 0, revoked: 0, strange: 0 } });
    await seal(rig);
    for (const region of ['DE', 'EUR']) {
      const { head, inHours } = await regionAt(region);
      expect(inHours.toSorted()).toEqual([...hexOf(1, 10), ...hexOf(50, 14)].toSorted());
      const { keys, header } = await exportAt(
        `v1/${region}/chunks/${head.hours.find(({ empty }) => empty !== true)!.sha256}.zip`,
      );
      expect(header.region).toBe(region);
      expect(teksIn(keys)).toEqual(teksIn(keys.toSorted(compareKeys)));
      expect(new Set(keys.map((key) => Object.keys(key).join())).size).toBe(1);
    }
    expect(await findings()).toEqual([]);
  });

  it('is imported once, whatever is asked again; other keys under its name are refused', async ({ expect }) => {
    await rig.importBatch('NL', '1', keysOf(50, 14));
    expect(await rig.importBatch('NL', '1', keysOf(50, 14))).toMatchObject({ kind: 'known', counts: { imported: 14 } });
    expect(await rig.importBatch('NL', '1', keysOf(51, 14))).toEqual({ kind: 'conflict' });
    expect(await rig.importBatch('NL', '2', [...keysOf(50, 14), ...keysOf(52, 1)])).toMatchObject({
      counts: { imported: 1, left: 14 },
    });
    expect(await rig.importBatch('IT', '1', keysOf(50, 14))).toMatchObject({ counts: { imported: 0, left: 14 } });
    expect(await counters('remote')).toEqual({ keys: 15, uploads: 0 });
  });

  it('of thousands, killed between any two slices, is there once when it was asked again', async ({ expect }) => {
    const many = Array.from({ length: 100 }, (_, n) => keysOf(100 + n, 13)).flat();
    for (const from of [1, 2, 3]) {
      let slice = 0;
      await rig.inBuffer((sql) => {
        sql.exec(`CREATE TRIGGER crash BEFORE UPDATE ON peer_batch WHEN (SELECT value FROM counter WHERE name = 'crash') = 0
          BEGIN SELECT RAISE(ABORT, 'crash'); END`);
        sql.exec(`INSERT OR REPLACE INTO counter (name, value) VALUES ('crash', ?)`, from);
        sql.exec(`CREATE TRIGGER counts AFTER UPDATE ON peer_batch BEGIN
          UPDATE counter SET value = value - 1 WHERE name = 'crash'; END`);
      });
      await expect(rig.importBatch('NL', `${from}`, many.slice(0, 1300))).rejects.toThrow('crash');
      await rig.inBuffer((sql) => {
        slice = sql.exec<{ n: number }>(`SELECT count(*) AS n FROM waiting_row`).one().n;
        sql.exec('DROP TRIGGER crash; DROP TRIGGER counts');
      });
      expect(slice).toBeGreaterThanOrEqual(from * 400);
      await rig.evict();
    }
    expect(await rig.importBatch('NL', '3', many)).toMatchObject({ kind: 'imported' });
    expect(await counters('remote')).toEqual({ keys: 1300, uploads: 0 });
    expect(await counters('DE')).toEqual({ keys: 1300, uploads: 0 });
  });

  it('of thousands lets uploads in between its slices', async ({ expect }) => {
    await rig.tuneBuffer();
    const done: string[] = [];
    const many = Array.from({ length: 200 }, (_, n) => keysOf(100 + n, 13)).flat();
    const batch = rig.buffer
      .importBatch(packBatch({ peer: 'NL', batch: '1', sha256: 'ab'.repeat(32), keys: many, revoked: [] }))
      .then(() => done.push('batch'));
    await rig.accept('u1', keysOf(1, 3));
    done.push('upload');
    await batch;
    expect(done).toEqual(['upload', 'batch']);
    expect(await counters('remote')).toEqual({ keys: 2600, uploads: 0 });
  });

  it('is no company: minima and decoys are of local keys alone', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads: 2, maxHoldHours: 2 };
    await rig.accept('u1', keysOf(1, 10));
    await rig.importBatch('NL', '1', Array.from({ length: 20 }, (_, n) => keysOf(50 + n, 13)).flat());
    await seal(rig);
    expect((await regionAt('DE')).inHours).toEqual([]);
    await seal(rig, 2);
    const { inHours } = await regionAt('DE');
    const about = await provenances();
    const local = inHours.filter((key) => about.get(key)!.origin === 'DE');
    expect(inHours.length - local.length).toBe(260);
    expect(local.length).toBeGreaterThanOrEqual(40);
    expect(new Set([...about.values()].filter(({ synthetic }) => synthetic).map(({ origin }) => origin))).toEqual(
      new Set(['DE']),
    );
  });

  it('without any local key is published by itself, with no decoy', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads: 2 };
    await rig.importBatch('NL', '1', keysOf(50, 14));
    await seal(rig);
    expect((await regionAt('DE')).inHours.toSorted()).toEqual(hexOf(50, 14).toSorted());
  });
});

describe('of a key that is shared here and came from a peer', () => {
  it('the local one stays, and is published once, whichever came first', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    expect(await rig.importBatch('NL', '1', [...keysOf(1, 3), ...keysOf(2, 3)])).toMatchObject({
      counts: { imported: 3, left: 3 },
    });
    expect(await rig.accept('u2', owned(2, 3))).toEqual({ kind: 'stored' });
    expect([await counters('remote'), await counters('DE')]).toEqual([
      { keys: 0, uploads: 0 },
      { keys: 6, uploads: 2 },
    ]);
    // It is no longer the peer's to take back, but its owner's.
    expect(await rig.importBatch('NL', '2', [], teks(2, 3))).toMatchObject({ counts: { revoked: 0, strange: 3 } });
    await seal(rig);
    const { inHours } = await regionAt('DE');
    expect(inHours.toSorted()).toEqual([...hexOf(1, 3), ...hexOf(2, 3)].toSorted());
    for (const about of (await provenances()).values()) expect(about.origin).toBe('DE');
  });

  it('a published one stays the peer’s, and nobody who uploads it can take it back', async ({ expect }) => {
    await rig.importBatch('NL', '1', keysOf(50, 5));
    await seal(rig);
    expect(await rig.accept('u1', owned(50, 5))).toEqual({ kind: 'known' });
    await rig.buffer.withdraw(teks(50, 5).map(opening));
    await rig.importBatch('NL', '2', [], teks(50, 1));
    await seal(rig, 2);
    expect((await regionAt('DE')).revoked).toEqual(hexOf(50, 1));
  });
});

describe('a revocation', () => {
  it('by the origin ends what waits and takes back what is published; by a stranger nothing', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 6));
    await rig.importBatch('NL', '1', keysOf(50, 5));
    await seal(rig);
    await rig.importBatch('NL', '2', keysOf(51, 5));
    expect(await rig.importBatch('IT', '1', [], [...teks(50, 5), ...teks(51, 5), ...teks(1, 6)])).toMatchObject({
      counts: { revoked: 0, strange: 16 },
    });
    expect(await rig.importBatch('NL', '3', [], [...teks(50, 2), ...teks(51, 2), ...teks(1, 6)])).toMatchObject({
      counts: { revoked: 4, strange: 6 },
    });
    await seal(rig, 2);
    const { revoked, inHours } = await regionAt('DE');
    expect(revoked.toSorted()).toEqual(hexOf(50, 2).toSorted());
    const gone = hexOf(51, 2);
    expect(inHours.filter((key) => gone.includes(key))).toEqual([]);
    // Taken back once, it never comes again.
    expect(await rig.importBatch('NL', '4', keysOf(51, 2))).toMatchObject({ counts: { imported: 0 } });
    expect(await findings()).toEqual([]);
  });
});

/** As `origin` has them. */
const objects = (): OriginObjects => {
  const { publisher, buffer } = rig;
  const takeBackPeerBatch = (request: never) => rig.inPublisher((one) => one.takeBackPeerBatch(request));
  return { buffer, publisher: { takeBackPeerBatch }, parameters: publisher } as unknown as OriginObjects;
};

describe('a gateway that brings out again what it had', () => {
  it('brings nothing, under the old tag or a new one, for as long as such keys could be published', async ({
    expect,
  }) => {
    const published = keysOf(50, 5);
    const waiting = [51, 53, 54].flatMap((upload) => keysOf(upload, 1, DAY_0));
    await rig.importBatch('NL', 'efgs:1', [...published, ...waiting]);
    await rig.importBatch('FR', 'efgs:1', keysOf(52, 5));
    await seal(rig);
    await rig.importBatch('NL', 'efgs:2', [], [...teks(50, 2), waiting[0]!.keyData]);
    const undo = { id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2a', peer: null, batch: 'efgs:1' };
    expect(await undoPeerBatch(objects(), undo)).toMatchObject({ dropped: 2 });
    await seal(rig, 2);
    for (const day of [0, 1, 7, 12, 13, 14, 15, 16, 17]) {
      rig.now = MIDNIGHT + day * 86_400 + 20 * 3600;
      await rig.tuneBuffer();
      await runInDurableObject(rig.buffer, (buffer) => buffer.expire());
      const again = await rig.importBatch('NL', `efgs:new-${day}`, [...published, ...waiting]);
      expect(again).toMatchObject({ counts: { imported: 0, left: 8 } });
      expect(await rig.importBatch('FR', `efgs:new-${day}`, keysOf(52, 5))).toMatchObject({ counts: { imported: 0 } });
      const old = await rig.importBatch('NL', 'efgs:1', [...published, ...waiting]);
      expect('counts' in old ? old.counts.imported : 0).toBe(0);
    }
    expect(await counters('remote')).toEqual({ keys: 0, uploads: 0 });
  });

  it('can’t withhold a key until its country has taken it back, also after a loss; another may have the key', async ({
    expect,
  }) => {
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.importBatch('NL', 'efgs:1', keysOf(60, 1), teks(50, 3));
    await rig.untilIdle();
    rig.now += 3 * 3600;
    await rig.untilIdle();
    await rig.evict();
    await rig.wakeBuffer();
    expect(await rig.importBatch('NL', 'efgs:2', keysOf(50, 4))).toMatchObject({ counts: { imported: 1, left: 3 } });
    await lose(rig);
    expect((await restore(rig, testKeyPem('RESTORE_PRIVATE_KEY'))).kind).toBe('restored');
    await rig.untilIdle();
    expect(await rig.importBatch('NL', 'efgs:3', keysOf(50, 3))).toMatchObject({ counts: { imported: 0, left: 3 } });
    expect(await rig.importBatch('IT', '1', keysOf(50, 1))).toMatchObject({ counts: { imported: 1 } });
    expect(await rig.accept('u1', keysOf(50, 2))).toEqual({ kind: 'stored' });
  });

  it('has so many revocations remembered, and no more', async ({ expect }) => {
    await rig.importBatch('NL', 'efgs:1', [], teks(50, 1));
    await rig.inBuffer((sql) => sql.exec('UPDATE peer_batch SET strange = 99999'));
    await rig.importBatch('NL', 'efgs:2', [], teks(51, 2));
    expect(await rig.importBatch('NL', 'efgs:3', keysOf(51, 2))).toMatchObject({ counts: { imported: 1, left: 1 } });
  });
});

describe('a rollback of a gateway’s batch', () => {
  const [first, later] = ['efgs:20261126-1', 'efgs:20261127-1'];
  const undo = { id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2a', peer: null, batch: first };

  it('is one act in every country, goes on where it was cut off, and touches no other batch', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 6));
    await rig.importBatch('NL', first, keysOf(50, 5));
    await seal(rig);
    await rig.importBatch('FR', first, keysOf(51, 5));
    await rig.importBatch('NL', later, keysOf(52, 5));
    await rig.importBatch('NL', '1', keysOf(53, 5));
    const { publisher } = objects();
    const cut = {
      ...objects(),
      publisher: { ...publisher, takeBackPeerBatch: () => Promise.reject(new Error('crash')) },
    } as unknown as OriginObjects;
    await expect(undoPeerBatch(cut, undo)).rejects.toThrow('crash');
    await rig.evict();
    for (let n = 0; n < 2; n++) {
      expect(await undoPeerBatch(objects(), undo)).toEqual({ state: 'done', dropped: 5, taken: 5 });
    }
    // Of no country, one that brought nothing of it yet neither.
    for (const [n, country] of ['NL', 'FR', 'IT'].entries()) {
      expect(await rig.importBatch(country, first, keysOf(60 + n, 2))).toEqual({ kind: 'ended' });
    }
    expect(await rig.importBatch('IT', later, keysOf(63, 2))).toMatchObject({ kind: 'imported' });
    await seal(rig, 2);
    const { revoked, inHours } = await regionAt('DE');
    expect(revoked.toSorted()).toEqual(hexOf(50, 5).toSorted());
    // The chunk that they were in stays as it is.
    const left = [...hexOf(1, 6), ...hexOf(50, 5), ...hexOf(52, 5), ...hexOf(53, 5), ...hexOf(63, 2)];
    expect(inHours.toSorted()).toEqual(left.toSorted());
    expect(await findings()).toEqual([]);
  });

  it('is none of a feed’s, whose numbers every peer has', async ({ expect }) => {
    await expect(undoPeerBatch(objects(), { ...undo, batch: '1' })).rejects.toThrow(RangeError);
  });
});

describe('a rollback of one batch', () => {
  it('drops what waits of it, takes back what is published, and stores nothing more of it', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 6));
    await rig.importBatch('NL', '1', keysOf(50, 5));
    await rig.importBatch('NL', '2', keysOf(51, 5));
    await rig.importBatch('IT', '1', keysOf(52, 5));
    await seal(rig);
    const undo = (batch: string) =>
      undoPeerBatch(objects(), { id: `5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2${batch}`, peer: 'NL', batch });
    await rig.importBatch('NL', '3', keysOf(53, 5));
    expect(await undo('1')).toEqual({ state: 'done', dropped: 0, taken: 5 });
    expect(await undo('3')).toEqual({ state: 'done', dropped: 5, taken: 0 });
    expect(await rig.importBatch('NL', '3', keysOf(54, 5))).toEqual({ kind: 'ended' });
    await seal(rig, 2);
    const { revoked } = await regionAt('DE');
    expect(revoked.toSorted()).toEqual(hexOf(50, 5).toSorted());
    expect(await counters('remote')).toEqual({ keys: 0, uploads: 0 });
  });
});

describe('after the loss of all storage', () => {
  it('keys of peers wait again, and who may take them back is still known', async ({ expect }) => {
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.accept('u1', keysOf(1, 8));
    await rig.importBatch('NL', '1', keysOf(50, 5));
    await rig.untilIdle();
    rig.now += 3 * 3600;
    await rig.untilIdle();
    await rig.importBatch('NL', '2', keysOf(51, 5));
    await rig.evict();
    await rig.wakeBuffer();
    await lose(rig);
    expect((await restore(rig, testKeyPem('RESTORE_PRIVATE_KEY'))).kind).toBe('restored');
    await rig.untilIdle();
    // The cursor of whoever imports may be older than the loss.
    expect(await rig.importBatch('NL', '2', keysOf(51, 5))).toMatchObject({ counts: { imported: 0, left: 5 } });
    expect(await counters('remote')).toEqual({ keys: 5, uploads: 0 });
    expect(await rig.importBatch('IT', '1', [], [...teks(50, 1), ...teks(51, 1)])).toMatchObject({
      counts: { strange: 2 },
    });
    expect(await rig.importBatch('NL', '3', [], [...teks(50, 1), ...teks(51, 1)])).toMatchObject({
      counts: { revoked: 2 },
    });
  });
});

describe('whoever subtracts feeds, of ours and of peers, from the public chunks', () => {
  it('is left with as much as a chunk of local keys or nothing, and finds no peer’s key in ours', async ({
    expect,
  }) => {
    rig.policy = FEED_POLICY;
    rig.feeds = ['a2a', 'NL'];
    await rig.importBatch('NL', '1', keysOf(70, 14));
    await anHour(rig, 10);
    await rig.importBatch('NL', '2', keysOf(71, 14));
    await rig.importBatch('IT', '1', keysOf(72, 14));
    await rig.accept('lone', keysOf(40, 5), ['DE'], { consentToFederation: false });
    await seal(rig);
    const feeds = [fedIn(await readFeed(rig, 'a2a')), fedIn(await readFeed(rig, 'NL'))];
    const peers = [[...hexOf(70, 14), ...hexOf(71, 14)], hexOf(72, 14)];
    for (const feed of feeds) expect(feed.filter((key) => peers.flat().includes(key))).toEqual([]);
    const all = [...feeds, ...peers];
    for (const region of ['DE', 'EUR']) {
      for (const { sha256, empty } of (await regionAt(region)).head.hours) {
        if (empty === true) continue;
        const chunk = teksIn((await exportAt(`v1/${region}/chunks/${sha256}.zip`)).keys);
        const foreign = new Set(peers.flat());
        for (const some of [[], [0], [1], [2], [3], [0, 1], [2, 3], [0, 2], [0, 1, 2, 3]]) {
          const known = new Set(some.flatMap((n) => all[n]!));
          const left = chunk.filter((key) => !known.has(key) && !foreign.has(key));
          if (left.length > 0)
            expect(left.length, `${region} − ${some.join()}`).toBeGreaterThanOrEqual(FEED_POLICY.minKeys);
        }
      }
    }
  });
});

it('nothing of a batch is kept longer than its keys', async ({ expect }) => {
  await rig.importBatch('NL', '1', keysOf(50, 5));
  const rows = () => rig.inBuffer((sql) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM peer_batch').one().n);
  for (const [days, left] of [
    [15, 1],
    [17, 0],
  ] as const) {
    rig.now = MIDNIGHT + 12 * 3600 + days * 86_400;
    await rig.tuneBuffer();
    await runInDurableObject(rig.buffer, (buffer) => buffer.expire());
    expect(await rows()).toBe(left);
  }
});
