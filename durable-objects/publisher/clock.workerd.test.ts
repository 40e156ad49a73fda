/**
 * @module Clocks that jump (docs/architecture.md §11): what is published, deleted and held back then, in the publisher and the buffer.
 */
import { runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { beforeEach, describe, it } from 'vitest';
import { hourOf, keyEnd } from '../../protocol/gaen/intervals.ts';
import { headPath, type ManifestHead } from '../../protocol/index/manifest.ts';
import { BELIEVED_AHEAD_SECONDS, ClockGuard, r2Clock } from '../clock-guard.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';

const NOON = MIDNIGHT + 12 * 3600;
const DAY = 86_400;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.now = NOON;
});

const head = async (): Promise<ManifestHead> =>
  JSON.parse(((await publicJson(headPath('DE'))) as { payload: string }).payload) as ManifestHead;
const privateObjects = async (): Promise<string[]> =>
  [...(await objects(testEnv.PRIVATE)).keys()].filter((key) => key.startsWith('sets/'));
const counters = async () => (await rig.inPublisher((publisher) => publisher.status())).counters;
const releaseHours = (): Promise<number[]> =>
  rig.inBuffer((sql) =>
    sql
      .exec<{ hour: number }>('SELECT DISTINCT release_hour AS hour FROM waiting_row ORDER BY hour')
      .toArray()
      .map(({ hour }) => hour),
  );

/** A phone's key of the running day: valid until midnight. */
const runningKey = (upload: number) => keysOf(upload, 1, DAY_0);

describe('a clock that jumps ahead, while a second source of time says otherwise', () => {
  it('by 7 days publishes no key that is still running, holds no upload back, and is told', async ({ expect }) => {
    await rig.accept('u0', keysOf(1, 3));
    await rig.untilIdle();
    await rig.accept('u1', runningKey(2));
    expect(keyEnd(runningKey(2)[0]!)).toBeGreaterThan(NOON + 11 * 3600);
    rig.second = NOON;
    rig.now = NOON + 7 * DAY;
    await rig.untilIdle();
    // Two hours at most, and the release rule leaves two.
    expect((await head()).issuedAt).toBeLessThanOrEqual(NOON + BELIEVED_AHEAD_SECONDS);
    expect(await releaseHours()).toEqual([hourOf(MIDNIGHT + DAY) + 1]);
    await rig.accept('u2', keysOf(3, 1));
    expect((await releaseHours())[0]).toBe(hourOf(NOON) + 2);
    expect(await counters()).toMatchObject({ alert_clock_held: 1 });
    expect(await rig.inPublisher((publisher) => publisher.clockStatus('publisher', null))).toEqual({
      object: 'publisher',
      now: NOON + 7 * DAY,
      confirmed: NOON,
      held: true,
    });
    // The clock is right again: everything goes on, and what came meanwhile is published in time.
    rig.now = rig.second = NOON + 3 * 3600;
    await rig.untilIdle();
    expect((await head()).issuedAt).toBe(NOON + 3 * 3600);
    expect(await releaseHours()).toEqual([hourOf(MIDNIGHT + DAY) + 1]);
    expect((await rig.inPublisher((publisher) => publisher.clockStatus('publisher', null))).held).toBe(false);
  });

  it('by 15 days deletes no private record, no chunk and no hash of a known key', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 5));
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    const before = [await privateObjects(), [...(await objects(testEnv.PUBLIC)).keys()]];
    expect(before[0]!.length).toBeGreaterThan(4);
    rig.second = rig.now;
    rig.now += 15 * DAY;
    await rig.untilIdle();
    const after = [await privateObjects(), [...(await objects(testEnv.PUBLIC)).keys()]];
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toEqual(expect.arrayContaining(before[1]!));
    const known = await rig.inBuffer((sql) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM known_key').one().n);
    expect(known).toBe(5);
  });

  it('goes on by what the schedule of the cron confirms, two hours ahead of it at most', async ({ expect }) => {
    await rig.untilIdle();
    rig.second = 'out of reach';
    rig.now = NOON + 30 * DAY;
    for (let real = NOON; real <= NOON + 6 * 3600; real += 3600) {
      await rig.inPublisher((publisher) => publisher.clockStatus('publisher', real));
      await runInDurableObject(rig.buffer, (buffer) => buffer.clockStatus('buffer', real));
      await rig.untilIdle();
      expect((await head()).issuedAt).toBe(real + BELIEVED_AHEAD_SECONDS);
    }
  });
});

