/**
 * @module The row that says that a deployment has ended (docs/sunset.md): in each object, so that none depends on another to know. There is no
 * table for it before the end, and no other table after it.
 */
import { END_TABLE, type EndPhase } from '../domain/sunset.ts';

/** What the row says. */
export interface EndMarker {
  readonly phase: EndPhase;
  /** Hours since the Unix epoch; null while it is open. */
  readonly since: number | null;
  /** JSON that the object keeps beyond its end, or null. */
  readonly kept: string | null;
}

const OPEN: EndMarker = { phase: 'open', since: null, kept: null };

/** @returns what the object was told of its end */
export function endMarker(sql: SqlStorage): EndMarker {
  if (sql.exec(`SELECT 1 FROM sqlite_master WHERE name = '${END_TABLE}'`).toArray().length === 0) return OPEN;
  const rows = sql.exec<{ phase: EndPhase; since: number; kept: string | null }>(
    `SELECT phase, since, kept FROM ${END_TABLE}`,
  );
  return rows.toArray()[0] ?? OPEN;
}

/** Writes the row in place of the last. */
export function markEnd(sql: SqlStorage, { phase, since, kept }: EndMarker): void {
  sql.exec(
    `CREATE TABLE IF NOT EXISTS ${END_TABLE} (one INTEGER PRIMARY KEY CHECK (one = 1), phase TEXT NOT NULL,
     since INTEGER NOT NULL, kept TEXT)`,
  );
  sql.exec(`INSERT OR REPLACE INTO ${END_TABLE} VALUES (1, ?, ?, ?)`, phase, since, kept);
}

/** @returns whether the object is purged: then it has no other table, and makes none */
export const isPurged = (sql: SqlStorage): boolean => endMarker(sql).phase === 'purged';
