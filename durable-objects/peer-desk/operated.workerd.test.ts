/** @module What operators do with a desk, and what a peer’s hint and the time that a poll takes do to it. */
import { beforeEach, describe, it } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { peerKeys } from '../../test/support/peer-feed.ts';
import { DeskRig, NOON } from '../../test/support/desk-rig.workerd.ts';

let rig: DeskRig;
beforeEach(async () => {
  rig = await DeskRig.create();
});

const keys = (first: number, count = 5) => peerKeys(first, count, NOON);
const hex = (first: number, count = 5): string[] => keys(first, count).map(({ keyData }) => toHex(keyData));

describe('the kill switch', () => {
  it('stops reading at once, and starts it again where it was', async ({ expect }) => {
    rig.feed.seal(keys(1));
    await rig.inDesk((desk) => desk.stop('in', true));
    // Who isn't asked has given no answer that held.
    expect((await rig.poll()).lastSuccessHour).toBeNull();
    expect([rig.feed.asked, rig.origin.calls]).toEqual([[], 0]);
    await rig.inDesk((desk) => desk.stop('in', false));
    expect((await rig.poll(0)).lastSuccessHour).not.toBeNull();
    expect(rig.origin.keys).toEqual(hex(1));
  });

  it('that is pressed while a poll is under way lets in no further batch', async ({ expect }) => {
    for (const first of [1, 10, 20]) rig.feed.seal(keys(first));
    await rig.inDesk(async (desk) => {
      rig.feed.bend = async (path, answer) => {
        if (path === '/v1/a2a/keys/2') await desk.stop('in', true);
        return answer();
      };
      await desk.advance('NL');
      expect((await desk.status('NL')).state.lastBatchID).toBe('1');
    });
    expect([rig.origin.keys, rig.feed.asked.includes('/v1/a2a/keys/3')]).toEqual([hex(1), false]);
  });
});

describe('a feed that is read from its beginning', () => {
  it('goes on where a number that a thief gave had ended it; what was read is passed over, whatever became of it', async ({
    expect,
  }) => {
    for (const first of [1, 10]) rig.feed.seal(keys(first));
    await rig.poll();
    // Whoever has the peer's key for a day signs what they like, under the number they like.
    Object.assign(rig.feed, { latest: 999_999_999_999, oldest: 999_999_999_999 });
    const path = '/v1/a2a/keys/999999999999';
    rig.feed.bend = async (asked, answer) =>
      asked === path ? rig.feed.signed(path, rig.feed.zip({ keys: keys(900), revoked: [] })) : answer();
    expect((await rig.poll()).state.lastBatchID).toBe('999999999999');
    Object.assign(rig.feed, {
      latest: null,
      oldest: 1,
      bend: async (_path: string, answer: () => Response) => answer(),
    });
    rig.feed.batches[1] = { keys: keys(800), revoked: [] };
    rig.feed.seal(keys(20));
    expect((await rig.poll()).fault).toBe('rewound: 3 after 999999999999');
    const { calls } = rig.origin;
    expect(await rig.inDesk((desk) => desk.reread('NL'))).toBe(true);
    const { state, fault, batches, counters } = await rig.poll(0);
    expect([state.lastBatchID, fault, counters['alert_batch_changed'], rig.origin.calls - calls]).toEqual([
      '3',
      null,
      1,
      1,
    ]);
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(900), ...hex(20)]);
    expect(batches.map(({ batch }) => batch).toSorted()).toEqual(['1', '2', '3', '999999999999']);
  });

  it('while a poll is under way begins anew all the same', async ({ expect }) => {
    for (const first of [1, 10]) rig.feed.seal(keys(first));
    await rig.poll();
    rig.feed.seal(keys(20));
    rig.now += 3660;
    await rig.inDesk(async (desk) => {
      rig.origin.after = () => void desk.reread('NL');
      await desk.advance('NL');
      expect((await desk.status('NL')).state.lastBatchID).toBe('3');
    });
    expect(rig.feed.asked.filter((path) => path === '/v1/a2a/keys/1')).toHaveLength(2);
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(20)]);
  });
});

describe('a poll', () => {
  it('that lasts too long asks nothing more, and what it has read is kept', async ({ expect }) => {
    for (const first of [1, 10]) rig.feed.seal(keys(first));
    await rig.inDesk(async (desk) => {
      rig.feed.bend = async (path, answer) => {
        if (path === '/v1/a2a/keys/1') Object.assign(desk, { pollMs: -1 });
        return answer();
      };
      await desk.advance('NL');
      const { state, fault, nextPoll } = await desk.status('NL');
      expect([state.lastBatchID, fault, nextPoll]).toEqual(['1', null, rig.now + 1]);
      rig.now += 2;
      const asked = rig.feed.asked.length;
      await desk.advance('NL');
      expect([(await desk.status('NL')).fault, rig.feed.asked.length]).toEqual(['network: no answer', asked]);
    });
  });

  it('of a peer that PEERS names no more rings no alarm again', async ({ expect }) => {
    await rig.poll();
    rig.config = { ...rig.config, RegionID: 'IT' };
    const { storage } = await rig.inDesk(async (desk) => {
      rig.now += 7200;
      await desk.alarm();
      const own = (desk as unknown as { readonly ctx: DurableObjectState }).ctx;
      return { storage: await own.storage.getAlarm() };
    });
    expect(storage).toBeNull();
  });
});
