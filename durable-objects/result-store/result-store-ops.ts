/**
 * @module Results of laboratory tests by hashed GUID, and the signed list of laboratories (docs/architecture.md §2, §7). SQL over
 * one object's storage; no clock, no network. Cost: one row a test, read and written by primary key.
 */
import type { PostedResult } from '../../domain/test-result.ts';
import { RESULT_FORGOTTEN_AFTER_SECONDS } from '../../domain/test-result.ts';

/** Rows forgotten in one pass of the cleanup alarm, which comes again a second later while more are due: some 3 ms. */
const CLEANUP_BATCH_ROWS = 500;

export interface StoredResult {
  readonly result: number;
  readonly sampleCollected: number;
  readonly labId: string;
  /** Unix seconds. */
  readonly postedAt: number;
  /** What the list said of the laboratory when it posted. */
  readonly needsBirthDate: boolean;
}

/** Who posts: from the signed list, never from the request. */
export type Poster = Pick<StoredResult, 'labId' | 'needsBirthDate'>;

/** Numbered migrations (durable-objects/migrations.ts); STORAGE.md describes the tables. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE result (
     hashed_guid TEXT PRIMARY KEY, result INTEGER NOT NULL, sample_collected INTEGER NOT NULL,
     lab_id TEXT NOT NULL, posted_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX result_age ON result (posted_at);
   CREATE TABLE laboratory_list (version INTEGER NOT NULL, document TEXT NOT NULL);`,
  'ALTER TABLE result ADD COLUMN needs_birth_date INTEGER NOT NULL DEFAULT 0;',
  `CREATE TABLE blocked_certificate (mark TEXT PRIMARY KEY) WITHOUT ROWID;`,
];

/** @returns positions in `ids` whose row another laboratory made */
export function foreignRows(sql: SqlStorage, labId: string, ids: readonly string[]): number[] {
  const foreign: number[] = [];
  for (const [i, id] of ids.entries()) {
    const owner = sql.exec<{ lab_id: string }>('SELECT lab_id FROM result WHERE hashed_guid = ?', id).toArray()[0];
    if (owner && owner.lab_id !== labId) foreign.push(i);
  }
  return foreign;
}

/**
 * Stores a laboratory's rows. Call inside `transactionSync`: a row of another laboratory refuses them all, so that a
 * sender never has to find out which half was taken. The same rows again change nothing but their age.
 *
 * @param poster see {@link Poster}
 * @param now Unix seconds
 * @returns positions of foreign rows; empty when everything was stored
 */
export function putResults(sql: SqlStorage, poster: Poster, rows: readonly PostedResult[], now: number): number[] {
  const { labId, needsBirthDate } = poster;
  const ids = rows.map((row) => row.id);
  const foreign = foreignRows(sql, labId, ids);
  if (foreign.length > 0) return foreign;
  for (const row of rows) {
    sql.exec(
      `INSERT INTO result (hashed_guid, result, sample_collected, lab_id, posted_at, needs_birth_date)
         VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (hashed_guid) DO UPDATE SET result = excluded.result, sample_collected = excluded.sample_collected,
         posted_at = excluded.posted_at, needs_birth_date = excluded.needs_birth_date`,
      row.id,
      row.result,
      row.sampleCollected,
      labId,
      now,
      needsBirthDate ? 1 : 0,
    );
  }
  return [];
}

/** @returns the row, or null when no laboratory has posted this id; asking never creates one (docs/spec/cwa.md §3.5) */
export function readResult(sql: SqlStorage, hashedGuid: string): StoredResult | null {
  const row = sql
    .exec<{ result: number; sample_collected: number; lab_id: string; posted_at: number; needs_birth_date: number }>(
      'SELECT result, sample_collected, lab_id, posted_at, needs_birth_date FROM result WHERE hashed_guid = ?',
      hashedGuid,
    )
    .toArray()[0];
  if (row === undefined) return null;
  return {
    result: row.result,
    sampleCollected: row.sample_collected,
    labId: row.lab_id,
    postedAt: row.posted_at,
    needsBirthDate: row.needs_birth_date === 1,
  };
}

/**
 * Forgets what is older than 60 days, oldest first.
 *
 * @returns Unix seconds when the next row is due, or null when none is left
 */
export function forgetOldResults(sql: SqlStorage, now: number): number | null {
  sql.exec(
    `DELETE FROM result WHERE hashed_guid IN
       (SELECT hashed_guid FROM result WHERE posted_at <= ? ORDER BY posted_at LIMIT ?)`,
    now - RESULT_FORGOTTEN_AFTER_SECONDS,
    CLEANUP_BATCH_ROWS,
  );
  const oldest = sql.exec<{ t: number | null }>('SELECT MIN(posted_at) AS t FROM result').one().t;
  return oldest === null ? null : oldest + RESULT_FORGOTTEN_AFTER_SECONDS;
}
