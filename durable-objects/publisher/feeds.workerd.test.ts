/** @module What peers are given, and what they can tell from it: by real objects and buckets, read as a peer reads. */
import { beforeEach, describe, it } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { ABROAD, FEED_POLICY, anHour, fedIn, hexOf, provenances, readFeed } from './feed-rig.ts';
import { exportAt, findings, regionAt, seal, teksIn } from './taking-rig.ts';
import { MIDNIGHT, Rig, keysOf } from './test-rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = FEED_POLICY;
  rig.feeds = ['a2a', 'NL'];
  rig.now = MIDNIGHT + 12 * 3600;
});

describe('a feed', () => {
  it('has the local keys of people who consented, a region’s those of who named it, as numbered batches', async ({
    expect,
  }) => {
    await anHour(rig, 10);
    await rig.accept('peer', keysOf(60, 9), ABROAD, { origin: 'FR' });
    await anHour(rig, 20);
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
});

describe('whoever subtracts feeds from the public chunks', () => {
  it('is left with nothing or with as much as a chunk, and never with decoys alone', async ({ expect }) => {
    for (const first of [10, 20, 30]) await anHour(rig, first);
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
          expect(keys.length, name).toBeGreaterThanOrEqual(FEED_POLICY.minKeys);
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

describe('a batch', () => {
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
});
