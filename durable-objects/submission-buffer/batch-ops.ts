/**
 * @module Withdrawn batches of code cards (docs/architecture.md §8): which, and from which hour on. The mark stands beside the private
 * records, whose code-batch ids say which keys it means; it outlives every key that was uploaded with such a card.
 */
import { hourOf, RETENTION_DAYS } from '../../protocol/gaen/intervals.ts';

/** An upload under way when the batch was withdrawn is done a day later; its keys are gone with their retention. */
const MARK_LIFETIME_HOURS = (RETENTION_DAYS + 2) * 24;

/** A withdrawn batch. */
export interface WithdrawnBatch {
  readonly codeBatchId: string;
  /** Hours since the Unix epoch; uploads with its cards count from here on. */
  readonly fromHour: number;
}

/**
 * Marks a batch; an earlier hour wins, and marking again only makes the mark live longer.
 *
 * @param from Unix seconds; kept as the hour
 * @param now Unix seconds
 */
export function markBatch(sql: SqlStorage, codeBatchId: string, from: number, now: number): void {
  sql.exec(
    `INSERT INTO withdrawn_batch VALUES (?, ?, ?) ON CONFLICT (batch_id) DO UPDATE SET
       from_hour = min(from_hour, excluded.from_hour), expires_hour = max(expires_hour, excluded.expires_hour)`,
    codeBatchId,
    hourOf(from),
    hourOf(now) + MARK_LIFETIME_HOURS,
  );
}

/** @returns marked batches, by id */
export function withdrawnBatches(sql: SqlStorage): WithdrawnBatch[] {
  return sql
    .exec<{ batch_id: string; from_hour: number }>('SELECT batch_id, from_hour FROM withdrawn_batch ORDER BY batch_id')
    .toArray()
    .map((row) => ({ codeBatchId: row.batch_id, fromHour: row.from_hour }));
}

/** Forgets marks that no key needs any longer. @param now Unix seconds */
export function expireBatchMarks(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM withdrawn_batch WHERE expires_hour <= ?', hourOf(now));
}
