/**
 * @module How many uploads and keys came with which issue id, an hour each: what decides which sources are large enough to be told apart
 * (domain/publication/issue-groups.ts). An id is named by a keyed hash here. Real uploads alone are counted, each in the release hour of its
 * first key, and keys in theirs: what a count says of an upload, the counts by region say too.
 *
 * What ended before it was published is no company: of the keys it is taken off, and of the uploads as many as may have ended with it. So what counts
 * of a set are its rows.
 *
 * Durable order: a count is in the transaction of its upload (upload-tally.ts), or of the rows that end. Hours that are frozen get none any more, so what a set's groups are made of stays.
 */
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import {
  COUNTED_HOURS,
  COUNTS_KEPT_HOURS,
  type IssueCount,
  type IssueInSet,
} from '../../domain/publication/issue-groups.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import { places } from '../insert-rows.ts';
import type { BufferConfig } from './config.ts';

const LABEL = utf8('exposure-edge/issue-name/v1\0');
const NAME_BYTES = 16;
/** Names in memory, by the key that they are made with: uploads of a day come from few sources, and each asks twice. */
const NAMES = new WeakMap<Uint8Array, Map<string, Uint8Array>>();
const MOST_NAMES = 1_000;

/** Each key that ended may have been an upload's last; and what is left is of as many as it needs at least. */
const UPLOADS_LEFT = `CASE WHEN keys <= ended THEN 0
  ELSE min(uploads, max(uploads - ended, (keys - ended + ${MAX_KEYS_PER_UPLOAD - 1}) / ${MAX_KEYS_PER_UPLOAD})) END`;

/** @returns what an id is called here, 16 bytes */
export function nameOfIssue({ knownKeyHashKeys }: BufferConfig, issueId: string): Uint8Array {
  return nameBy(knownKeyHashKeys.current, issueId);
}

/** @returns all that an id may be called here: {@link nameOfIssue}, then by the other keys of the ring (docs/rotation.md) */
export function namesOfIssue({ knownKeyHashKeys }: BufferConfig, issueId: string): readonly Uint8Array[] {
  return knownKeyHashKeys.all.map((key) => nameBy(key, issueId));
}

function nameBy(key: Uint8Array, issueId: string): Uint8Array {
  const names = NAMES.get(key) ?? new Map<string, Uint8Array>();
  const known = names.get(issueId);
  if (known !== undefined) return known;
  if (names.size >= MOST_NAMES) names.clear();
  const name = hmacSha256(key, LABEL, utf8(issueId)).slice(0, NAME_BYTES);
  NAMES.set(key, names.set(issueId, name));
  return name;
}

/** Rows of an hour end that no set has had; runs in the transaction that deletes them. @param issueIds of the rows, as often as there are rows of them */
export function uncountIssues(
  sql: SqlStorage,
  config: BufferConfig,
  hour: number,
  issueIds: readonly (string | null)[],
): void {
  for (const [issueId, rows] of Map.groupBy(issueIds, (id) => id)) {
    if (issueId === null) continue;
    // One row of the hour takes them, whichever key named it: what is read is the sum of all.
    const text = 'UPDATE issue_count SET ended = ended + ? WHERE name = ? AND release_hour = ?';
    namesOfIssue(config, issueId).some((name) => sql.exec(text, rows.length, name, hour).rowsWritten > 0);
  }
}

/** All rows of an hour end, and nobody can say any more whose they were. */
export function uncountHour(sql: SqlStorage, hour: number): void {
  sql.exec('UPDATE issue_count SET ended = keys WHERE release_hour = ?', hour);
}

/** @param hours release hours of the set, ascending @returns what is known of these ids */
export function issuesInSet(
  sql: SqlStorage,
  config: BufferConfig,
  issueIds: readonly string[],
  hours: readonly number[],
): IssueInSet[] {
  const [first, last] = [hours[0] ?? 0, hours.at(-1) ?? -1];
  return issueIds.map((issueId) => {
    const names = namesOfIssue(config, issueId);
    return { issueId, inSet: countOf(sql, names, first, last), sofar: countOf(sql, names, last - COUNTED_HOURS, last) };
  });
}

/** What is left of an hour is of the hour's sums: an upload under one key's name may have lost the keys that a row under another's counts as ended. */
function countOf(sql: SqlStorage, names: readonly Uint8Array[], first: number, last: number): IssueCount {
  return sql
    .exec<{ uploads: number; keys: number }>(
      `SELECT coalesce(sum(${UPLOADS_LEFT}), 0) AS uploads, coalesce(sum(max(0, keys - ended)), 0) AS keys FROM (
         SELECT sum(uploads) AS uploads, sum(keys) AS keys, sum(ended) AS ended FROM issue_count
         WHERE name IN (${places(names.length)}) AND release_hour BETWEEN ? AND ? GROUP BY release_hour)`,
      ...names,
      first,
      last,
    )
    .one();
}

/** Forgets counts that no set is made of any more. @param now Unix seconds */
export function expireIssueCounts(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM issue_count WHERE release_hour < ?', hourOf(now) - COUNTS_KEPT_HOURS);
}
