/**
 * @module Migration 3 of the buffer: rows that lay in the clear are sealed (row-cipher.ts) at the first wake, in slices, and uploads
 * are taken meanwhile; sealing and forgetting wait for it. SQLite leaves what was deleted where it was, in free pages and in
 * what is free within pages, and the platform lets nobody set `secure_delete`. So: free pages are filled with zeros
 * (schema.ts); all tables are written anew, into those; only then the old ones go, all at once, and what they leave is filled
 * with zeros, a mebibyte a transaction.
 *
 * Durable order: as above; each slice and the place it came to are one transaction, and so is the exchange of the tables. A
 * crash goes on where it was. Left is the platform's own log of the time before, for 30 days.
 */
import type { ReportType } from '../../protocol/gaen/keys.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { inSlices } from '../pace.ts';
import { lastingHash } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers, HourKeys } from './hour-keys.ts';
import { putLabel, type RowLabel } from './row-labels.ts';
import { insertWaiting, type FreshKey } from './waiting-rows.ts';

const ROWS_A_SLICE = 250;
const COPIES_A_SLICE = 5_000;
/** Row of `sweep` that says how far rows are sealed. */
const CURSOR = 'diagnosis_key';
/** Small tables of before; known keys are copied in slices. */
const COPIED_AT_ONCE = ['upload', 'release_counter', 'release_set', 'counter', 'meta'];
const MEBIBYTE = 2 ** 20;
const UUID_CHARACTERS = 36;

interface PlainRow extends Record<string, SqlStorageValue> {
  release_hour: number;
  rolling_start: number;
  rolling_period: number;
  trl: number;
  report_type: number;
  dsos: number;
  tek: ArrayBuffer;
  provenance: number;
  code_batch: string | null;
}

/** @returns hours whose keys the migration needs; null when it is done */
export function plainHours(sql: SqlStorage): number[] | null {
  if (meta(sql, 'plain_rows') === null && meta(sql, 'scrub_left') === null) return null;
  return sql
    .exec<{ hour: number }>('SELECT DISTINCT release_hour AS hour FROM release_counter')
    .toArray()
    .map(({ hour }) => hour);
}

/** The migration as the object calls it: once, whoever comes first. */
export class PlainRows {
  readonly #storage: DurableObjectStorage;
  readonly #config: () => BufferConfig;
  readonly #keys: HourKeys;
  #sealing: Promise<void> | null = null;

  constructor(storage: DurableObjectStorage, config: () => BufferConfig, keys: HourKeys) {
    this.#storage = storage;
    this.#config = config;
    this.#keys = keys;
  }

