/** @module A bad row in the buffer, however it got there, never stops an hour: the rest is published, and it is counted. */
import { beforeEach, describe } from 'vitest';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { ROW_BYTES } from '../../domain/publication/packed-keys.ts';
import { FIELDS_OFFSET } from '../submission-buffer/row-cipher.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';

const HOUR = MIDNIGHT / 3600 + 10;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Changes one row. @param at byte of the row's fields (domain/publication/packed-keys.ts) */
const damage = (at: number, ...values: number[]) =>
  rig.damageRow(HOUR, keysOf(1, 1)[0]!.keyData, (row) => row.set(values, FIELDS_OFFSET + at));

async function publishedKeys(): Promise<string[]> {
  const object = await testEnv.PUBLIC.get('version/v1/diagnosis-keys/country/DE/date/2026-06-15/hour/10');
  const read = readExportZip(new Uint8Array((await object?.arrayBuffer()) ?? []), null);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.exportFile.keys.map(({ keyData }) => toHex(keyData));
}

const alerts = () =>
  rig.inPublisherStorage(
    (sql) => sql.exec(`SELECT value FROM counter WHERE name = 'alert_rows_quarantined'`).toArray()[0]?.['value'] ?? 0,
  );
const aside = async () => (await objects(testEnv.PRIVATE)).get(`quarantine/${HOUR}/rows.bin`)?.length ?? 0;

describe('a row with', () => {
  it.for<[name: string, at: number, values: number[]]>([
    ['risk level 9', 5, [9]],
    ['period 0', 4, [0]],
    ['period 145', 4, [145]],
    ['report type 6', 6, [6]],
    ['onset 15', 7, [128 + 15]],
    ['a start in 2100', 0, [0, 0x68, 0x54, 0x10]],
    ['a provenance that is not there', 24, [7, 7, 7, 7, 7, 7]],
  ])('%s is put aside, counted once, and the others are published', async ([, at, values], { expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.accept('u2', keysOf(2, 3));
    await rig.untilIdle();
    await damage(at, ...values);
    rig.now += 3600;
    await rig.untilIdle();
    const rest = [...keysOf(1, 3).slice(1), ...keysOf(2, 3)].map(({ keyData }) => toHex(keyData));
    expect((await publishedKeys()).toSorted()).toEqual(rest.toSorted());
    expect([await alerts(), await aside()]).toEqual([1, ROW_BYTES]);
  });
});

describe('a set', () => {
  it('of bad rows alone is an hour without a key, and the next hour is sealed', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    await rig.untilIdle();
    await damage(5, 9);
    rig.now += 3600;
    await rig.untilIdle();
    expect([await publishedKeys(), await alerts()]).toEqual([[], 1]);
    await rig.accept('u2', keysOf(2, 1));
    rig.now += 3600;
    await rig.untilIdle();
    expect(await alerts()).toBe(1);
  });

  itLong('keeps nothing of what was put aside once its keys have left', { timeout: 120_000 }, async ({ expect }) => {
    rig.policy = { ...rig.policy, retentionDays: 3 };
    await rig.accept('u1', keysOf(1, 2));
    await rig.untilIdle();
    await damage(5, 9);
    rig.now += 3600;
    await rig.untilIdle();
    expect(await aside()).toBe(ROW_BYTES);
    for (let day = 0; day < 3 + 2; day++) {
      rig.now += 86_400;
      await rig.untilIdle(200);
    }
    const left = [...(await objects(testEnv.PRIVATE)).keys()].filter((key) => key.includes(`/${HOUR}/`));
    expect(left).toEqual([]);
  });

  it('crashed after the rows were put aside counts them once', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 2));
    await rig.untilIdle();
    await damage(5, 9);
    rig.now += 3600;
    let puts = 0;
    rig.afterPut = (key) => {
      if (key.startsWith('quarantine/') && puts++ === 0) throw new Error('killed');
    };
    await rig.untilIdle().catch(() => undefined);
    await rig.untilIdle();
    expect([puts, await alerts(), await aside()]).toEqual([2, 1, ROW_BYTES]);
  });
});
