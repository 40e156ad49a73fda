/**
 * @module Results of laboratory tests by hashed GUID, and the signed list of laboratories (docs/architecture.md §2, §7). SQL over
 * one object's storage; no clock, no network. Cost: one row a test, read and written by primary key.
 */
import {
  birthDateName,
  type KeptResult,
  OVER_KNOWN_SECONDS,
  isOver,
  positiveDayOf,
  type PostedResult,
  RESULT_FORGOTTEN_AFTER_SECONDS,
  resultAfter,
} from '../../domain/test-result.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { Migration } from '../migrations.ts';

/** Rows forgotten in one pass of the cleanup alarm, which comes again a second later while more are due: 17 ms, median of 40 on two cores with a load of 13. */
const CLEANUP_BATCH_ROWS = 500;

/** Of a hash so much tells that a test is over: among 10⁹ marks a new test meets one with a chance of 10⁻¹⁰. */
const MARK_BYTES = 8;

export interface StoredResult extends KeptResult {
  readonly labId: string;
  /** What the list said of the laboratory when it posted. */
  readonly needsBirthDate: boolean;
}

type ResultRow = {
  result: number;
  sample_collected: number;
  lab_id: string;
  posted_at: number;
  needs_birth_date: number;
  positive_day: number | null;
};

/** Who posts: from the signed list, never from the request. */
export type Poster = Pick<StoredResult, 'labId' | 'needsBirthDate'>;

/** Numbered migrations (durable-objects/migrations.ts); STORAGE.md describes the tables. */
export const SCHEMA: readonly Migration[] = [
  `CREATE TABLE result (
     hashed_guid TEXT PRIMARY KEY, result INTEGER NOT NULL, sample_collected INTEGER NOT NULL,
     lab_id TEXT NOT NULL, posted_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX result_age ON result (posted_at);
   CREATE TABLE laboratory_list (version INTEGER NOT NULL, document TEXT NOT NULL);`,
  'ALTER TABLE result ADD COLUMN needs_birth_date INTEGER NOT NULL DEFAULT 0;',
  `CREATE TABLE blocked_certificate (mark TEXT PRIMARY KEY) WITHOUT ROWID;`,
  // From here on posted_at is the first post; of rows that are there it is the last, and they live no longer than they would have.
  `CREATE TABLE test_over (mark BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX test_over_until ON test_over (until);`,
  nameBirthDates,
  // Of rows that are there it is null: they count as positive since they were first posted, as they did.
  'ALTER TABLE result ADD COLUMN positive_day INTEGER;',
];

/** Rows that the migration reads in one go, so that it holds no more of them. */
const NAMED_AT_ONCE = 2_000;

/** The fifth migration: rows with a date of birth are kept by {@link birthDateName}. x sorts behind every hex digit. */
function nameBirthDates(sql: SqlStorage): void {
  for (let after = 'x'; ;) {
    const ids = sql
      .exec<{ id: string }>(
        'SELECT hashed_guid AS id FROM result WHERE hashed_guid > ? AND length(hashed_guid) = 64 ORDER BY hashed_guid LIMIT ?',
        after,
        NAMED_AT_ONCE,
      )
      .toArray();
    for (const { id } of ids) {
      sql.exec('UPDATE OR REPLACE result SET hashed_guid = ? WHERE hashed_guid = ?', birthDateName(id), id);
      after = id;
    }
    if (ids.length < NAMED_AT_ONCE) return;
  }
}

/** @returns positions in `ids` whose row another laboratory made */
export function foreignRows(sql: SqlStorage, labId: string, ids: readonly string[]): number[] {
  const foreign: number[] = [];
  for (const [i, id] of ids.entries()) {
    const owner = sql
      .exec<{ lab_id: string }>('SELECT lab_id FROM result WHERE hashed_guid = ?', birthDateName(id))
      .toArray()[0];
    if (owner && owner.lab_id !== labId) foreign.push(i);
  }
  return foreign;
}

/**
 * Stores a laboratory's rows. Call inside `transactionSync`: a row of another laboratory refuses them all, so that a
 * sender never has to find out which half was taken. What a row that comes again changes: {@link resultAfter}. A row of a test
 * that is over, or of a sample that is as old as a result that is forgotten, is taken and is nothing (decisions 032 and 045).
 *
 * @param poster see {@link Poster}
 * @param now Unix seconds
 * @returns positions of foreign rows; empty when everything was stored
 */
export function putResults(sql: SqlStorage, poster: Poster, rows: readonly PostedResult[], now: number): number[] {
  const ids = rows.map((row) => row.id);
  const foreign = foreignRows(sql, poster.labId, ids);
  if (foreign.length > 0) return foreign;
  for (const row of rows) {
    const kept = readResult(sql, row.id);
    if (kept === null) insertResult(sql, poster, row, now);
    else updateResult(sql, row.id, poster, resultAfter(kept, row, now));
  }
  return [];
}

