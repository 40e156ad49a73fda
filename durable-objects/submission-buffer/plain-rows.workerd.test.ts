/** @module Migration 3: what an object of before holds is sealed at its first wake, wherever that is cut off. */
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, type ExpectStatic, it } from 'vitest';
import { MIDNIGHT, Rig, keysOf } from '../publisher/test-rig.ts';
import { GROUP_BYTES } from '../../domain/publication/issue-groups.ts';
import { ROW_BYTES, rowProvenance, unpackKey } from '../../domain/publication/packed-keys.ts';
import { lastingHash } from './accept-ops.ts';
import { parseBufferConfig } from './config.ts';
import { MIGRATIONS } from './schema.ts';
import { env } from 'cloudflare:workers';

const HOUR = MIDNIGHT / 3600 + 10;
const PLAIN_MIGRATIONS = 2;
const BATCH = '8c9d3c0e-6f0b-4d5e-9a51-2f64a3e1b7aa';
/** More than a slice. */
const KEYS = Array.from({ length: 40 }, (_, upload) => keysOf(upload, 14)).flat();
const config = parseBufferConfig(env as unknown as Record<string, unknown>);
let rig: Rig;

/** Makes the buffer one of before, whose keys wait in two hours; every third came with a card. */
async function makePlain(): Promise<void> {
  await runInDurableObject(rig.buffer, async (_buffer, { storage }) => {
    await storage.deleteAll();
    const { sql } = storage;
    sql.exec(`CREATE TABLE schema_version (version INTEGER NOT NULL); INSERT INTO schema_version VALUES (2)`);
    for (const script of MIGRATIONS.slice(0, PLAIN_MIGRATIONS)) sql.exec(script);
    sql.exec(`INSERT INTO provenance VALUES (7, 'DE', 1, 'DE', 0)`);
    for (const [n, key] of KEYS.entries()) {
      const hash = lastingHash(config, key.keyData);
      sql.exec(
        'INSERT INTO diagnosis_key VALUES (?, ?, ?, ?, ?, ?, ?, 7, ?)',
        HOUR + (n % 2),
        key.rollingStartIntervalNumber,
        key.rollingPeriod,
        key.transmissionRiskLevel,
        key.reportType,
        key.daysSinceOnsetOfSymptoms,
        key.keyData,
        n % 3 === 0 ? BATCH : null,
      );
      sql.exec('INSERT INTO known_key VALUES (?, ?)', hash, HOUR + 1000);
    }
    for (const region of ['DE', 'EUR']) {
      for (const hour of [HOUR, HOUR + 1]) {
        sql.exec('INSERT INTO release_counter VALUES (?, ?, ?, 20, 20, 0, 0)', hour, region, KEYS.length / 2);
      }
    }
    sql.exec(`INSERT INTO meta VALUES ('first_hour', ?)`, HOUR);
  });
  await rig.evict();
}

const tables = () =>
  rig.inBuffer((sql) =>
    sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .map(({ name }) => name),
  );

beforeEach(async () => {
  rig = await Rig.create();
  rig.now = (HOUR + 1) * 3600;
  await makePlain();
});

async function expectPublished(expect: ExpectStatic): Promise<void> {
  expect(await rig.accept('again', KEYS.slice(0, 14))).toEqual({ kind: 'known' });
  expect(await rig.buffer.freeze({ hour: HOUR, after: 0 })).toEqual({
    setNo: 1,
    hour: HOUR,
    firstHour: HOUR,
    lastHour: HOUR,
    decision: 'publish',
    feeds: [],
    keys: KEYS.length / 2,
    regions: ['DE', 'EUR'].map((region) => ({ region, keys: KEYS.length / 2, syntheticKeys: 0 })),
  });
  const page = await rig.buffer.page(1, null, 1000);
  const read = Array.from({ length: page.rows.length / ROW_BYTES }, (_, n) => unpackKey(page.rows, n * ROW_BYTES));
  const name = ({ keyData }: { keyData: Uint8Array }) => keyData.join();
  expect(read.map(name).toSorted()).toEqual(
    KEYS.filter((_, n) => n % 2 === 0)
      .map(name)
      .toSorted(),
  );
  const cards = KEYS.filter((_, n) => n % 6 === 0)
    .map(name)
    .toSorted();
  expect(page.issueGroups).toEqual([[`c${BATCH.replaceAll('-', '')}`]]);
  const withCard = read.filter((_, n) => page.groups[n * GROUP_BYTES + 1] === 1);
  expect(withCard.map(name).toSorted()).toEqual(cards);
  // A record that was begun under the old numbers is finished with them.
  expect(rowProvenance(page.rows, 0)).toEqual(7);
  const left = await tables();
  expect([left.includes('diagnosis_key'), left.includes('provenance')]).toEqual([false, false]);
  const scrubbed = (sql: SqlStorage) => sql.exec(`SELECT count(*) AS n FROM meta WHERE name = 'scrub_left'`).one()['n'];
  expect(await rig.inBuffer(scrubbed)).toEqual(0);
}

it('rows in the clear are sealed, known and published as they were', async ({ expect }) => {
  expect(await tables()).toContain('diagnosis_key');
  await expectPublished(expect);
});

it('a migration that is cut off between any two of its steps goes on', async ({ expect }) => {
  for (const crash of [
    'BEFORE INSERT ON waiting_row WHEN (SELECT count(*) FROM waiting_row) >= 300',
    'BEFORE DELETE ON sweep', // the last statement that exchanges the tables
    'BEFORE INSERT ON scrub WHEN (SELECT count(*) FROM scrub) >= 5',
    'BEFORE DELETE ON scrub WHEN (SELECT count(*) FROM scrub) <= 20',
    "BEFORE DELETE ON meta WHEN OLD.name = 'scrub_left'",
  ]) {
    await rig.inBuffer((sql) => sql.exec(`CREATE TRIGGER crash ${crash} BEGIN SELECT RAISE(ABORT, 'crash'); END`));
    const outcome = await rig.buffer.purge(99).catch((error: Error) => error.message);
    expect(outcome, crash).toContain('crash');
    await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
    await rig.evict();
  }
  await expectPublished(expect);
});
