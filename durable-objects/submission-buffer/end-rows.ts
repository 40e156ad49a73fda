/**
 * @module Rows that end before they are published: they go, their keys stay known by the lasting hash, so that none is taken in again, and the counters
 * of their hour go down. How many ended, the event log tells (drop-log.ts).
 *
 * Durable order: part of one transaction of whoever asks. A crash before it leaves everything as it was.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import { unpackKey } from '../../domain/publication/packed-keys.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { compareBytes } from '../../protocol/primitives/bytes.ts';
import type { TakeBackCause } from '../../domain/publication/taken.ts';
import { countedUnder, type BufferConfig } from './config.ts';
import { noteDropped } from './drop-log.ts';
import { putEnded } from './ended-keys.ts';
import { uncountIssues } from './issue-counts.ts';
import { FIELDS_OFFSET, HASH_BYTES, HASH_OFFSET, LABEL_OFFSET, TAG_BYTES, readLabel } from './row-cipher.ts';
import type { RowLabel } from './row-labels.ts';

const DELETE_TAGS = `DELETE FROM waiting_row WHERE release_hour = ?1 AND tag IN (
  WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n + 1 < ?3)
  SELECT substr(?2, n * ${TAG_BYTES} + 1, ${TAG_BYTES}) FROM place)`;

/** @returns the last release hour that a set covers; −1 when none does: rows of later ones may end */
export function coveredThrough(sql: SqlStorage): number {
  return sql.exec<{ hour: number | null }>('SELECT max(last_hour) AS hour FROM release_set').one().hour ?? -1;
}

/** Opened rows of one release hour, which no set covers; none is a decoy's. */
export interface EndedRows {
  readonly hour: number;
  readonly rows: readonly Uint8Array[];
  /** Of that hour. */
  readonly labels: ReadonlyMap<number, RowLabel>;
  readonly cause: TakeBackCause;
}

/** Runs inside a transaction. @param now Unix seconds */
export function endRows(
  sql: SqlStorage,
  config: BufferConfig,
  now: number,
  { hour, rows, labels, cause }: EndedRows,
): void {
  const tags = new Uint8Array(rows.length * TAG_BYTES);
  for (const [n, row] of rows.entries()) tags.set(row.subarray(0, TAG_BYTES), n * TAG_BYTES);
  sql.exec(DELETE_TAGS, hour, tags, rows.length);
  // In the order of the hashes: which rows they were is in no order of writing.
  const ended = rows
    .map((row) => ({
      hash: row.slice(HASH_OFFSET, HASH_OFFSET + HASH_BYTES),
      expiresHour: hourOf(retentionEnd(unpackKey(row, FIELDS_OFFSET), config.policy.retentionDays) - 1) + 1,
    }))
    .toSorted((a, b) => compareBytes(a.hash, b.hash));
  putEnded(sql, ended);
  noteDropped(sql, now, cause, rows.length);
  const labelled = rows.map((row) => labels.get(readLabel(row, LABEL_OFFSET)));
  const real = labelled.filter((label) => label?.synthetic !== true);
  uncountIssues(
    sql,
    config,
    hour,
    real.map((label) => label?.issueId ?? null),
  );
  const regions = new Map<string, number>();
  for (const label of labelled) {
    for (const region of label === undefined ? [config.unionRegion] : countedUnder(config, label)) {
      regions.set(region, (regions.get(region) ?? 0) + 1);
    }
  }
  for (const [region, keys] of regions) uncount(sql, hour, region, keys);
}

/**
 * Nobody knows whose rows they were, so nobody knows how many uploads are left: of those that counted, each dropped row ended one at most; and those rows
 * that are left are of as many uploads as the longest would need. The greater of these is certain, and the minimum of a chunk is never reached by people who are gone.
 */
function uncount(sql: SqlStorage, hour: number, region: string, keys: number): void {
  sql.exec(
    `UPDATE release_counter SET
       keys = max(0, keys - ?3),
       first_uploads = CASE WHEN keys <= ?3 THEN 0 ELSE max(synthetic_first_uploads, first_uploads - ?3) END,
       any_uploads = CASE WHEN keys <= ?3 THEN 0
         ELSE min(any_uploads, max(any_uploads - ?3, CAST((keys - ?3 + ${MAX_KEYS_PER_UPLOAD - 1}) / ${MAX_KEYS_PER_UPLOAD} AS INTEGER))) END
     WHERE release_hour = ?1 AND region = ?2`,
    hour,
    region,
    keys,
  );
}