describe('an outage', () => {
  it.for([
    ['by R2, which answers', null],
    ['by the cron alone', 'out of reach'],
  ] as const)('of two days is made up for, confirmed %s', { timeout: 60_000 }, async ([, second], { expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.untilIdle();
    rig.now += 2 * DAY;
    rig.second = second;
    if (second !== null) {
      await rig.inPublisher((publisher) => publisher.clockStatus('publisher', rig.now));
      await runInDurableObject(rig.buffer, (buffer) => buffer.clockStatus('buffer', rig.now));
    }
    await rig.untilIdle(200);
    expect((await head()).issuedAt).toBe(rig.now);
    expect(await counters()).not.toHaveProperty('alert_clock_held');
  });

  it('while nothing confirms it waits, takes uploads, and an operator ends it', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.untilIdle();
    rig.now += DAY;
    rig.second = 'out of reach';
    expect((await rig.accept('u2', keysOf(2, 3))).kind).toBe('stored');
    await rig.untilIdle();
    expect((await head()).issuedAt).toBe(NOON + BELIEVED_AHEAD_SECONDS);
    await rig.evict();
    await rig.untilIdle();
    expect((await head()).issuedAt).toBe(NOON + BELIEVED_AHEAD_SECONDS);
    expect(await counters()).toMatchObject({ alert_clock_held: 1 });
    await rig.inPublisher((publisher) => publisher.clockStatus('publisher', rig.now));
    await runInDurableObject(rig.buffer, (buffer) => buffer.clockStatus('buffer', rig.now));
    await rig.untilIdle();
    expect((await head()).issuedAt).toBe(rig.now);
  });
});

describe('a clock that goes back', () => {
  it('is believed at once: nothing is due, and nothing waits', async ({ expect }) => {
    await rig.untilIdle();
    const { issuedAt } = await head().catch(() => ({ issuedAt: 0 }));
    rig.now -= 3 * DAY;
    await rig.untilIdle();
    expect((await head().catch(() => ({ issuedAt: 0 }))).issuedAt).toBe(issuedAt);
    expect(await counters()).not.toHaveProperty('alert_clock_held');
  });
});

describe('the guard', () => {
  it('never believes more than the bound past what a second source has said, whatever clocks do', async ({
    expect,
  }) => {
    const hours = fc.integer({ min: -30 * 24, max: 30 * 24 });
    const event = fc.record({ step: hours, error: hours, asked: fc.constantFrom('cron', 'r2', 'nobody') });
    await runInDurableObject(rig.publisher, async (_publisher, state) => {
      await fc.assert(
        fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
          state.storage.sql.exec('DELETE FROM clock_guard');
          let guard = new ClockGuard(state.storage);
          // True time goes on; the object's clock is off by `error` at each look.
          let real = NOON;
          await guard.believe(real, null);
          for (const { step, error, asked } of events) {
            real += Math.abs(step) * 60;
            const now = real + error * 3600;
            if (asked === 'cron') guard.confirm(now, real);
            const believed = await guard.believe(now, asked === 'r2' ? async () => real : null);
            expect(believed).toBeLessThanOrEqual(real + BELIEVED_AHEAD_SECONDS);
            expect(believed).toBeLessThanOrEqual(now);
            // Whatever is confirmed and right is believed as it is.
            if (asked !== 'nobody' && error >= 0 && error <= 1) expect(believed).toBe(now);
            guard = new ClockGuard(state.storage);
          }
        }),
        { seed: 20_260_615, numRuns: 200 },
      );
    });
  });

  it('asks R2 for the time by a put that R2 stamps', async ({ expect }) => {
    const at = await r2Clock(testEnv.PRIVATE)();
    expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(60);
    expect(await testEnv.PRIVATE.head('clock')).toBeNull();
  });
});
