/** @module Counts for health authorities in the buffer's real storage: with the upload or not at all, shown once and for good, readable by nobody before, gone with the keys. */
import { beforeEach, describe, it } from 'vitest';
import type { ShownStats } from '../../domain/publish-stats.ts';
import { DAY_0, MIDNIGHT, Rig } from '../publisher/test-rig.ts';
import { AUTHORITY, certified, publish, tokenOf } from './publish-world.ts';

const DAY = 86_400;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  await rig.accept('u0', certified(99, 5, 'confirmed'));
});

async function stats(authority = AUTHORITY): Promise<ShownStats[]> {
  await rig.tuneBuffer();
  return rig.buffer.stats(authority);
}

/** Days that are shown on `today`, whether or not anybody came: of the retention those that have been over for two days. */
const everyDay = (today: number): number[] => Array.from({ length: 12 }, (_, n) => today - 14 + n);
const daysOf = (shown: readonly ShownStats[]): number[] => shown.map(({ day }) => day);

/** Ten uploads of three keys on one day, in numbers from `first`. */
async function ten(first: number): Promise<void> {
  for (let n = first; n < first + 10; n++) {
    await publish(rig, `u${n}`, certified(n, 3, 'confirmed'), 'confirmed', null, { onsetDays: 4 });
  }
}

const rows = () =>
  rig.inBuffer((sql) =>
    sql.exec<{ day: number; sealed: ArrayBuffer | null }>('SELECT day, sealed FROM publish_stats').toArray(),
  );

describe('counts of uploads', () => {
  it('are shown when their day is over, exact where they are not small, and each once', async ({ expect }) => {
    await ten(1);
    const token = tokenOf(await publish(rig, 'u20', certified(20, 2, 'likely'), 'likely', null, { onsetDays: 4 }));
    await publish(rig, 'u21', certified(20, 2, 'confirmed'), 'confirmed', token, { onsetDays: null });
    // The same again, an answer lost, and one that is refused.
    await publish(rig, 'u20', certified(20, 2, 'likely'), 'likely', null, { onsetDays: 4 });
    await publish(rig, 'u22', certified(20, 2, 'confirmed'), 'confirmed', null);
    expect(daysOf(await stats())).toEqual(everyDay(DAY_0));
    rig.now = MIDNIGHT + DAY;
    const shown = await stats();
    expect(daysOf(shown)).toEqual([...everyDay(DAY_0 + 1), DAY_0]);
    const day = shown.at(-1);
    expect(day).toMatchObject({ day: DAY_0, publishes: 12, teks: 32 });
    // The oldest of three keys is three days old, of two two.
    expect(day!.tekAges[3]).toBe(10);
    expect(day!.onsetDays[4]).toBe(11);
    // One that came a moment before midnight, and is stored a moment after the day was shown.
    rig.now -= 1;
    await publish(rig, 'u23', certified(23, 3, 'confirmed'), 'confirmed');
    rig.now += 3 * DAY;
    expect((await stats()).find((one) => one.day === DAY_0)).toEqual(day);
  });

  it('of few people are shown two days later, and ever the same, whoever asks how often, an eviction or not', async ({
    expect,
  }) => {
    await publish(rig, 'u1', certified(1, 3, 'confirmed'), 'confirmed');
    rig.now = MIDNIGHT + 3 * DAY - 1;
    expect(daysOf(await stats())).toEqual(everyDay(DAY_0 + 2));
    rig.now += 1;
    const first = await stats();
    // Days on which nobody came are there as well, with noise of their own: an authority of which nobody ever came is shown as many.
    expect(daysOf(first)).toEqual(everyDay(DAY_0 + 3));
    expect(daysOf(await stats('health-fr'))).toEqual(everyDay(DAY_0 + 3));
    await rig.evict();
    expect(await stats()).toEqual(first);
    // Nothing true is left.
    expect((await rows()).filter(({ sealed }) => sealed !== null)).toEqual([]);
    rig.now += 2 * DAY;
    const later = await stats();
    expect(daysOf(later)).toEqual(everyDay(DAY_0 + 5));
    expect(later.slice(0, 10)).toEqual(first.slice(2));
  });

  it('lie sealed while their day isn’t shown, and are as none once the key is gone', async ({ expect }) => {
    await ten(1);
    const before = await rows();
    expect(before).toHaveLength(1);
    await publish(rig, 'u30', certified(30, 3, 'confirmed'), 'confirmed');
    const [was, is] = [before[0]!.sealed!, (await rows())[0]!.sealed!].map((sealed) => new Uint8Array(sealed));
    // Neither the counts nor what an upload changed can be read off two states.
    expect(is!.length).toBe(was!.length);
    expect(was!.filter((byte, n) => byte === is![n]).length).toBeLessThan(was!.length / 4);
    await rig.inBuffer((sql) => void sql.exec('UPDATE publish_stats SET seal_hour = seal_hour + 1'));
    rig.now = MIDNIGHT + 3 * DAY;
    expect((await stats()).at(-1)!.publishes).toBeLessThan(10);
  });

  it('are sealed anew before their key goes, shown without anybody asking, and forgotten with the keys', async ({
    expect,
  }) => {
    await ten(1);
    for (let hour = 0; hour < 16; hour += 3) {
      rig.now += 3 * 3600;
      await rig.untilIdle();
      await rig.wakeBuffer();
    }
    expect(await rows()).toEqual([{ day: DAY_0, sealed: null }]);
    expect((await stats()).at(-1)).toMatchObject({ day: DAY_0, publishes: 10, teks: 30 });
    rig.now = MIDNIGHT + 15 * DAY;
    await rig.wakeBuffer();
    expect((await rows()).filter(({ day }) => day === DAY_0)).toEqual([]);
  });
});
