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

/** Rows that one slice deletes or looks at: some 3 ms (durable-objects/pace.ts). */
const SLICE_ROWS = 1_000;

/**
 * Deletes some of what is past its expiry and the grace after it.
 *
 * @param sql storage
 * @param now Unix seconds
 * @returns how many rows went; 0 when none is left
 */
export function forgetTans(sql: SqlStorage, now: number): number {
  return sql
    .exec(
      `DELETE FROM tan WHERE hash IN (SELECT hash FROM tan WHERE expires_at <= ? ORDER BY expires_at LIMIT ${SLICE_ROWS})
       RETURNING 1`,
      now - GRACE_AFTER_EXPIRY_SECONDS,
    )
    .toArray().length;
}

/**
 * Deletes the TANs of a batch that are not committed, among some rows.
 *
 * @param sql storage
 * @param codeBatchId the withdrawn batch
 * @param after hash of the last row looked at, empty at the beginning
 * @returns where to go on, or null at the end
 */
export function withdrawTans(sql: SqlStorage, codeBatchId: string, after: string): string | null {
  const end = sql
    .exec<{ hash: string }>(`SELECT hash FROM tan WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET ${SLICE_ROWS - 1}`, after)
    .toArray()[0]?.hash;
  sql.exec(
    "DELETE FROM tan WHERE hash > ? AND (?2 IS NULL OR hash <= ?2) AND code_batch_id = ?3 AND state <> 'committed'",
    after,
    end ?? null,
    codeBatchId,
  );
  return end ?? null;
}

/** @param sql storage @returns Unix seconds when the next row must be gone, or null when there is none */
export function nextForgetAt(sql: SqlStorage): number | null {
  const { first } = sql.exec<{ first: number | null }>('SELECT min(expires_at) AS first FROM tan').one();
  return first === null ? null : first + GRACE_AFTER_EXPIRY_SECONDS;
}
