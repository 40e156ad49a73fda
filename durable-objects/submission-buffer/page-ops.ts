/**
 * @module Reading and forgetting a frozen set. The rows of each release hour lie in published order on disk (primary
 * key), so a set of several hours is a merge of sorted runs, and the order is a function of the set alone.
 */
import type { RandomBytes } from '../../domain/random.ts';
import { expireBatchMarks } from './batch-ops.ts';
import { forgetReceived } from './received-ops.ts';
import { SECONDS_PER_DAY, SECONDS_PER_HOUR, hourOf } from '../../protocol/gaen/intervals.ts';
import { ROW_BYTES, TEK_OFFSET, compareRows, packFields, unpackKey, type Provenance } from '../packed-keys.ts';
import { readSet } from './freeze-ops.ts';
import type { KeyPage } from './contract.ts';

const TEK_BYTES = 16;
/** 50,000 rows are 1.4 MB, far below the 32 MiB of one RPC answer, and bound the memory of a page. */
const MAX_PAGE_ROWS = 50_000;

type SqlRow = [number, number, number, number, number, ArrayBuffer, number, string | null];

const SELECT = `SELECT rolling_start, rolling_period, trl, report_type, dsos, tek, provenance, code_batch
  FROM diagnosis_key WHERE release_hour = ?
  AND (rolling_start, rolling_period, trl, report_type, dsos, tek) > (?, ?, ?, ?, ?, ?)
  ORDER BY rolling_start, rolling_period, trl, report_type, dsos, tek LIMIT ?`;

/** One sorted run: the rows of one release hour, the next one not yet packed. */
class Run {
  next: SqlRow | null = null;
  /** The next row's bytes, packed only when runs have to be compared. */
  readonly head = new Uint8Array(ROW_BYTES);
  readonly #rows: Iterator<SqlRow>;

  constructor(sql: SqlStorage, hour: number, after: Uint8Array | null, limit: number) {
    this.#rows = sql.exec(SELECT, hour, ...bound(after), limit).raw() as unknown as Iterator<SqlRow>;
  }

  /** @returns false at the end of the run */
  advance(packHead: boolean): boolean {
    const { done, value } = this.#rows.next();
    this.next = done === true ? null : value;
    if (packHead && this.next !== null) packSqlRow(this.head, 0, this.next);
    return this.next !== null;
  }
}

function packSqlRow(rows: Uint8Array, offset: number, row: SqlRow): void {
  packFields(rows, offset, row[0], row[1], row[2], row[3], row[4], row[6]);
  const keyData = new Uint8Array(row[5]);
  if (keyData.length === TEK_BYTES) rows.set(keyData, offset + TEK_OFFSET);
  // Too long, it would lie on the next row: without a period the publisher puts it aside.
  else rows[offset + 4] = 0;
}

function bound(after: Uint8Array | null): SqlStorageValue[] {
  if (after === null) return [-1, 0, 0, 0, 0, new Uint8Array(0).buffer];
  const key = unpackKey(after, 0);
  return [
    key.rollingStartIntervalNumber,
    key.rollingPeriod,
    key.transmissionRiskLevel,
    key.reportType,
    key.daysSinceOnsetOfSymptoms,
    key.keyData.slice().buffer,
  ];
}

/**
 * @param setNo a set whose decision is publish and that isn't purged
 * @param after sort bytes of the last row had, or null
 * @param limit rows, at most `MAX_PAGE_ROWS`
 * @returns the next rows in published order
 * @throws Error when there is no such set
 */
