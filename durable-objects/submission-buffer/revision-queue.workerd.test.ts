/** @module Revisions of published keys in the buffer's real storage: each key once, sealed, behind what is taken back, and in the journal. */
import { beforeEach, describe, it } from 'vitest';
import { JOURNAL_KEY, JOURNAL_USE, readJournal } from '../../domain/journal.ts';
import { unpackKeyRevisions } from '../../domain/publication/revision.ts';
import { openPages, openerKey } from '../../domain/sealed-pages.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { confirmed, revise } from '../publisher/taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from '../publisher/test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const openingOf = ({ keyData }: { readonly keyData: Uint8Array }): Opening => ({
  keyData,
  secret: new Uint8Array(32).fill(keyData[0]!),
});
const hex = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
  keys.map(({ keyData }) => toHex(keyData)).toSorted();

let rig: Rig;
/** One upload, published. */
beforeEach(async () => {
  rig = await Rig.create();
  const keys = keysOf(1, 4).map((key) => ({ ...key, withdrawalHash: withdrawalHash(openingOf(key)) }));
  await rig.accept('u1', keys);
  rig.now += 3600;
  await rig.buffer.purge((await rig.buffer.freeze({ hour: HOUR, after: 0 })).setNo);
});

const batchOf = async (hour: number) => {
  await rig.tuneBuffer();
  const batch = await rig.buffer.withdrawals(hour);
  if (batch === null) return null;
  const { id, teks, revised } = batch;
  return { id, taken: teks.length / 16, revised: unpackKeyRevisions(revised) };
};
const queue = () =>
  rig.inBuffer((sql) =>
    sql
      .exec<{ row: string }>('SELECT hex(tag || sealed) AS row FROM withdrawn_key ORDER BY tag')
      .toArray()
      .map(({ row }) => row.toLowerCase()),
  );

describe('revisions of published keys', () => {
  it('wait sealed, each key once, and go with the hour’s batch, which stays what it is', async ({ expect }) => {
    await revise(rig, confirmed(keysOf(1, 2)));
    // The first stays.
    await revise(rig, confirmed(keysOf(1, 3), REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS));
    const rows = await queue();
    expect([rows.length, new Set(rows.map(({ length }) => length))]).toEqual([3, new Set([160])]);
    for (const tek of hex(keysOf(1, 3))) expect(rows.join(' ')).not.toContain(tek);
    rig.now += 3600;
    const batch = await batchOf(HOUR + 1);
    expect([batch!.taken, hex(batch!.revised)]).toEqual([0, hex(keysOf(1, 3))]);
    const types = new Map(batch!.revised.map(({ keyData, fields }) => [toHex(keyData), fields.reportType]));
    expect(keysOf(1, 3).map(({ keyData }) => types.get(toHex(keyData)))).toEqual([1, 1, 2]);
    expect(batch!.revised[0]!.fields).toEqual({
      ...confirmed(keysOf(1, 1))[0]!.fields,
      reportType: expect.any(Number),
    });
    await revise(rig, confirmed(keysOf(1, 4)));
    await rig.evict();
    expect(await batchOf(HOUR + 1)).toEqual(batch);
    await rig.buffer.withdrawn(batch!.id);
    rig.now += 3600;
    expect(hex((await batchOf(HOUR + 2))!.revised)).toEqual(hex(keysOf(1, 4).slice(3)));
  });

  it('of keys that are taken back are left out, whichever came first', async ({ expect }) => {
    await revise(rig, confirmed(keysOf(1, 1)));
    await rig.tuneBuffer();
    await rig.buffer.withdraw(keysOf(1, 2).map(openingOf));
    await revise(rig, confirmed(keysOf(1, 3)));
    rig.now += 3600;
    const batch = await batchOf(HOUR + 1);
    expect([batch!.taken, hex(batch!.revised)]).toEqual([2, hex(keysOf(1, 3).slice(2))]);
  });

  it('stand in the journal, with what is said', async ({ expect }) => {
    await revise(rig, confirmed(keysOf(1, 2)));
    await rig.evict();
    await rig.wakeBuffer();
    const bytes = (await objects(testEnv.PRIVATE)).get(JOURNAL_KEY)!;
    const plain = await openPages(await openerKey(testKeyPem('RESTORE_PRIVATE_KEY')), JOURNAL_USE, bytes);
    const read = plain.ok ? readJournal(plain.value) : null;
    const { takenBack = [], revised = [] } = read?.ok === true ? read.value.state : {};
    // Level 8, type 1, onset 2.
    expect([takenBack, revised]).toEqual([[], hex(keysOf(1, 2)).map((tek) => `080182${tek}`)]);
  });

  it('are queued wholly or not at all', async ({ expect }) => {
    await rig.wakeBuffer();
    await rig.inBuffer((sql) =>
      sql.exec(`CREATE TRIGGER crash BEFORE INSERT ON withdrawn_key BEGIN SELECT RAISE(ABORT, 'crash'); END`),
    );
    const failed = await revise(rig, confirmed(keysOf(1, 3))).catch((error: Error) => error.message);
    expect([failed, await queue()]).toEqual([expect.stringContaining('crash'), []]);
    await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
    await revise(rig, confirmed(keysOf(1, 3)));
    expect(await queue()).toHaveLength(3);
  });
});
