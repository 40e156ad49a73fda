/**
 * @module Rows at rest (docs/decisions/022): uploads are stored and published, and then every byte of the object's database and of
 * its log is searched for their keys. Then the same for a database of before, whose rows lay in the clear.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { HourCipher } from '../../durable-objects/submission-buffer/row-cipher.ts';
import { MIGRATIONS } from '../../durable-objects/submission-buffer/schema.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { issueTans, moveClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';

const UPLOADS = 30;
const vars = {
  upload: { ANSWER_DEADLINE_MS: '50' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
};
let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'exposure-edge-rest-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

/** Database and log of the buffer. */
const bufferFiles = (): string[] =>
  readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /SubmissionBuffer/.test(entry.parentPath) && /\.sqlite/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));

/** Names of those keys that lie readable in the buffer's files. */
function readable(keys: readonly { readonly keyData: Uint8Array | null }[]): string[] {
  const bytes = bufferFiles().map((file) => readFileSync(file));
  return names(
    keys.filter(({ keyData }) => bytes.some((all) => all.includes(Buffer.from(keyData ?? new Uint8Array())))),
  );
}

const databaseFile = (): string => {
  const [file, another] = bufferFiles().filter((path) => path.endsWith('.sqlite') && !path.includes('metadata'));
  if (file === undefined || another !== undefined) throw new Error('the buffer has not one database');
  return file;
};

async function upload(system: System, tan: string, keys: ReturnType<typeof patientKeys>): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
  const body = Buffer.from(encodeSubmissionPayload(payloadOf(keys)));
  const { status } = await system.send(UPLOAD_PATH, { method: 'POST', headers, body });
  if (status !== 200) throw new Error(`an upload was answered ${status}`);
}

/** Stored rows of a copy of database and log. */
function copiedRows(): Uint8Array[] {
  const copy = mkdtempSync(join(tmpdir(), 'exposure-edge-copy-'));
  try {
    const file = databaseFile();
    for (const suffix of ['', '-wal']) cpSync(`${file}${suffix}`, join(copy, `buffer.sqlite${suffix}`));
    const database = new DatabaseSync(join(copy, 'buffer.sqlite'));
    const rows = database.prepare('SELECT tag, sealed FROM waiting_row').all();
    database.close();
    return rows.map(({ tag, sealed }) => concatBytes(tag as Uint8Array, sealed as Uint8Array));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** @returns how many of the rows any key opens that the private bucket holds now */
async function openedBy(system: System, rows: readonly Uint8Array[]): Promise<number> {
  const bucket = await system.edge.miniflare.getR2Bucket('PRIVATE', 'exposure-edge-origin');
  const { objects } = await bucket.list({ prefix: 'row-keys/' });
  let opened = 0;
  for (const { key } of objects) {
    const keys = new Uint8Array((await (await bucket.get(key))?.arrayBuffer()) ?? new ArrayBuffer());
    for (let at = 0; at < keys.length; at += 32) {
      const cipher = new HourCipher(keys.slice(at, at + 32));
      opened += rows.filter((row) => cipher.open(row.slice()).length > 0).length;
    }
  }
  return opened;
}

describe('every byte of the database and its log', () => {
  it('holds no key in the clear: not while it waits, not when it is published, not in freed pages', async ({
    expect,
  }) => {
    const system = await startSystem({ state, vars });
    const { url } = system.edge;
    const tans = await issueTans(url, UPLOADS);
    const patients = tans.map((_, n) => patientKeys(`patient ${n}`, START));
    for (const [n, tan] of tans.entries()) await upload(system, tan, patients[n] ?? []);
    const keys = patients.flat();
    expect(readable(keys)).toEqual([]);
    await moveClock(url, START + 2 * 3600);
    expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(names(keys));
    expect(readable(keys)).toEqual([]);
    await system.edge.dispose();
    expect(readable(keys)).toEqual([]);
    // The search means something: this is the database, and it knows the keys.
    const database = new DatabaseSync(databaseFile(), { readOnly: true });
    expect(database.prepare('SELECT count(*) AS n FROM known_key').get()).toEqual({ n: keys.length });
    database.close();
  });

  it('groups no upload once its hour is forgotten: what was copied meanwhile is opened by no key that is left', async ({
    expect,
  }) => {
    const system = await startSystem({ state, vars });
    const { url } = system.edge;
    const tans = await issueTans(url, UPLOADS);
    for (const [n, tan] of tans.entries()) await upload(system, tan, patientKeys(`patient ${n}`, START));
    // Somebody who can restore the object, or reads the log, has all rows, transaction by transaction.
    const rows = copiedRows();
    const openedBefore = await openedBy(system, rows);
    expect([rows.length, openedBefore]).toEqual([UPLOADS * 14, UPLOADS * 14]);
    await moveClock(url, START + 2 * 3600);
    expect((await publishedKeys(system.edge, 'DE')).length).toBe(UPLOADS * 14);
    expect(await openedBy(system, rows)).toBe(0);
    await system.edge.dispose();
  });

  it('and of a database of before holds none either, once its rows are sealed', async ({ expect }) => {
    const before = await startSystem({ state, vars });
    const [tan = ''] = await issueTans(before.edge.url, 1);
    await upload(before, tan, patientKeys('somebody', START));
    await before.edge.dispose();
    const published = Array.from({ length: 60 }, (_, n) => patientKeys(`published ${n}`, START)).flat();
    const waiting = Array.from({ length: 20 }, (_, n) => patientKeys(`waiting ${n}`, START)).flat();
    makePlain(published, waiting);
    expect(readable([...published, ...waiting]).length).toBeGreaterThan(waiting.length);
    const after = await startSystem({ state, vars });
    await moveClock(after.edge.url, START + 2 * 3600);
    expect(names(await publishedKeys(after.edge, 'DE'))).toEqual(names(waiting));
    await after.edge.dispose();
    const database = new DatabaseSync(databaseFile());
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    expect(readable([...published, ...waiting])).toEqual([]);
  });
});

/** Turns the database into one of migration 2: rows that were published and deleted, and rows that wait. */
function makePlain(published: ReturnType<typeof patientKeys>, waiting: ReturnType<typeof patientKeys>): void {
  const database = new DatabaseSync(databaseFile());
  const tables = database.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).all();
  for (const { name } of tables)
    if (!/^_cf_|^schema_version$/.test(String(name))) database.exec(`DROP TABLE ${String(name)}`);
  for (const script of MIGRATIONS.slice(0, 2)) database.exec(script);
  database.exec(`UPDATE schema_version SET version = 2; INSERT INTO provenance VALUES (1, 'DE', 1, 'DE', 0)`);
  const hour = Math.floor(START / 3600);
  database.exec(
    `INSERT INTO meta VALUES ('first_hour', ${hour}); INSERT INTO known_key VALUES (randomblob(16), ${hour + 400})`,
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
    database.exec(`INSERT INTO release_counter VALUES (${hour}, '${region}', ${waiting.length}, 20, 20, 0, 0)`);
  }
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}
