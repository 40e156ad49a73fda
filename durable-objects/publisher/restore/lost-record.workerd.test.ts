/**
 * @module The buffer is lost while an hour is being recorded: the record's objects are the only copy of what came after the journal, so nobody gives the hour up, however long
 * the operator takes, and the restore finishes it.
 */
import { beforeEach, describe, it } from 'vitest';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { testKeyPem } from '../../../test/support/secrets.ts';
import { findings, regionAt } from '../taking-rig.ts';
import { Rig, keysOf, objects, testEnv } from '../test-rig.ts';
import { lose, restore } from './loss-rig.ts';

const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');
const hexOf = (upload: number, n: number): string[] => keysOf(upload, n).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Objects of the record, by name, in hex. */
const recorded = async (): Promise<Map<string, string>> => {
  const all = [...(await objects(testEnv.PRIVATE))].filter(([name]) => /^(sets|openings)\//.test(name));
  return new Map(all.map(([name, bytes]) => [name, toHex(bytes)]));
};

/** Three keys that the journal has and six that came after it; then the hour ends, and the publisher dies at a put of its record. */
async function diesAtPut(n: number): Promise<void> {
  await rig.untilIdle();
  await rig.accept('journalled', keysOf(1, 3));
  await rig.evict();
  await rig.wakeBuffer();
  await rig.accept('after the journal', keysOf(2, 6));
  rig.now += 3600;
  let puts = 0;
  rig.onPut = (key) => {
    if (!/^(sets|openings)\//.test(key) || (puts += 1) !== n) return;
    rig.dead = true;
    throw new Error('killed');
  };
  for (let step = 0; step < 10 && !rig.dead; step++) await rig.advance().catch(() => undefined);
  rig.onPut = () => {};
  if (!rig.dead) throw new Error(`there were ${puts} puts`);
}

describe('a buffer that is lost in the middle of a record', () => {
  it.for([
    ['a part of it put', 8],
    ['all but set.json put', 13],
  ] as const)('with %s: the hour waits for the restore, and is finished', async ([, put], { expect }) => {
    await diesAtPut(put);
    const before = await recorded();
    expect(before.size).toBe(put - 1);
    await lose(rig, ['buffer']);
    rig.now += 3 * 3600;
    await expect(rig.advance()).rejects.toThrow('the storage of the buffer is lost');
    expect(await recorded()).toEqual(before);
    await lose(rig, ['publisher']);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    await rig.untilIdle();
    const published = (await regionAt('DE')).inHours;
    const rows = [...before.values()].join(' ');
    const saved = [...hexOf(1, 3), ...hexOf(2, 6).filter((tek) => rows.includes(tek))];
    expect(saved.length).toBeGreaterThan(3);
    expect(published.toSorted()).toEqual(saved.toSorted());
    expect(await findings()).toEqual([]);
  });
});
