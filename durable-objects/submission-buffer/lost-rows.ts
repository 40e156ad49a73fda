/**
 * @module What is taken out before a set is fixed, in slices: keys whose retention ends before the hour is sealed, which only a
 * long outage leaves, and rows whose key is gone (hour-keys.ts), which nobody will ever read. Both are counted.
 *
 * Durable order: each slice is one transaction of rows, counters and count. A crash between two leaves rows for the next
 * freeze to find; nothing is counted twice.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import { inSlices } from '../pace.ts';
import { unpackKey } from '../../domain/publication/packed-keys.ts';
import { countedUnder, type BufferConfig } from './config.ts';
import { count } from './counters.ts';
import type { Ciphers } from './hour-keys.ts';
import { uncountHour, uncountIssues } from './issue-counts.ts';
import { FIELDS_OFFSET, LABEL_OFFSET, STORED_ROW_BYTES, TAG_BYTES, readLabel } from './row-cipher.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { readWaiting, waitingHours, SLICE_ROWS } from './waiting-rows.ts';

/**
 * @param hour about to be sealed
 * @param first the first release hour that no published set covers
 */
export async function dropLost(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  first: number,
  hour: number,
): Promise<void> {
  for (const waiting of waitingHours(storage.sql, first, hour)) {
    const labels = labelsOf(storage.sql, ciphers, waiting);
    // Each row has a label under the same key: when none opens, the key is another one.
    if (labels.size === 0) await dropHour(storage, waiting);
    // A key that is accepted can still be published in its own release hour.
    else if (waiting < hour) await dropExpired(storage, config, ciphers, waiting, hour, labels);
  }
}

async function dropHour(storage: DurableObjectStorage, hour: number): Promise<void> {
  await inSlices(
    () =>
      storage.transactionSync(() => {
        const sql = storage.sql;
        const dropped = sql
          .exec(
            `DELETE FROM waiting_row WHERE release_hour = ?1 AND tag IN
             (SELECT tag FROM waiting_row WHERE release_hour = ?1 ORDER BY tag LIMIT ${SLICE_ROWS}) RETURNING 1`,
            hour,
          )
          .toArray().length;
        sql.exec('DELETE FROM release_counter WHERE release_hour = ?', hour);
        sql.exec('DELETE FROM row_label WHERE release_hour = ?', hour);
        uncountHour(sql, hour);
        count(sql, 'rows_without_key', dropped);
        return dropped;
      }),
    (dropped) => dropped === SLICE_ROWS,
  );
}

async function dropExpired(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  waiting: number,
  hour: number,
  labels: ReadonlyMap<number, RowLabel>,
): Promise<void> {
  let after: Uint8Array | null = null;
  await inSlices(
    () =>
      storage.transactionSync(() => {
        const slice = readWaiting(storage.sql, ciphers, waiting, after);
        for (let row = 0; row < slice.rows.length; row += STORED_ROW_BYTES) {
          const key = unpackKey(slice.rows, row + FIELDS_OFFSET);
          if (retentionEnd(key, config.policy.retentionDays) > hourEnd(hour)) continue;
          const label = labels.get(readLabel(slice.rows, row + LABEL_OFFSET));
          dropRow(storage.sql, config, waiting, slice.rows.subarray(row, row + TAG_BYTES), label);
        }
        return (after = slice.last);
      }),
    (last) => last !== null,
  );
}

function dropRow(
  sql: SqlStorage,
  config: BufferConfig,
  hour: number,
  tag: Uint8Array,
  label: RowLabel | undefined,
): void {
  sql.exec('DELETE FROM waiting_row WHERE release_hour = ? AND tag = ?', hour, tag);
  if (label === undefined) return;
  const synthetic = label.synthetic ? 1 : 0;
  for (const region of countedUnder(config, label)) {
    sql.exec(
      `UPDATE release_counter SET keys = keys - 1, synthetic_keys = synthetic_keys - ?
       WHERE release_hour = ? AND region = ?`,
      synthetic,
      hour,
      region,
    );
  }
  if (label.synthetic) return;
  count(sql, 'keys_expired_unpublished', 1);
  uncountIssues(sql, config, hour, [label.issueId]);
}
