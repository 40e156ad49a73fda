/** @module A bad row in the buffer, however it got there, never stops an hour: the rest is published, and it is counted. */
import { beforeEach, describe, it } from 'vitest';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { ROW_BYTES } from '../packed-keys.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const DAY_1 = (DAY_0 - 1) * 144;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const damage = (column: string, value: SqlStorageValue, where = 'rolling_start = ?') =>
  rig.inBuffer((sql) =>
    sql.exec(`UPDATE OR REPLACE diagnosis_key SET ${column} = ? WHERE ${where}`, value, DAY_1).toArray(),
  );

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
  it.for<[name: string, column: string, value: SqlStorageValue]>([
    ['risk level 9', 'trl', 9],
    ['period 0', 'rolling_period', 0],
    ['period 145', 'rolling_period', 145],
    ['report type 6', 'report_type', 6],
    ['onset 15', 'dsos', 15],
    ['a start in 2100', 'rolling_start', 6_837_264],
    ['key data of 40 bytes', 'tek', new Uint8Array(40).buffer],
    ['key data of 3 bytes', 'tek', new Uint8Array(3).buffer],
    ['a provenance that is not there', 'provenance', 77],
  ])('%s is put aside, counted once, and the others are published', async ([, column, value], { expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.accept('u2', keysOf(2, 3));
    await rig.untilIdle();
    const one = keysOf(1, 1)[0]!;
    await rig.inBuffer((sql) =>
      sql.exec(`UPDATE diagnosis_key SET ${column} = ? WHERE tek = ?`, value, one.keyData).toArray(),
    );
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
    await damage('trl', 9);
    rig.now += 3600;
    await rig.untilIdle();
    expect([await publishedKeys(), await alerts()]).toEqual([[], 1]);
    await rig.accept('u2', keysOf(2, 1));
    rig.now += 3600;
    await rig.untilIdle();
    expect(await alerts()).toBe(1);
  });

  it('keeps nothing of what was put aside once its keys have left', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 2));
    await rig.untilIdle();
    await damage('trl', 9);
    rig.now += 3600;
    await rig.untilIdle();
    expect(await aside()).toBe(ROW_BYTES);
    for (let day = 0; day < 16; day++) {
      rig.now += 86_400;
      await rig.untilIdle(200);
    }
    const left = [...(await objects(testEnv.PRIVATE)).keys()].filter((key) => key.includes(`/${HOUR}/`));
    expect(left).toEqual([]);
  });

  it('crashed after the rows were put aside counts them once', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 2));
    await rig.untilIdle();
    await damage('trl', 9);
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