export function readPage(sql: SqlStorage, setNo: number, after: Uint8Array | null, limit: number): KeyPage {
  const set = readSet(sql, setNo);
  if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
  const wanted = Math.min(Math.max(1, limit), MAX_PAGE_ROWS);
  const hours = sql
    .exec<{ hour: number }>(
      `SELECT DISTINCT release_hour AS hour FROM release_counter WHERE release_hour BETWEEN ? AND ?`,
      set.firstHour,
      set.lastHour,
    )
    .toArray();
  // No await below, so no other event changes a row while the cursors are open.
  const merges = hours.length > 1;
  let runs = hours.map(({ hour }) => new Run(sql, hour, after, wanted + 1)).filter((run) => run.advance(merges));
  const rows = new Uint8Array(wanted * ROW_BYTES);
  const codeBatches: Record<number, string> = {};
  let n = 0;
  while (n < wanted && runs.length > 0) {
    let least = runs[0]!;
    for (const run of runs) if (run !== least && compareRows(run.head, 0, least.head, 0) < 0) least = run;
    const row = least.next!;
    packSqlRow(rows, n * ROW_BYTES, row);
    if (row[7] !== null) codeBatches[n] = row[7];
    n += 1;
    if (!least.advance(merges)) runs = runs.filter((run) => run !== least);
  }
  return {
    rows: n === wanted ? rows : rows.slice(0, n * ROW_BYTES),
    provenances: readProvenances(sql),
    codeBatches,
    hasCodes: Object.keys(codeBatches).length > 0,
    last: runs.length === 0,
  };
}

/**
 * Forgets the rows of a published set; the publisher calls it when the set is INDEXED in every region. Idempotent. The
 * rows of the newest set and of the last that held keys stay: they say from where the next one starts.
 */
export function purgeSet(storage: DurableObjectStorage, setNo: number): void {
  storage.transactionSync(() => {
    const sql = storage.sql;
    const set = readSet(sql, setNo);
    if (set !== null && set.firstHour !== null && set.lastHour !== null) {
      sql.exec('DELETE FROM diagnosis_key WHERE release_hour BETWEEN ? AND ?', set.firstHour, set.lastHour);
      sql.exec('DELETE FROM release_counter WHERE release_hour <= ?', set.lastHour);
    }
    sql.exec('UPDATE release_set SET purged = 1 WHERE set_no = ?', setNo);
    // What a later set needs: the newest number and hour, and the last release hour that is covered.
    sql.exec(
      `DELETE FROM release_set WHERE purged = 1 AND set_no < (SELECT max(set_no) FROM release_set)
       AND set_no <> coalesce((SELECT max(set_no) FROM release_set WHERE last_hour IS NOT NULL), 0)`,
    );
  });
}

/**
 * Forgets what has had its time: upload ids, hashes of known keys, half of what was counted. The scan of the hashes runs once a day, at the
 * midnight at which they expire.
 *
 * @param now Unix seconds
 */
export function expireBuffer(storage: DurableObjectStorage, random: RandomBytes, now: number): void {
  storage.transactionSync(() => {
    const sql = storage.sql;
    sql.exec('DELETE FROM upload WHERE expires_hour <= ?', hourOf(now));
    expireBatchMarks(sql, now);
    const today = Math.floor(now / SECONDS_PER_DAY);
    const done = sql.exec<{ value: number }>(`SELECT value FROM meta WHERE name = 'expired_day'`).toArray()[0]?.value;
    if (done === today) return;
    sql.exec('DELETE FROM known_key WHERE expires_hour <= ?', (today * SECONDS_PER_DAY) / SECONDS_PER_HOUR);
    sql.exec(`INSERT OR REPLACE INTO meta VALUES ('expired_day', ?)`, today);
    forgetReceived(sql, random, now);
    sql.exec('DELETE FROM provenance WHERE id NOT IN (SELECT DISTINCT provenance FROM diagnosis_key)');
  });
}

/** @returns the table that the rows' last four bytes point into. */
function readProvenances(sql: SqlStorage): Record<number, Provenance> {
  const table: Record<number, Provenance> = {};
  for (const row of sql.exec<{ id: number; regions: string; consent: number; origin: string; synthetic: number }>(
    'SELECT id, regions, consent, origin, synthetic FROM provenance',
  )) {
    table[row.id] = {
      regions: row.regions.split(','),
      consentToFederation: row.consent === 1,
      origin: row.origin,
      synthetic: row.synthetic === 1,
    };
  }
  return table;
}
