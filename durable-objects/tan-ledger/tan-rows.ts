/**
 * @module How a TAN's row lies in SQLite (durable-objects/STORAGE.md): the only file that knows the table.
 */
import { GRACE_AFTER_EXPIRY_SECONDS, type TanRow } from '../../domain/reservation.ts';

/** See durable-objects/migrations.ts. Never edit one that was deployed: append. */
export const MIGRATIONS = [
  `CREATE TABLE tan (
  hash TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('issued', 'reserved', 'committed')),
  digest TEXT,
  upload_id TEXT,
  lease_end REAL,
  code_batch_id TEXT,
  expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX tan_by_expiry ON tan (expires_at);`,
  `CREATE TABLE withdrawn_tan (hash TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX withdrawn_tan_by_expiry ON withdrawn_tan (expires_at);`,
];

type StoredRow = {
  readonly state: string;
  readonly digest: string | null;
  readonly upload_id: string | null;
  readonly lease_end: number | null;
  readonly code_batch_id: string | null;
  readonly expires_at: number;
};

/** @param sql storage @param hash keyed hash of the TAN, hex @returns its row, or null */
export function readTan(sql: SqlStorage, hash: string): TanRow | null {
  const row = sql
    .exec<StoredRow>(
      'SELECT state, digest, upload_id, lease_end, code_batch_id, expires_at FROM tan WHERE hash = ?',
      hash,
    )
    .toArray()[0];
  return row === undefined ? null : fromStored(row);
}

function fromStored(row: StoredRow): TanRow {
  const issued = { codeBatchId: row.code_batch_id, expiresAt: row.expires_at };
  if (row.state === 'issued') return { ...issued, state: 'issued' };
  if (row.digest === null) throw new Error(`tan row: state ${row.state} without a digest`);
  if (row.state === 'committed') return { ...issued, state: 'committed', digest: row.digest };
  if (row.upload_id === null || row.lease_end === null) throw new Error('tan row: reserved without upload id or lease');
  return { ...issued, state: 'reserved', digest: row.digest, uploadId: row.upload_id, leaseEnd: row.lease_end };
}

/** Writes a row, new or changed. @param sql storage @param hash keyed hash of the TAN, hex @param row the row */
export function writeTan(sql: SqlStorage, hash: string, row: TanRow): void {
  sql.exec(
    `INSERT INTO tan (hash, state, digest, upload_id, lease_end, code_batch_id, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET state = excluded.state, digest = excluded.digest, upload_id = excluded.upload_id,
       lease_end = excluded.lease_end`,
    hash,
    row.state,
    row.state === 'issued' ? null : row.digest,
    row.state === 'reserved' ? row.uploadId : null,
    row.state === 'reserved' ? row.leaseEnd : null,
    row.codeBatchId,
    row.expiresAt,
  );
}

/**
 * Deletes what is past its expiry and the grace after it.
 *
 * @param sql storage
 * @param now Unix seconds
 * @returns how many TANs went
 */
export function forgetTans(sql: SqlStorage, now: number): number {
  const until = now - GRACE_AFTER_EXPIRY_SECONDS;
  sql.exec('DELETE FROM withdrawn_tan WHERE expires_at <= ?', until);
  return sql.exec('DELETE FROM tan WHERE expires_at <= ? RETURNING 1', until).toArray().length;
}

/** Withdraws one TAN unless it is committed. @param sql storage @param hash keyed hash of the TAN, hex */
export function withdrawTan(sql: SqlStorage, hash: string): void {
  withdrawWhere(sql, 'hash = ?', hash);
}

/** Withdraws the TANs of a batch that are not committed. @param sql storage @param codeBatchId the withdrawn batch */
export function withdrawTans(sql: SqlStorage, codeBatchId: string): void {
  withdrawWhere(sql, 'code_batch_id = ?', codeBatchId);
}

/** @returns whether a TAN was withdrawn: its session is then given another, and it is never recorded again */
export function isWithdrawn(sql: SqlStorage, hash: string): boolean {
  return sql.exec('SELECT 1 FROM withdrawn_tan WHERE hash = ?', hash).toArray().length > 0;
}

/** Only the hash stays, as long as its session might take the TAN for one that is still being issued. */
function withdrawWhere(sql: SqlStorage, condition: string, value: string): void {
  const chosen = `FROM tan WHERE ${condition} AND state <> 'committed'`;
  sql.exec(`INSERT OR IGNORE INTO withdrawn_tan SELECT hash, expires_at ${chosen}`, value);
  sql.exec(`DELETE ${chosen}`, value);
}

/** @param sql storage @returns Unix seconds when the next row must be gone, or null when there is none */
export function nextForgetAt(sql: SqlStorage): number | null {
  const { first } = sql
    .exec<{ first: number | null }>(
      'SELECT min(expires_at) AS first FROM (SELECT expires_at FROM tan UNION ALL SELECT expires_at FROM withdrawn_tan)',
    )
    .one();
  return first === null ? null : first + GRACE_AFTER_EXPIRY_SECONDS;
}
