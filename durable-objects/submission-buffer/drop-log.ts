/**
 * @module How many rows ended before they were published, until the event log tells of it (docs/event-log.md, `dropped`): counts by hour and cause, taken by the publisher with each
 * hour that it freezes. By the hour, so that an entry's place in the log, on which R2 writes a time, is no withdrawal's.
 *
 * Durable order: a count is part of the transaction that ends the rows. What was answered for an hour stays the same, since what ends later counts for a later one; it goes when the
 * publisher says that it is logged. A crash between leaves counts that are answered again, and the publisher tells by their hour that it has them.
 */
import type { DroppedRows, TakeBackCause } from '../../domain/publication/taken.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { meta } from '../meta.ts';
import type { DropsRequest } from './contract.ts';

/** The last hour that the publisher asked for. */
const ASKED = 'drops_hour';

/** Part of the transaction that ends the rows. @param now Unix seconds */
export function noteDropped(sql: SqlStorage, now: number, cause: TakeBackCause, rows: number): void {
  const hour = Math.max(hourOf(now), (meta(sql, ASKED) ?? -1) + 1);
  sql.exec(
    'INSERT INTO unlogged_drop VALUES (?, ?, ?) ON CONFLICT (hour, cause) DO UPDATE SET rows = rows + excluded.rows',
    hour,
    cause,
    rows,
  );
}

/** Runs inside a transaction. @returns what ended in the hours that are asked for, and isn't logged */
export function takeDropped(sql: SqlStorage, { after, through }: DropsRequest): DroppedRows[] {
  sql.exec('DELETE FROM unlogged_drop WHERE hour <= ?', after);
  sql.exec('INSERT OR REPLACE INTO meta VALUES (?, ?)', ASKED, Math.max(through, meta(sql, ASKED) ?? -1));
  return unlogged(sql, through);
}

/** @returns what isn't logged, ascending by hour */
export function unlogged(sql: SqlStorage, through = Number.MAX_SAFE_INTEGER): DroppedRows[] {
  const rows = 'SELECT hour, cause, rows FROM unlogged_drop WHERE hour <= ? ORDER BY hour, cause';
  return sql.exec<{ hour: number; cause: TakeBackCause; rows: number }>(rows, through).toArray();
}

/** Takes counts over from a journal; part of the caller's transaction. */
export function restoreDropped(sql: SqlStorage, dropped: readonly DroppedRows[]): void {
  for (const { hour, cause, rows } of dropped) {
    sql.exec('INSERT OR REPLACE INTO unlogged_drop VALUES (?, ?, ?)', hour, cause, rows);
  }
}
