/** @module The first layout of the ledger, woken by this code: digests and upload ids are gone, TANs are not. */
import { env } from 'cloudflare:workers';
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test';
import { afterEach, it } from 'vitest';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { MIGRATIONS } from './tan-rows.ts';
import type { TanLedger } from './tan-ledger-do.ts';

const { TAN_LEDGER } = env as unknown as { TAN_LEDGER: DurableObjectNamespace<TanLedger> };
const START = 1_593_604_800;
const DIGEST = 'd1'.repeat(32);
const UPLOAD_ID = '0f2c6d3e-1111-4222-8333-444455556666';
/** A batch's id is an issue id of the batch's from now on; a name that an operator gave is none. */
const BATCH = '8c9d3c0e-6f0b-4d5e-9a51-2f64a3e1b7aa';
const ISSUE = 'c8c9d3c0e6f0b4d5e9a512f64a3e1b7aa';
const ledger = () => TAN_LEDGER.getByName('old');

afterEach(() => reset());

/** Puts the object's store back to the first layout, with one row in each state. */
const asDeployedBefore = () =>
  runInDurableObject(ledger(), (_object, state) => {
    const { sql } = state.storage;
    sql.exec('DROP TABLE held_tan; DROP TABLE withdrawn_tan');
    sql.exec(MIGRATIONS[0] ?? '');
    sql.exec('UPDATE schema_version SET version = 1');
    const insert = 'INSERT INTO tan VALUES (?, ?, ?, ?, ?, ?, ?)';
    sql.exec(insert, 'a', 'issued', null, null, null, BATCH, START + 86_400.5);
    sql.exec(insert, 'b', 'reserved', DIGEST, UPLOAD_ID, START + 60, null, START + 86_400);
    sql.exec(insert, 'c', 'committed', DIGEST, null, null, 'cards-1', START + 10);
  });

it('on the first wake no digest, upload id or fine time is left, and no right to upload is lost', async ({
  expect,
}) => {
  await asDeployedBefore();
  await evictDurableObject(ledger());
  const read = () =>
    runInDurableObject(ledger(), (object, state) => {
      (object as unknown as { clock: () => number }).clock = () => START;
      const tables = state.storage.sql.exec(`SELECT name FROM sqlite_master WHERE name LIKE '%tan'`).toArray();
      return { tables, rows: state.storage.sql.exec('SELECT * FROM held_tan ORDER BY hash').toArray() };
    });
  const { tables, rows } = await read();
  const reservation = new Uint8Array(88).buffer;
  const end = START + 86_400 + 3_600;
  expect(tables).toEqual([{ name: 'held_tan' }, { name: 'withdrawn_tan' }]);
  expect(rows).toEqual([
    { hash: 'a', state: 'i', reservation, issue_id: ISSUE, expires_at: end },
    { hash: 'b', state: 'i', reservation, issue_id: null, expires_at: end },
    { hash: 'c', state: 'c', reservation, issue_id: null, expires_at: START + 3_600 },
  ]);
  expect(await ledger().reserve('b', reserveRequest(), 60)).toMatchObject({ kind: 'reserved' });
  expect(await ledger().reserve('c', reserveRequest(), 60)).toEqual({ kind: 'committed', reservationId: null });
  // A second wake changes nothing: the version says that it was done.
  await evictDurableObject(ledger());
  expect((await read()).rows).toHaveLength(3);
});
