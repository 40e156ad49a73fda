/**
 * @module Rows at rest (docs/decisions/022): uploads are stored and published, and then every byte of the object's database and of
 * its log is searched for their keys. A database of before, whose rows lay in the clear: plain-rows.long.test.ts.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { HourCipher } from '../../durable-objects/submission-buffer/row-cipher.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { issueTans, moveClock } from '../../scripts/support/operator.ts';
import { patientKeys, START, startSystem, type System } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';
import { databaseFile, readable, RESTING_VARS, upload } from './support/buffer-files.ts';

const UPLOADS = 30;
let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'exposure-edge-rest-'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

/** Stored rows of a copy of database and log. */
function copiedRows(): Uint8Array[] {
  const copy = mkdtempSync(join(tmpdir(), 'exposure-edge-copy-'));
  try {
    const file = databaseFile(state);
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
    const system = await startSystem({ state, vars: RESTING_VARS });
    const { url } = system.edge;
    const tans = await issueTans(url, UPLOADS);
    const patients = tans.map((_, n) => patientKeys(`patient ${n}`, START));
    for (const [n, tan] of tans.entries()) await upload(system, tan, patients[n] ?? []);
    const keys = patients.flat();
    expect(readable(state, keys)).toEqual([]);
    await moveClock(url, START + 2 * 3600);
    expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(names(keys));
    expect(readable(state, keys)).toEqual([]);
    await system.edge.dispose();
    expect(readable(state, keys)).toEqual([]);
    // The search means something: this is the database, and it knows the keys.
    const database = new DatabaseSync(databaseFile(state), { readOnly: true });
    expect(database.prepare('SELECT count(*) AS n FROM known_key').get()).toEqual({ n: keys.length });
    database.close();
  });

  it('groups no upload once its hour is forgotten: what was copied meanwhile is opened by no key that is left', async ({
    expect,
  }) => {
    const system = await startSystem({ state, vars: RESTING_VARS });
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
});