  /** @param now Unix seconds */
  async seal(now: number): Promise<void> {
    const hours = plainHours(this.#storage.sql);
    if (hours === null) return;
    this.#sealing ??= this.#keys
      .ready(now, hours)
      .then(() => sealPlainRows(this.#storage, this.#config(), this.#keys))
      .finally(() => (this.#sealing = null));
    await this.#sealing;
  }
}

/** Seals what lies in the clear, then writes over what it left. @param ciphers ready for {@link plainHours} */
export async function sealPlainRows(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
): Promise<void> {
  const sql = storage.sql;
  if (meta(sql, 'plain_rows') !== null) {
    const provenances = readProvenances(sql);
    await inSlices(
      () => storage.transactionSync(() => sealSlice(sql, config, ciphers, provenances)),
      (sealed) => sealed === ROWS_A_SLICE,
    );
    const isNew = meta(sql, 'scrub_left') === null;
    if (!isNew) {
      sql.exec(freshTable(sql, 'known_key'));
      await inSlices(
        () => storage.transactionSync(() => copySlice(sql)),
        (copied) => copied > 0,
      );
    }
    storage.transactionSync(() => exchangeTables(sql, isNew));
  }
  await inSlices(
    () => storage.transactionSync(() => scrubSlice(sql)),
    (more) => more,
  );
}

function sealSlice(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  provenances: ReadonlyMap<number, Omit<RowLabel, 'issueId'>>,
): number {
  const order = 'release_hour, rolling_start, rolling_period, trl, report_type, dsos, tek';
  const place = sql.exec<{ after: string }>('SELECT after FROM sweep WHERE name = ?', CURSOR).toArray()[0]?.after;
  const after = JSON.parse(place ?? '[-1, 0, 0, 0, 0, 0, ""]') as [...number[], string];
  const rows = sql
    .exec<PlainRow>(
      `SELECT * FROM diagnosis_key WHERE (${order}) > (?, ?, ?, ?, ?, ?, unhex(?)) ORDER BY ${order} LIMIT ${ROWS_A_SLICE}`,
      ...after,
    )
    .toArray();
  const last = rows.at(-1);
  if (last === undefined) return 0;
  const alike = Map.groupBy(rows, (row) => JSON.stringify([row.release_hour, row.provenance, row.code_batch]));
  for (const own of alike.values()) {
    const { release_hour: hour, provenance, code_batch: batch } = own[0]!;
    // As in the ledger (tan-ledger/tan-rows.ts): the id of a batch, a UUID, is an issue id of it.
    const issueId = batch?.length === UUID_CHARACTERS ? `c${batch.replaceAll('-', '')}` : null;
    const cipher = ciphers.cipher(hour);
    const about = provenances.get(provenance);
    if (cipher === null || about === undefined) throw new Error(`rows of hour ${hour} can't be sealed`);
    insertWaiting(
      sql,
      cipher,
      hour,
      own.map((row) => fresh(config, row)),
      putLabel(sql, cipher, hour, { ...about, issueId }),
    );
  }
  const { release_hour: hour, rolling_start: start, rolling_period: period, trl, report_type: type, dsos, tek } = last;
  const next = JSON.stringify([hour, start, period, trl, type, dsos, toHex(new Uint8Array(tek))]);
  sql.exec('INSERT OR REPLACE INTO sweep VALUES (?, -1, ?)', CURSOR, next);
  return rows.length;
}

/** @returns the statement that makes a table of the same columns under another name, unless it is there */
function freshTable(sql: SqlStorage, table: string): string {
  const made = sql.exec<{ sql: string }>('SELECT sql FROM sqlite_master WHERE name = ?', table).one().sql;
  return made.replace(/^CREATE TABLE "?\w+"?/, `CREATE TABLE IF NOT EXISTS fresh_${table}`);
}

/** Nobody writes known keys before this is over. @returns how many were copied */
function copySlice(sql: SqlStorage): number {
  const last = 'SELECT coalesce(max(hash), zeroblob(0)) FROM fresh_known_key';
  const rest = `SELECT * FROM known_key WHERE hash > (${last}) ORDER BY hash LIMIT ${COPIES_A_SLICE}`;
  return sql.exec(`INSERT INTO fresh_known_key ${rest}`).rowsWritten;
}

/** All tables of before are written anew, before the first of them goes: no page of theirs is taken again as it is. */
function exchangeTables(sql: SqlStorage, isNew: boolean): void {
  const copied = isNew ? [] : COPIED_AT_ONCE;
  for (const table of copied) {
    sql.exec(freshTable(sql, table));
    sql.exec(`INSERT INTO fresh_${table} SELECT * FROM ${table}`);
  }
  const before = sql.databaseSize;
  const exchanged = isNew ? [] : [...copied, 'known_key'];
  for (const table of ['diagnosis_key', 'provenance', ...exchanged]) sql.exec(`DROP TABLE ${table}`);
  const freed = Math.ceil((before - sql.databaseSize) / MEBIBYTE);
  for (const table of exchanged) sql.exec(`ALTER TABLE fresh_${table} RENAME TO ${table}`);
  sql.exec(`UPDATE meta SET value = value + ? WHERE name = 'scrub_left'`, freed);
  sql.exec(`DELETE FROM meta WHERE name IN ('plain_rows', 'expired_day')`);
  sql.exec('DELETE FROM sweep WHERE name = ?', CURSOR);
}

function fresh(config: BufferConfig, row: PlainRow): Omit<FreshKey, 'release'> {
  const keyData = new Uint8Array(row.tek);
  return {
    key: {
      keyData,
      rollingStartIntervalNumber: row.rolling_start,
      rollingPeriod: row.rolling_period,
      transmissionRiskLevel: row.trl,
      reportType: row.report_type as ReportType,
      daysSinceOnsetOfSymptoms: row.dsos,
    },
    hash: lastingHash(config, keyData),
    withdrawalHash: null,
  };
}

/** Takes free pages and fills them with zeros; at the end they are free again. @returns whether more is to be done */
function scrubSlice(sql: SqlStorage): boolean {
  const left = meta(sql, 'scrub_left');
  if (left === null) return false;
  if (left > 0) {
    sql.exec('INSERT INTO scrub (zeros) VALUES (zeroblob(?))', MEBIBYTE);
    sql.exec(`UPDATE meta SET value = value - 1 WHERE name = 'scrub_left'`);
    return true;
  }
  if (sql.exec('DELETE FROM scrub WHERE n = (SELECT max(n) FROM scrub) RETURNING 1').toArray().length > 0) return true;
  sql.exec(`DELETE FROM meta WHERE name = 'scrub_left'`);
  return false;
}

function readProvenances(sql: SqlStorage): Map<number, Omit<RowLabel, 'issueId'>> {
  const rows = sql
    .exec<{ id: number; regions: string; consent: number; origin: string; synthetic: number }>(
      'SELECT id, regions, consent, origin, synthetic FROM provenance',
    )
    .toArray();
  return new Map(
    rows.map(({ id, regions, consent, origin, synthetic }) => [
      id,
      {
        regions: regions.split(','),
        consentToFederation: consent === 1,
        origin,
        synthetic: synthetic === 1,
        provenanceId: id,
      },
    ]),
  );
}

function meta(sql: SqlStorage, name: string): number | null {
  return sql.exec<{ value: number }>('SELECT value FROM meta WHERE name = ?', name).toArray()[0]?.value ?? null;
}
