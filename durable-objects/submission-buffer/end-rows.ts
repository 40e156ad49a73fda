/**
 * @module Rows that end before they are published: they go, their keys stay known by the lasting hash, so that none is taken in again, and the counters
 * of their hour go down. How many ended, the event log tells (drop-log.ts).
 *
 * Durable order: part of one transaction of whoever asks. A crash before it leaves everything as it was.
 */
import { retentionEnd } from '../../domain/embargo.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import { isCountedPart, REMOTE } from '../../domain/publication/feeds.ts';
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
  removeRows(sql, config, hour, rows, labels);
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
}

/** Rows go, and nothing of them is left: part of {@link endRows}, and of putting others in their place (remote-rows.ts). Runs inside a transaction. */
export function removeRows(
  sql: SqlStorage,
  config: BufferConfig,
  hour: number,
  rows: readonly Uint8Array[],
  labels: ReadonlyMap<number, RowLabel>,
): void {
  const tags = new Uint8Array(rows.length * TAG_BYTES);
  for (const [n, row] of rows.entries()) tags.set(row.subarray(0, TAG_BYTES), n * TAG_BYTES);
  sql.exec(DELETE_TAGS, hour, tags, rows.length);
  for (const isRemote of [true, false]) {
    const own = rows.filter((row) => {
      const origin = labels.get(readLabel(row, LABEL_OFFSET))?.origin ?? config.homeCountry;
      return (origin !== config.homeCountry) === isRemote;
    });
    uncountAll(sql, config, hour, own, labels, isRemote);
  }
}

function uncountAll(
  sql: SqlStorage,
  config: BufferConfig,
  hour: number,
  rows: readonly Uint8Array[],
  labels: ReadonlyMap<number, RowLabel>,
  isRemote: boolean,
): void {
  const labelled = rows.map((row) => labels.get(readLabel(row, LABEL_OFFSET)));
  const regions = new Map<string, number>();
  for (const label of labelled) {
    for (const region of label === undefined ? [config.unionRegion] : countedUnder(config, label)) {
      regions.set(region, (regions.get(region) ?? 0) + 1);
    }
  }
  for (const [region, keys] of regions) {
    if (isRemote) sql.exec(UNCOUNT_REMOTE, hour, region, keys);
    // Where rows may go tells peers' apart by itself; in a region they are counted together.
    else sql.exec(UNCOUNT_LOCAL, hour, region, keys, isCountedPart(region) ? 0 : 1);
  }
}

/** A peer's rows came with no upload. */
const UNCOUNT_REMOTE = `UPDATE release_counter SET keys = max(0, keys - ?3) WHERE release_hour = ?1 AND region = ?2`;

/**
 * Nobody knows whose rows they were, so nobody knows how many uploads are left: of those that counted, each dropped row ended one at most; and those rows
 * that are left are of as many uploads as the longest would need. The greater of these is certain, and the minimum of a chunk is never reached by people who are gone.
 * Rows of peers that are counted in the same region (?4) are none of people here.
 */
const UNCOUNT_LOCAL = `
  WITH peers (rows) AS (SELECT coalesce(max(keys), 0) * ?4 FROM release_counter WHERE release_hour = ?1 AND region = '${REMOTE}')
  UPDATE release_counter SET
    keys = max(0, keys - ?3),
    first_uploads = CASE WHEN keys - (SELECT rows FROM peers) <= ?3 THEN 0 ELSE max(synthetic_first_uploads, first_uploads - ?3) END,
    any_uploads = CASE WHEN keys - (SELECT rows FROM peers) <= ?3 THEN 0
      ELSE min(any_uploads, max(any_uploads - ?3, CAST((keys - (SELECT rows FROM peers) - ?3 + ${MAX_KEYS_PER_UPLOAD - 1}) / ${MAX_KEYS_PER_UPLOAD} AS INTEGER))) END
  WHERE release_hour = ?1 AND region = ?2`;
