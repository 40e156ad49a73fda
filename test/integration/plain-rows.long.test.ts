/**
 * @module A buffer's database of before (migration 2), whose rows lay in the clear: after the update every byte of it and of its
 * log is searched for keys (docs/decisions/022).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { MIGRATIONS } from '../../durable-objects/submission-buffer/schema.ts';
import { issueTans, moveClock } from '../../scripts/support/operator.ts';
import { patientKeys, START, startSystem } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';
import { databaseFile, readable, RESTING_VARS, upload } from './support/buffer-files.ts';

let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'exposure-edge-plain-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

describe('a database of before', () => {
  it('holds no key in the clear once its rows are sealed, those of rows that were deleted before included', async ({
    expect,
  }) => {
    const before = await startSystem({ state, vars: RESTING_VARS });
    const [tan = ''] = await issueTans(before.edge.url, 1);
    await upload(before, tan, patientKeys('somebody', START));
    await before.edge.dispose();
    const published = Array.from({ length: 30 }, (_, n) => patientKeys(`published ${n}`, START)).flat();
    const waiting = Array.from({ length: 10 }, (_, n) => patientKeys(`waiting ${n}`, START)).flat();
    makePlain(state, published, waiting);
    expect(readable(state, [...published, ...waiting]).length).toBeGreaterThan(waiting.length);
    const after = await startSystem({ state, vars: RESTING_VARS });
    await moveClock(after.edge.url, START + 2 * 3600);
    expect(names(await publishedKeys(after.edge, 'DE'))).toEqual(names(waiting));
    await after.edge.dispose();
    const database = new DatabaseSync(databaseFile(state));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    expect(readable(state, [...published, ...waiting])).toEqual([]);
  });
});

/** Turns the database into one of migration 2: rows that were published and deleted, and rows that wait. */
function makePlain(
  folder: string,
  published: ReturnType<typeof patientKeys>,
  waiting: ReturnType<typeof patientKeys>,
): void {
  const database = new DatabaseSync(databaseFile(folder));
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
  for (const { name } of tables)
    if (!/^_cf_|^schema_version$/.test(String(name))) database.exec(`DROP TABLE ${String(name)}`);
  for (const script of MIGRATIONS.slice(0, 2)) database.exec(script);
  database.exec(`UPDATE schema_version SET version = 2; INSERT INTO provenance VALUES (1, 'DE', 1, 'DE', 0)`);
  const hour = Math.floor(START / 3600);
  database.exec(
    `INSERT INTO meta VALUES ('first_hour', ${hour}); INSERT INTO known_key (hash, expires_hour) VALUES (randomblob(16), ${hour + 400})`,
  );
  const insert = database.prepare('INSERT INTO diagnosis_key VALUES (?, ?, ?, ?, 1, 0, ?, 1, NULL)');
  const insertAll = (keys: typeof published): void => {
    for (const key of keys) {
      const { rollingStartIntervalNumber: start, rollingPeriod: period, transmissionRiskLevel: level } = key;
      insert.run(hour, start ?? 0, period ?? 0, level ?? 0, key.keyData ?? new Uint8Array());
    }
  };
  insertAll(published);
  database.exec('DELETE FROM diagnosis_key');
  insertAll(waiting);
  for (const region of ['DE', 'EUR']) {
    database.exec(`INSERT INTO release_counter VALUES (${hour}, '${region}', ${waiting.length}, 10, 10, 0, 0)`);
  }
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