function insertResult(sql: SqlStorage, { labId, needsBirthDate }: Poster, row: PostedResult, now: number): void {
  if (isOver(row, now)) return;
  const name = birthDateName(row.id);
  // What was forgotten before rows had names is marked by the id as it is posted.
  const marks = [markOf(name), markOf(row.id)];
  const over = sql.exec('SELECT 1 FROM test_over WHERE mark IN (?, ?) AND until > ?', ...marks, now).toArray();
  if (over.length > 0) return;
  sql.exec(
    `INSERT INTO result (hashed_guid, result, sample_collected, lab_id, posted_at, needs_birth_date, positive_day)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    name,
    row.result,
    row.sampleCollected ?? -now,
    labId,
    now,
    needsBirthDate ? 1 : 0,
    positiveDayOf(row.result, now),
  );
}

function updateResult(sql: SqlStorage, id: string, { needsBirthDate }: Poster, next: KeptResult | null): void {
  if (next === null) return;
  sql.exec(
    'UPDATE result SET result = ?, sample_collected = ?, needs_birth_date = ?, positive_day = ? WHERE hashed_guid = ?',
    next.result,
    next.isSampleTimeSaid ? next.sampleCollected : -next.sampleCollected,
    needsBirthDate ? 1 : 0,
    next.positiveDay,
    birthDateName(id),
  );
}

/** Names a test that is over, and leads back to it for nobody who doesn't have its id. */
function markOf(id: string): Uint8Array {
  return sha256(utf8(id)).slice(0, MARK_BYTES);
}

/** @param id as it is kept @param since Unix seconds at which the test was over; the mark's end is a full day, which tells no finer when */
function markOver(sql: SqlStorage, id: string, since: number): void {
  const until = Math.ceil((since + OVER_KNOWN_SECONDS) / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  sql.exec('INSERT OR REPLACE INTO test_over VALUES (?, ?)', markOf(id), until);
}

/**
 * A person deletes their test; idempotent. Call inside `transactionSync`: a row that went without its mark would come again with
 * the laboratory's next copy of it.
 *
 * @param now Unix seconds
 */
export function forgetResult(sql: SqlStorage, id: string, now: number): void {
  if (readResult(sql, id) === null) return;
  const name = birthDateName(id);
  markOver(sql, name, now);
  sql.exec('DELETE FROM result WHERE hashed_guid = ?', name);
}

/** @param hashedGuid or a {@link birthDateName} @returns the row, or null when no laboratory has posted this id; asking never creates one (docs/spec/cwa.md §3.5) */
export function readResult(sql: SqlStorage, hashedGuid: string): StoredResult | null {
  const row = sql
    .exec<ResultRow>(
      'SELECT result, sample_collected, lab_id, posted_at, needs_birth_date, positive_day FROM result WHERE hashed_guid = ?',
      birthDateName(hashedGuid),
    )
    .toArray()[0];
  if (row === undefined) return null;
  return {
    result: row.result,
    sampleCollected: Math.abs(row.sample_collected),
    isSampleTimeSaid: row.sample_collected > 0,
    labId: row.lab_id,
    postedAt: row.posted_at,
    needsBirthDate: row.needs_birth_date === 1,
    positiveDay: positiveDayOf(row.result, row.posted_at, row.positive_day),
  };
}

/**
 * Forgets what was first posted 60 days ago, oldest first, and marks that have had their time. Call inside `transactionSync`, as
 * {@link forgetResult}.
 *
 * @returns Unix seconds when the next row is due, or null when none is left
 */
export function forgetOldResults(sql: SqlStorage, now: number): number | null {
  const old = sql
    .exec<{ hashed_guid: string; posted_at: number }>(
      'SELECT hashed_guid, posted_at FROM result WHERE posted_at <= ? ORDER BY posted_at LIMIT ?',
      now - RESULT_FORGOTTEN_AFTER_SECONDS,
      CLEANUP_BATCH_ROWS,
    )
    .toArray();
  for (const { hashed_guid, posted_at } of old) {
    markOver(sql, hashed_guid, posted_at + RESULT_FORGOTTEN_AFTER_SECONDS);
    sql.exec('DELETE FROM result WHERE hashed_guid = ?', hashed_guid);
  }
  sql.exec(
    'DELETE FROM test_over WHERE mark IN (SELECT mark FROM test_over WHERE until <= ? ORDER BY until LIMIT ?)',
    now,
    CLEANUP_BATCH_ROWS,
  );
  return nextForgetAt(sql);
}

/** @returns Unix seconds when the next row is due, or null when there is none */
export function nextForgetAt(sql: SqlStorage): number | null {
  const { posted, until } = sql
    .exec<{ posted: number | null; until: number | null }>(
      'SELECT (SELECT MIN(posted_at) FROM result) AS posted, (SELECT MIN(until) FROM test_over) AS until',
    )
    .one();
  const due = [
    ...(posted === null ? [] : [posted + RESULT_FORGOTTEN_AFTER_SECONDS]),
    ...(until === null ? [] : [until]),
  ];
  return due.length === 0 ? null : Math.min(...due);
}
