/** @module Hints, both ways: what one moves, and what a peer is told of our feed, when and how often. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { NOON, DeskRig } from '../../test/support/desk-rig.workerd.ts';
import { peerKeys } from '../../test/support/peer-feed.ts';
import { HINT_PACE_SECONDS } from './hint-ops.ts';

const { FEEDS } = env as unknown as { readonly FEEDS: R2Bucket };
const keys = (first: number) => peerKeys(first, 5, NOON);

let rig: DeskRig;
beforeEach(async () => {
  rig = await DeskRig.create();
});

describe('a hint', () => {
  const hint = async (batch: string, after = 0): Promise<number> => {
    rig.now += after;
    await rig.inDesk((desk) => desk.hint('NL', batch));
    return (await rig.status()).nextPoll! - rig.now;
  };

  it('brings the next poll forward by no more than the jitter leaves, and never out of a wait', async ({ expect }) => {
    await rig.poll();
    expect(await hint('1', 10)).toBeLessThanOrEqual(60);
    rig.feed.bend = () => Promise.reject(new Error('away'));
    const failed = await rig.poll();
    expect(await hint('1')).toBe(failed.nextPoll! - rig.now);
  });

  it('is news beyond the last batch alone, one that was lost or not', async ({ expect }) => {
    rig.feed.seal(keys(1));
    rig.feed.seal(keys(10));
    const { nextPoll } = await rig.poll();
    for (const old of ['1', '2', '0', '-3', '3x', '03', '', '20261126-1']) {
      expect(await hint(old)).toBe(nextPoll! - rig.now);
    }
    expect(await hint('4')).toBeLessThanOrEqual(60);
  });

  it('moves nothing again for a while, however often a peer calls', async ({ expect }) => {
    await rig.poll();
    expect(await hint('1')).toBeLessThanOrEqual(60);
    await rig.poll(61);
    expect(await hint('2')).toBeGreaterThan(60);
    expect(await hint('3', HINT_PACE_SECONDS - 100)).toBeGreaterThan(60);
    expect(await hint('4', 100)).toBeLessThanOrEqual(60);
  });

  it('moves nothing where we read nothing', async ({ expect }) => {
    const { nextPoll } = await rig.poll();
    await rig.inDesk((desk) => desk.stop('in', true));
    expect(await hint('1')).toBe(nextPoll! - rig.now);
  });

  it('of a feed that has no numbers moves nothing', async ({ expect }) => {
    const { nextPoll } = await rig.poll();
    rig.config = { ...rig.config, Format: 'google' };
    expect(await hint('1')).toBe(nextPoll! - rig.now);
  });
});

describe('a peer that wants to be told', () => {
  const HintURL = 'https://elsewhere.nl.example/webhook';
  let told: { readonly url: string; readonly method: string; readonly type: string | null; readonly body: string }[];
  let answer: () => Response;

  beforeEach(async () => {
    told = [];
    answer = () => new Response(null, { status: 204 });
    rig.config = { ...rig.config, HintURL };
    rig.vars = { FEED_URL: 'https://peers.de.example' };
    rig.ask = async (asked) => {
      const { url, method, headers, redirect } = asked;
      if (redirect !== 'manual') throw new Error('it would be sent elsewhere');
      told.push({ url, method, type: headers.get('content-type'), body: await asked.text() });
      return answer();
    };
    await seal('a2a', 7);
  });

  const seal = (feed: string, latestBatchId: number): Promise<unknown> =>
    FEEDS.put(
      `${feed}/latest.json`,
      JSON.stringify({
        feed,
        region: 'DE',
        oldestBatchId: 1,
        latestBatchId,
        recommendedNextPollTime: NOON + 3600,
        issuedAt: NOON,
        validUntil: NOON + 14_400,
      }),
    );
  const tell = async (): Promise<Readonly<Record<string, number>>> => {
    await rig.inDesk((desk) => desk.tell('NL'));
    return (await rig.status()).counters;
  };
  const numbers = (): unknown[] => told.map(({ body }) => (JSON.parse(body) as { batchId: number }).batchId);

  it('is told once of each newest batch, at its own address', async ({ expect }) => {
    await tell();
    await tell();
    expect(told).toEqual([
      {
        url: HintURL,
        method: 'POST',
        type: 'application/json',
        body: '{"batchId":7,"baseURL":"https://peers.de.example"}',
      },
    ]);
    await seal('a2a', 9);
    expect(await tell()).toMatchObject({ hints_told: 2 });
    expect(numbers()).toEqual([7, 9]);
  });

  it('is told of the feed that it reads', async ({ expect }) => {
    rig.config = { ...rig.config, ReplicationType: 'partial' };
    await tell();
    expect(told).toEqual([]);
    await seal('NL', 3);
    await tell();
    expect(numbers()).toEqual([3]);
  });

  it.for<[string, () => Response]>([
    ['sends elsewhere', () => Response.redirect('https://inside.example/', 307)],
    ['fails', () => new Response('no', { status: 500 })],
    [
      'is away',
      () => {
        throw new Error('no connection');
      },
    ],
  ])('and %s isn’t told again, nor followed: its polls find the batch', async ([, make], { expect }) => {
    answer = make;
    expect(await tell()).toMatchObject({ hints_failed: 1 });
    await tell();
    expect(told.map(({ url }) => url)).toEqual([HintURL]);
    answer = () => new Response(null, { status: 204 });
    await seal('a2a', 8);
    await tell();
    expect(numbers()).toEqual([7, 8]);
  });

  it('is told nothing while it is stopped, nor of what our feed doesn’t have', async ({ expect }) => {
    await rig.inDesk((desk) => desk.stop('out', true));
    await tell();
    await rig.inDesk((desk) => desk.stop('out', false));
    const { FEED_URL, ...others } = rig.vars;
    rig.vars = { ...others, FEED_URL: '' };
    await tell();
    expect(told).toEqual([]);
    rig.vars = { ...others, FEED_URL };
    await FEEDS.put('a2a/latest.json', 'altered');
    await tell();
    await seal('a2a', 0);
    await tell();
    expect(told).toEqual([]);
    await seal('a2a', 1);
    await tell();
    expect(numbers()).toEqual([1]);
  });
});
