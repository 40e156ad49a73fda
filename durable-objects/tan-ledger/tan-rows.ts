/**
 * @module How a TAN's row lies in SQLite (durable-objects/STORAGE.md): the only file that knows the table.
 *
 * A row has the same number of bytes in every state, and a reservation that is over is zeros, but for the id of a certificate's: so SQLite writes a
 * changed row over the old one, and no digest stays behind in a page's free space.
 */
import type { TanRow } from '../../domain/reservation.ts';
import { GRACE_AFTER_EXPIRY_SECONDS } from '../../domain/tan.ts';
import { concatBytes, fromHex, toHex } from '../../protocol/primitives/bytes.ts';

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
  // Digests and upload ids of the first layout are overwritten before their table goes. A reservation under way loses its
  // hold: it was made for an upload id that no receipt can speak of, and the TAN must stay usable.
  `CREATE TABLE held_tan (
  hash TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('i', 'r', 'c')),
  reservation BLOB NOT NULL,
  code_batch_id TEXT,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO held_tan SELECT hash, CASE state WHEN 'committed' THEN 'c' ELSE 'i' END, zeroblob(88), code_batch_id,
  (CAST(expires_at AS INTEGER) / 3600 + 1) * 3600 FROM tan;
UPDATE tan SET digest = printf('%064d', 0) WHERE digest IS NOT NULL;
UPDATE tan SET upload_id = printf('%036d', 0) WHERE upload_id IS NOT NULL;
DROP TABLE tan;
CREATE INDEX held_tan_by_expiry ON held_tan (expires_at);`,
  `CREATE TABLE withdrawn_tan (hash TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX withdrawn_tan_by_expiry ON withdrawn_tan (expires_at);`,
  // A batch's id, a UUID, becomes an issue id of the batch's (domain/issue.ts), as in the books (code-desk/issue-ops.ts).
  `ALTER TABLE held_tan RENAME COLUMN code_batch_id TO issue_id;
UPDATE held_tan SET issue_id = CASE WHEN length(issue_id) = 36 THEN 'c' || replace(issue_id, '-', '') END
  WHERE issue_id IS NOT NULL;`,
];

const STATE = { issued: 'i', reserved: 'r', committed: 'c' } as const;
const HASH_BYTES = 32;
const UUID_BYTES = 16;
/** RFC 9562 §5.9: in place of a reservation that is forgotten. */
const NO_UUID = '00000000-0000-0000-0000-000000000000';
/** Digest, commitment to the upload id, reservation id, end of the lease as a double. */
const RESERVATION_BYTES = 2 * HASH_BYTES + UUID_BYTES + 8;

/**
 * Keyed hashes of one TAN: under the key that makes, then under the others of the ring (docs/rotation.md). A row stays where it was made, to its end; since
 * whoever looks for it and whoever makes it look at all names, in one transaction, there is never a second one.
 */
export type TanNames = readonly [string, ...string[]];

type StoredRow = {
  readonly state: string;
  readonly reservation: ArrayBuffer;
  readonly issue_id: string | null;
  readonly expires_at: number;
};

/** @param sql storage @param hash keyed hash of the TAN, hex @returns its row, or null */
function readTan(sql: SqlStorage, hash: string): TanRow | null {
  const row = sql
    .exec<StoredRow>('SELECT state, reservation, issue_id, expires_at FROM held_tan WHERE hash = ?', hash)
    .toArray()[0];
  return row === undefined ? null : fromStored(row);
}

/** @param names keyed hashes of one TAN, hex @returns where its row lies, or where it would be made, and the row, or null */
export function findTan(sql: SqlStorage, names: TanNames): { readonly hash: string; readonly row: TanRow | null } {
  for (const hash of names) {
    const row = readTan(sql, hash);
    if (row !== null) return { hash, row };
  }
  return { hash: names[0], row: null };
}

function fromStored(row: StoredRow): TanRow {
  const issued = { issueId: row.issue_id, expiresAt: row.expires_at };
  if (row.state === STATE.issued) return { ...issued, state: 'issued' };
  const bytes = new Uint8Array(row.reservation);
  if (bytes.length !== RESERVATION_BYTES) throw new Error(`tan row: a reservation of ${bytes.length} bytes`);
  const reservationId = uuid(bytes.subarray(2 * HASH_BYTES, 2 * HASH_BYTES + UUID_BYTES));
  if (row.state === STATE.committed) {
    return { ...issued, state: 'committed', reservationId: reservationId === NO_UUID ? null : reservationId };
  }
  return {
    ...issued,
    state: 'reserved',
    digest: toHex(bytes.subarray(0, HASH_BYTES)),
    idCommitment: toHex(bytes.subarray(HASH_BYTES, 2 * HASH_BYTES)),
    reservationId,
    leaseEnd: new DataView(row.reservation).getFloat64(RESERVATION_BYTES - 8),
  };
}

