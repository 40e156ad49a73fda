/** @module A restore brings nothing back that was taken out: what was taken back, what was asked for, and what was dropped. */
import { beforeEach, describe, it } from 'vitest';
import { REPORT_TYPE } from '../../../protocol/gaen/keys.ts';
import { concatBytes, toHex } from '../../../protocol/primitives/bytes.ts';
import { testKeyPem } from '../../../test/support/secrets.ts';
import { encodeTaken, requestKey } from '../../../domain/publication/taken.ts';
import { confirmed, findings, likely, regionAt, revise, seal, take, TAKE_ID } from '../taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, testEnv } from '../test-rig.ts';
import { lose, loseAndRestore, restore } from './loss-rig.ts';

const RESTORE_KEY = testKeyPem('RESTORE_PRIVATE_KEY');
const OTHER_ID = '0d7f3a52-93c4-4f0e-8a30-4be4cf1f2a11';
const ISSUE = '8c9d3c0e-6f0b-4d5e-9a51-2f64a3e1b7aa';
const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.now = MIDNIGHT + 22 * 3600;
  await rig.accept('forged', keysOf(1, 8), ['DE']);
  await rig.accept('person', keysOf(2, 6), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now += 3 * 3600;
  await rig.untilIdle();
});

/** What Publisher keeps of keys that were taken back. */
const tables = () =>
  rig.inPublisherStorage((sql) =>
    ['taking', 'region_revocation', 'region_day', 'former_etag'].map((table) =>
      sql
        .exec(`SELECT * FROM ${table}`)
        .toArray()
        .map((row) => JSON.stringify(row))
        .toSorted(),
    ),
  );

describe('with the storage of all objects lost', () => {
  it('what was taken back stays out of every day, listed, and is never accepted again', async ({ expect }) => {
    await take(rig, teksOf(1, 8));
    await seal(rig);
    const before = [await tables(), await regionAt('DE'), await regionAt('EUR')];
    await loseAndRestore(rig, RESTORE_KEY);
    expect([await tables(), await regionAt('DE'), await regionAt('EUR')]).toEqual(before);
    expect(await rig.accept('again', keysOf(1, 8))).toEqual({ kind: 'known' });
    await seal(rig);
    const after = await regionAt('DE');
    expect(after.inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(after.revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
    // And goes on being taken back: what is left of the same hour.
    await take(rig, teksOf(2, 6), '0d7f3a52-93c4-4f0e-8a30-4be4cf1f2a11');
    await seal(rig);
    expect((await regionAt('DE')).inDays).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('what was said anew stays said, what waits to be said is said, and a key of both ends', async ({ expect }) => {
    rig = await Rig.create();
    rig.now = MIDNIGHT + 23 * 3600;
    await rig.accept('suspected', likely(keysOf(3, 6)));
    await rig.untilIdle();
    rig.now += 2 * 3600;
    await rig.untilIdle();
    await revise(rig, confirmed(keysOf(3, 4)));
    await seal(rig);
    const before = [await tables(), await regionAt('DE'), await regionAt('EUR')];
    expect(before[1]).toMatchObject({ revocations: [{ reportType: 1 }] });
    // One waits in the buffer's queue, and in the journal.
    await revise(rig, confirmed(keysOf(3, 5).slice(4), REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS));
    await loseAndRestore(rig, RESTORE_KEY);
    expect([await tables(), await regionAt('DE'), await regionAt('EUR')]).toEqual(before);
    await seal(rig);
    await take(rig, teksOf(3, 1));
    await seal(rig);
    const after = await regionAt('DE');
    expect(Object.keys(after.revised).toSorted()).toEqual(hexOf(3, 5).toSorted());
    expect(after.revocations.map(({ reportType }) => reportType)).toEqual([1, 2, undefined]);
    expect(after.revoked).toEqual(hexOf(3, 1));
    expect(await findings()).toEqual([]);
  });

  it('what was asked for is taken back with the next hour, though it was begun already', async ({ expect }) => {
    await take(rig, teksOf(1, 8));
    rig.now += 3600;
    rig.onPut = (key) => {
      // The masks of two midnights are written, the hour isn't.
      if (/^taken\/\d+\/\d+\.bin$/.test(key) && key.endsWith('29.bin')) rig.dead = true;
      if (rig.dead) throw new Error('killed');
    };
    await rig.untilIdle().catch(() => {});
    expect(rig.dead).toBe(true);
    rig.onPut = () => {};
    await loseAndRestore(rig, RESTORE_KEY);
    await seal(rig);
    const after = await regionAt('EUR');
    expect(after.inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(after.revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(await findings()).toEqual([]);
  });

  it('a request goes on with the hour in which it was asked; one that no entry tells of is not carried out', async ({
    expect,
  }) => {
    await take(rig, teksOf(1, 8));
    const askedHour = Math.floor(rig.now / 3600);
    // Whoever can write into the bucket asks for what nobody asked for.
    await testEnv.PRIVATE.put(requestKey(OTHER_ID), encodeTaken([{ hour: 0, day: 0, n: 0, rows: Uint32Array.of(0) }]));
    await rig.evict();
    await rig.wakeBuffer();
    rig.now += 5 * 3600;
    await lose(rig);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
    const open = await rig.inPublisherStorage((sql) => sql.exec('SELECT id, asked_hour FROM take_back').toArray());
    expect(open).toEqual([{ id: TAKE_ID, asked_hour: askedHour }]);
  });

  it('a request that was altered is refused by name, and nothing of it is taken back', async ({ expect }) => {
    await take(rig, teksOf(1, 8));
    const name = requestKey(TAKE_ID);
    const bytes = new Uint8Array(await (await testEnv.PRIVATE.get(name))!.arrayBuffer());
    await testEnv.PRIVATE.put(
      name,
      bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)),
    );
    await rig.evict();
    await rig.wakeBuffer();
    await lose(rig);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({
      kind: 'refused',
      findings: [{ object: name, what: expect.stringContaining('is in no entry of the log') }],
    });
    await testEnv.PRIVATE.put(name, bytes);
    expect(await restore(rig, RESTORE_KEY)).toMatchObject({ kind: 'restored' });
  });

  it('what was dropped before it was published isn’t in the next journal', async ({ expect }) => {
    await rig.accept('waits', keysOf(3, 5), ['DE'], { issueId: ISSUE });
    await rig.accept('other', keysOf(4, 2));
    await rig.wakeBuffer();
    await rig.tuneBuffer();
    const id = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';
    expect(await rig.buffer.dropWaiting({ id, issueIds: [ISSUE] })).toMatchObject({
      dropped: 5,
      frozen: 0,
      journalled: true,
    });
    await rig.wakeBuffer();
    await lose(rig);
    await restore(rig, RESTORE_KEY);
    await seal(rig);
    const { inHours } = await regionAt('DE');
    expect(inHours.filter((tek) => hexOf(3, 5).includes(tek))).toEqual([]);
    expect(inHours.filter((tek) => hexOf(4, 2).includes(tek)).length).toBe(2);
  });
});
