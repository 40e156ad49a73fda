/**
 * @module The books of issue ids (domain/issue.ts, decision 041): which source had which id on which day, and which of them have ended by a
 * rollback. Ids are drawn at random when a day's first authorisation is vouched for. SQL over the code desk's storage; no clock.
 *
 * Durable writes: an id is booked before anything carries it. A crash in between leaves an id that nobody has.
 */
import { type IssueKind, type IssueSource, newIssueId } from '../../domain/issue.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { MAX_TAN_LIFETIME_SECONDS } from '../../domain/tan.ts';
import { RETENTION_DAYS, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';

/** A migration of CodeDesk (desk-ops.ts). Batches that are there keep the id that their TANs have (tan-ledger/tan-rows.ts). */
export const ISSUE_TABLES = `
  CREATE TABLE issue (
    kind TEXT NOT NULL, source TEXT NOT NULL, day INTEGER NOT NULL, issue_id TEXT NOT NULL UNIQUE, until_day INTEGER NOT NULL,
    PRIMARY KEY (kind, source, day)
  ) WITHOUT ROWID;
  CREATE INDEX issue_until ON issue (until_day);
  CREATE TABLE ended_issue (
    kind TEXT NOT NULL, source TEXT NOT NULL, from_day INTEGER NOT NULL, to_day INTEGER NOT NULL,
    PRIMARY KEY (kind, source, from_day, to_day)
  ) WITHOUT ROWID;
  INSERT INTO issue SELECT 'card', batch_id, created_at / 86400, 'c' || replace(batch_id, '-', ''), created_at / 86400 + 150
    FROM batch WHERE length(batch_id) = 36;`;

/** A TAN may be used so long after it was given, and its keys live so long after that: then the id goes, as its keys have. */
const KEPT_DAYS = MAX_TAN_LIFETIME_SECONDS / SECONDS_PER_DAY + RETENTION_DAYS + 3;
/** A session lives 60 days at least, and another 60 where its result came late (domain/session.ts); what has ended stays so for it. */
const ENDED_KEPT_DAYS = 150;
/** Rows forgotten in a slice. */
const CLEANUP_ROWS = 500;

/** An id and whose it is. */
export interface BookedIssue extends IssueSource {
  readonly issueId: string;
}

/** Some sources, all their days of a period. */
export interface IssueSelection {
  readonly kind: IssueKind;
  readonly sources: readonly string[];
  /** UTC days since the Unix epoch, both included. */
  readonly fromDay: number;
  readonly toDay: number;
}

/**
 * The id of a source's day: the same each time, drawn at the first. Call inside `transactionSync`.
 *
 * @param today UTC day: from here on its keys may be published as long as any
 * @returns null when it has ended
 */
export function issueOf(sql: SqlStorage, about: IssueSource, today: number, random: RandomBytes): string | null {
  if (isEnded(sql, about)) return null;
  const { kind, source, day } = about;
  const until = today + KEPT_DAYS;
  const booked = sql
    .exec<{ issue_id: string; until_day: number }>(
      'SELECT issue_id, until_day FROM issue WHERE kind = ? AND source = ? AND day = ?',
      kind,
      source,
      day,
    )
    .toArray()[0];
  if (booked === undefined) {
    const issueId = newIssueId(kind, random);
    sql.exec('INSERT INTO issue VALUES (?, ?, ?, ?, ?)', kind, source, day, issueId, until);
    return issueId;
  }
  if (booked.until_day < until) sql.exec('UPDATE issue SET until_day = ? WHERE issue_id = ?', until, booked.issue_id);
  return booked.issue_id;
}

type IssueRow = { kind: IssueKind; source: string; day: number; issue_id: string };

const issueIn = (row: IssueRow): BookedIssue => ({
  kind: row.kind,
  source: row.source,
  day: row.day,
  issueId: row.issue_id,
});

/** @returns whether an id has ended by a rollback, or isn't in the books any more */
export function isIssueOver(sql: SqlStorage, issueId: string): boolean {
  const row = sql
    .exec<IssueRow>('SELECT kind, source, day, issue_id FROM issue WHERE issue_id = ?', issueId)
    .toArray()[0];
  return row === undefined || isEnded(sql, row);
}

function isEnded(sql: SqlStorage, { kind, source, day }: IssueSource): boolean {
  const covering = 'kind = ? AND source = ? AND ? BETWEEN from_day AND to_day';
  return sql.exec(`SELECT 1 FROM ended_issue WHERE ${covering} LIMIT 1`, kind, source, day).toArray().length > 0;
}

/** @returns the ids that these sources had on these days */
export function issuesOf(sql: SqlStorage, { kind, sources, fromDay, toDay }: IssueSelection): BookedIssue[] {
  return sql
    .exec<IssueRow>(
      `SELECT kind, source, day, issue_id FROM issue
       WHERE kind = ? AND source IN (SELECT value FROM json_each(?)) AND day BETWEEN ? AND ? ORDER BY source, day`,
      kind,
      JSON.stringify(sources),
      fromDay,
      toDay,
    )
    .toArray()
    .map((row) => issueIn(row));
}

/** @returns ids of all batches of a provider that the books still have */
export function batchesOf(sql: SqlStorage, provider: string): string[] {
  return sql
    .exec<{ batch_id: string }>('SELECT batch_id FROM batch WHERE provider = ? ORDER BY batch_id', provider)
    .toArray()
    .map((row) => row.batch_id);
}

/** @returns whose ids these are; those that the books have forgotten are left out */
export function sourcesOf(sql: SqlStorage, issueIds: readonly string[]): BookedIssue[] {
  return sql
    .exec<IssueRow>(
      `SELECT kind, source, day, issue_id FROM issue
       WHERE issue_id IN (SELECT value FROM json_each(?)) ORDER BY kind, source, day`,
      JSON.stringify(issueIds),
    )
    .toArray()
    .map((row) => issueIn(row));
}

/** Ends sources for some days, those without an id yet too; idempotent. Call inside `transactionSync`. */
export function endIssues(sql: SqlStorage, { kind, sources, fromDay, toDay }: IssueSelection): void {
  for (const source of sources) {
    sql.exec('INSERT OR IGNORE INTO ended_issue VALUES (?, ?, ?, ?)', kind, source, fromDay, toDay);
  }
}

/** Forgets some of what no key has any longer. @param today UTC day @returns whether anything was forgotten */
export function forgetIssues(sql: SqlStorage, today: number): boolean {
  const old = `SELECT issue_id FROM issue WHERE until_day < ? ORDER BY until_day LIMIT ${CLEANUP_ROWS}`;
  const gone = sql.exec(`DELETE FROM issue WHERE issue_id IN (${old}) RETURNING 1`, today).toArray();
  sql.exec('DELETE FROM ended_issue WHERE to_day < ?', today - ENDED_KEPT_DAYS);
  return gone.length > 0;
}
