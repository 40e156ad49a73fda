/**
 * @module Issue ids that have ended by a rollback (docs/rollback.md): an upload that was under way when its source ended stores nothing. It is answered as one whose keys
 * are known, so that nobody learns of the rollback by it. Named by keyed hashes, as issue-counts.ts does.
 */
import { MAX_TAN_LIFETIME_SECONDS, longestAnswerOfTan } from '../../domain/tan.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
import { nameOfIssue, namesOfIssue } from './issue-counts.ts';

/** As long as a TAN that was given before may be answered; the ledger has withdrawn those that were not in use. */
const KEPT_HOURS = Math.ceil(longestAnswerOfTan(MAX_TAN_LIFETIME_SECONDS) / 3600) + 1;

/** Ends ids; idempotent. Runs inside a transaction. @param now Unix seconds */
export function endIssues(sql: SqlStorage, config: BufferConfig, issueIds: readonly string[], now: number): void {
  for (const issueId of issueIds) {
    sql.exec(
      'INSERT OR REPLACE INTO ended_issue VALUES (?, ?)',
      nameOfIssue(config, issueId),
      hourOf(now) + KEPT_HOURS,
    );
  }
}

/** @returns whether nothing more may be stored with this id */
export function isEnded(sql: SqlStorage, config: BufferConfig, issueId: string | null): boolean {
  if (issueId === null) return false;
  const text = 'SELECT 1 FROM ended_issue WHERE name = ?';
  return namesOfIssue(config, issueId).some((name) => sql.exec(text, name).toArray().length > 0);
}

/** Forgets what no upload can come with any more. @param now Unix seconds */
export function expireEnded(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM ended_issue WHERE expires_hour <= ?', hourOf(now));
}
