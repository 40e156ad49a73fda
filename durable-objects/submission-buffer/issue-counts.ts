/**
 * @module How many uploads and keys came with which issue id, an hour each: what decides which sources are large enough to be told apart
 * (domain/publication/issue-groups.ts). An id is named by a keyed hash here. Real uploads alone are counted, each in the release hour of its
 * first key, and keys in theirs: what a count says of an upload, the counts by region say too.
 *
 * Durable order: a count is in the transaction of its upload (upload-tally.ts). Hours that are frozen get none any more, so what a set's groups are made of stays.
 */
import type { IssueCount, IssueInSet } from '../../domain/publication/issue-groups.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import type { BufferConfig } from './config.ts';

/** How far back an id's uploads count: as long as a TAN may be used after it was given, and some. */
const COUNTED_HOURS = 16 * 24;
/** A set is written again within hours, never days. */
const KEPT_HOURS = COUNTED_HOURS + 48;
const LABEL = utf8('exposure-edge/issue-name/v1\0');
const NAME_BYTES = 16;
/** Names in memory, by the key that they are made with: uploads of a day come from few sources, and each asks twice. */
const NAMES = new WeakMap<Uint8Array, Map<string, Uint8Array>>();
const MOST_NAMES = 1_000;

/** @returns what an id is called here, 16 bytes */
export function nameOfIssue(config: BufferConfig, issueId: string): Uint8Array {
  const key = config.knownKeyHashKey;
  const names = NAMES.get(key) ?? new Map<string, Uint8Array>();
  const known = names.get(issueId);
  if (known !== undefined) return known;
  if (names.size >= MOST_NAMES) names.clear();
  const name = hmacSha256(key, LABEL, utf8(issueId)).slice(0, NAME_BYTES);
  NAMES.set(key, names.set(issueId, name));
  return name;
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
    const name = nameOfIssue(config, issueId);
    return { issueId, inSet: countOf(sql, name, first, last), sofar: countOf(sql, name, last - COUNTED_HOURS, last) };
  });
}

function countOf(sql: SqlStorage, name: Uint8Array, first: number, last: number): IssueCount {
  return sql
    .exec<{ uploads: number; keys: number }>(
      `SELECT coalesce(sum(uploads), 0) AS uploads, coalesce(sum(keys), 0) AS keys FROM issue_count
       WHERE name = ? AND release_hour BETWEEN ? AND ?`,
      name,
      first,
      last,
    )
    .one();
}

/** Forgets counts that no set is made of any more. @param now Unix seconds */
export function expireIssueCounts(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM issue_count WHERE release_hour < ?', hourOf(now) - KEPT_HOURS);
}
