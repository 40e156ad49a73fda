/**
 * @module Rows of test sessions: what domain/session decides, kept by the keyed hash of the registration token
 * (docs/architecture.md §7). SQL over one object's storage; no clock, no network. Cost: one row a session, found by primary key.
 */
import { ended, type Session } from '../../domain/session.ts';
import { CLAIM_TABLE } from './claim-ops.ts';

/** Rows forgotten in one pass of the cleanup alarm, which comes again a second later while more are due: some 3 ms. */
const CLEANUP_BATCH_ROWS = 500;
/** Rows one RPC may bring: a batch of 10,000 cards comes in several. */
export const ISSUE_BATCH_ROWS = 2_000;

/** Numbered migrations; STORAGE.md describes the tables. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE session (
     token_hash TEXT PRIMARY KEY, seed BLOB NOT NULL, state TEXT NOT NULL, code_batch TEXT,
     expires_at INTEGER NOT NULL, document TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX session_expiry ON session (expires_at);
   CREATE INDEX session_batch ON session (code_batch, state) WHERE code_batch IS NOT NULL;`,
  // A TAN whose time isn't known counts as used once the ledger doesn't know it. Sessions that took any 64 hex digits for a
  // date of birth, or a hash with one for a test, end: they could show and delete what was somebody else's (decision 024).
  `UPDATE session SET document = json_set(document, '$.isForgetting', json('false'), '$.tanExpiresAt',
     CASE WHEN json_extract(document, '$.firstTanAt') IS NULL THEN NULL ELSE 0 END);
   UPDATE session SET state = 'deleted', document = json_set(document,
     '$.state', 'deleted', '$.hashedGuid', NULL, '$.hashedGuidWithBirthDate', NULL)
   WHERE json_extract(document, '$.hashedGuid') LIKE 'x%'
     OR json_extract(document, '$.hashedGuidWithBirthDate') NOT LIKE 'x%';
   ${CLAIM_TABLE}`,
];

export interface StoredSession {
  /** 32 bytes, domain/derived-codes. */
  readonly seed: Uint8Array;
  readonly session: Session;
}

/** @returns the row, or null */
export function readSession(sql: SqlStorage, tokenHash: string): StoredSession | null {
  const row = sql
    .exec<{ seed: ArrayBuffer; document: string }>('SELECT seed, document FROM session WHERE token_hash = ?', tokenHash)
    .toArray()[0];
  return row ? { seed: new Uint8Array(row.seed), session: JSON.parse(row.document) as Session } : null;
}

/** Writes or replaces one row. */
export function writeSession(sql: SqlStorage, tokenHash: string, seed: Uint8Array, session: Session): void {
  sql.exec(
    'INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)',
    tokenHash,
    seed,
    session.state,
    session.codeBatchId,
    session.expiresAt,
    JSON.stringify(session),
  );
}

/**
 * Withdraws a batch of code cards: cards nobody used never open, sessions opened at or after `from` end.
 *
 * @param from Unix seconds
 * @returns how many rows changed (no caller outside verification learns which)
 */
export function withdrawBatch(sql: SqlStorage, codeBatchId: string, from: number): number {
  const rows = sql
    .exec<{ token_hash: string; seed: ArrayBuffer; document: string }>(
      "SELECT token_hash, seed, document FROM session WHERE code_batch = ? AND state IN ('issued', 'registered')",
      codeBatchId,
    )
    .toArray();
  let changed = 0;
  for (const row of rows) {
    const session = JSON.parse(row.document) as Session;
    if (session.state === 'registered' && (session.registeredAt ?? 0) < from) continue;
    writeSession(sql, row.token_hash, new Uint8Array(row.seed), ended(session, 'deleted'));
    changed++;
  }
  return changed;
}

/** Batches that are counted in one call: a page of them. */
const BATCHES_PER_CALL = 50;

/**
 * The index alone tells most: whoever is registered was opened. Only deleted ones are read, to see whether they were.
 *
 * @param codeBatchIds at most 50
 * @returns for each batch how many of its cards this shard holds that were opened; never which
 * @throws RangeError above the limit of a call
 */
export function batchUses(sql: SqlStorage, codeBatchIds: readonly string[]): number[] {
  if (codeBatchIds.length > BATCHES_PER_CALL) throw new RangeError(`batches: at most ${BATCHES_PER_CALL} a call`);
  return codeBatchIds.map(
    (id) =>
      sql
        .exec<{ n: number }>(
          `SELECT (SELECT COUNT(*) FROM session WHERE code_batch = ?1 AND state = 'registered') +
           (SELECT COUNT(*) FROM session WHERE code_batch = ?1 AND state = 'deleted'
            AND json_extract(document, '$.registeredAt') IS NOT NULL) AS n`,
          id,
        )
        .one().n,
  );
}

/** Forgets expired rows, oldest first. @returns Unix seconds when the next is due, or null when none is left */
export function forgetExpired(sql: SqlStorage, now: number): number | null {
  sql.exec(
    'DELETE FROM session WHERE token_hash IN (SELECT token_hash FROM session WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
    now,
    CLEANUP_BATCH_ROWS,
  );
  return sql.exec<{ t: number | null }>('SELECT MIN(expires_at) AS t FROM session').one().t;
}
