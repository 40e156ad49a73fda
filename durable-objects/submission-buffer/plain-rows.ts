/**
 * @module Migration 3 of the buffer: rows that lay in the clear are sealed (row-cipher.ts) at the first wake, in slices, and uploads
 * are taken meanwhile; sealing waits for it. Then the pages that they left free are written over, since SQLite only unlinks
 * them and the platform lets nobody set `secure_delete`.
 *
 * Durable order: each slice moves rows in one transaction; when none is left the tables go; then zeros, a mebibyte a
 * transaction. A crash goes on where it was. Left is the platform's own log of the time before, for 30 days.
 */
import type { ReportType } from '../../protocol/gaen/keys.ts';
import { inSlices } from '../pace.ts';
import { lastingHash } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';
import { putLabel, type RowLabel } from './row-labels.ts';
import { insertWaiting, type FreshKey } from './waiting-rows.ts';

const ROWS_A_SLICE = 250;
const MEBIBYTE = 2 ** 20;

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
      (moved) => moved === ROWS_A_SLICE,
    );
    storage.transactionSync(() => {
      sql.exec('DROP TABLE diagnosis_key');
      sql.exec('DROP TABLE provenance');
      sql.exec(`DELETE FROM meta WHERE name IN ('plain_rows', 'expired_day')`);
    });
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
  provenances: ReadonlyMap<number, Omit<RowLabel, 'codeBatchId'>>,
): number {
  const order = 'release_hour, rolling_start, rolling_period, trl, report_type, dsos, tek';
  const rows = sql.exec<PlainRow>(`SELECT * FROM diagnosis_key ORDER BY ${order} LIMIT ${ROWS_A_SLICE}`).toArray();
  const last = rows.at(-1);
  if (last === undefined) return 0;
  const alike = Map.groupBy(rows, (row) => JSON.stringify([row.release_hour, row.provenance, row.code_batch]));
  for (const own of alike.values()) {
    const { release_hour: hour, provenance, code_batch: codeBatchId } = own[0]!;
    const cipher = ciphers.cipher(hour);
    const about = provenances.get(provenance);
    if (cipher === null || about === undefined) throw new Error(`rows of hour ${hour} can't be sealed`);
    insertWaiting(
      sql,
      cipher,
      hour,
      own.map((row) => fresh(config, row)),
      putLabel(sql, cipher, hour, { ...about, codeBatchId }),
    );
  }
  sql.exec(
    `DELETE FROM diagnosis_key WHERE (${order}) <= (?, ?, ?, ?, ?, ?, ?)`,
    last.release_hour,
    last.rolling_start,
    last.rolling_period,
    last.trl,
    last.report_type,
    last.dsos,
    last.tek,
  );
  return rows.length;
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

function readProvenances(sql: SqlStorage): Map<number, Omit<RowLabel, 'codeBatchId'>> {
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