function stored(row: TanRow): Uint8Array {
  if (row.state === 'issued') return new Uint8Array(RESERVATION_BYTES);
  const id = fromHex((row.reservationId ?? NO_UUID).replaceAll('-', ''));
  // What a certificate's row keeps; a TAN's is all zeros.
  if (row.state === 'committed') return concatBytes(new Uint8Array(2 * HASH_BYTES), id, new Uint8Array(8));
  const lease = new Uint8Array(8);
  new DataView(lease.buffer).setFloat64(0, row.leaseEnd);
  const bytes = concatBytes(fromHex(row.digest), fromHex(row.idCommitment), id, lease);
  if (bytes.length !== RESERVATION_BYTES) throw new Error(`tan row: a reservation of ${bytes.length} bytes`);
  return bytes;
}

function uuid(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Writes a row, new or changed. @param sql storage @param hash keyed hash of the TAN, hex @param row the row */
export function writeTan(sql: SqlStorage, hash: string, row: TanRow): void {
  sql.exec(
    `INSERT INTO held_tan (hash, state, reservation, issue_id, expires_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET state = excluded.state, reservation = excluded.reservation`,
    hash,
    STATE[row.state],
    stored(row),
    row.issueId,
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
  const until = now - GRACE_AFTER_EXPIRY_SECONDS;
  return ['withdrawn_tan', 'held_tan'].reduce((gone, table) => {
    const some = `SELECT hash FROM ${table} WHERE expires_at <= ? LIMIT ${SLICE_ROWS}`;
    return gone + sql.exec(`DELETE FROM ${table} WHERE hash IN (${some}) RETURNING 1`, until).toArray().length;
  }, 0);
}

/** Withdraws one TAN unless it is committed. @param sql storage @param names keyed hashes of the TAN, hex */
export function withdrawTan(sql: SqlStorage, names: TanNames): void {
  for (const hash of names) withdrawWhere(sql, 'hash = ?', hash);
}

/**
 * Withdraws the TANs of sources whose issues have ended that are not committed, among some rows.
 *
 * @param sql storage
 * @param issueIds of the sources' days
 * @param after hash of the last row looked at, empty at the beginning
 * @returns where to go on, or null at the end
 */
export function withdrawTans(sql: SqlStorage, issueIds: readonly string[], after: string): string | null {
  const next = `SELECT hash FROM held_tan WHERE hash > ? ORDER BY hash LIMIT 1 OFFSET ${SLICE_ROWS - 1}`;
  const end = sql.exec<{ hash: string }>(next, after).toArray()[0]?.hash ?? null;
  const among = 'issue_id IN (SELECT value FROM json_each(?3))';
  withdrawWhere(sql, `hash > ?1 AND (?2 IS NULL OR hash <= ?2) AND ${among}`, after, end, JSON.stringify(issueIds));
  return end;
}

/** @returns the name under which a TAN was withdrawn, or null: its session is then given another, and it is never recorded again */
export function withdrawnName(sql: SqlStorage, names: TanNames): string | null {
  const isWithdrawn = (hash: string): boolean =>
    sql.exec('SELECT 1 FROM withdrawn_tan WHERE hash = ?', hash).toArray().length > 0;
  return names.find(isWithdrawn) ?? null;
}

/** Only the hash stays, as long as its session might take the TAN for one that is still being issued. */
function withdrawWhere(sql: SqlStorage, condition: string, ...values: (string | null)[]): void {
  const chosen = `FROM held_tan WHERE ${condition} AND state <> 'c'`;
  sql.exec(`INSERT OR IGNORE INTO withdrawn_tan SELECT hash, expires_at ${chosen}`, ...values);
  sql.exec(`DELETE ${chosen}`, ...values);
}

/** @param sql storage @returns Unix seconds when the next row must be gone, or null when there is none */
export function nextForgetAt(sql: SqlStorage): number | null {
  const { first } = sql
    .exec<{ first: number | null }>(
      'SELECT min(first) AS first FROM (SELECT min(expires_at) AS first FROM held_tan UNION ALL SELECT min(expires_at) FROM withdrawn_tan)',
    )
    .one();
  return first === null ? null : first + GRACE_AFTER_EXPIRY_SECONDS;
}
