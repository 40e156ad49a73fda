/** @module After a restore people can still take back their keys, published ones and waiting ones, and what they had taken back ends. */
import { beforeEach, describe, it } from 'vitest';
import type { AcceptedKey } from '../../../domain/keys/uploaded.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { withdrawalHash, type Opening } from '../../../protocol/withdrawal.ts';
import { testKeyPem } from '../../../test/support/secrets.ts';
import { findings, regionAt, seal } from '../taking-rig.ts';
import { MIDNIGHT, Rig, keysOf } from '../test-rig.ts';
import { loseAndRestore } from './loss-rig.ts';

const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');
const openingOf = ({ keyData }: { readonly keyData: Uint8Array }): Opening => ({
  keyData,
  secret: new Uint8Array(32).map((_, i) => keyData[i % 16]! ^ 7),
});
const own = (upload: number, n: number): AcceptedKey[] =>
  keysOf(upload, n).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));
const hexOf = (upload: number, n: number): string[] => keysOf(upload, n).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.now = MIDNIGHT + 22 * 3600;
  await rig.accept('anna', own(1, 8), ['DE']);
  await rig.accept('ben', own(2, 6), ['DE']);
  await rig.untilIdle();
  rig.now += 3 * 3600;
  await rig.untilIdle();
});

const withdraw = async (openings: readonly Opening[]): Promise<void> => {
  await rig.tuneBuffer();
  await rig.buffer.withdraw(openings);
};

describe('with the storage of all objects lost', () => {
  it('published keys and waiting ones are opened by the secrets they were shared with, and by no others', async ({
    expect,
  }) => {
    await rig.accept('carla', own(3, 4), ['DE']);
    await loseAndRestore(rig, RESTORE_KEY);
    await withdraw(keysOf(2, 6).map((key) => ({ ...openingOf(key), secret: new Uint8Array(32) })));
    await withdraw(keysOf(1, 8).map(openingOf));
    await withdraw(keysOf(3, 2).map(openingOf));
    await seal(rig);
    await seal(rig);
    const { revoked, inDays, inHours } = await regionAt('DE');
    expect(revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    const carla = hexOf(3, 4);
    expect(inHours.filter((tek) => carla.includes(tek)).toSorted()).toEqual(carla.slice(2).toSorted());
    expect(await findings()).toEqual([]);
  });

  it('what was taken back and hadn’t ended yet ends', async ({ expect }) => {
    await withdraw(keysOf(1, 8).map(openingOf));
    await loseAndRestore(rig, RESTORE_KEY);
    await seal(rig);
    await seal(rig);
    const { revoked, inDays } = await regionAt('DE');
    expect(revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(await rig.accept('again', own(1, 8))).toEqual({ kind: 'known' });
  });
});
