/**
 * @module What each peer was given, by the hour: keys in batches that it fetched, nothing of when within the hour or how. Fetched twice they count twice. Rows of the desk of no peer, which has the switches of whoever reads us.
 *
 * Durable writes: one row a region and hour. A crash before it leaves a batch uncounted that was answered.
 */

/** A migration of the PeerDesk (schema.ts). */
export const GIVEN_TABLE =
  'CREATE TABLE given_hour (region TEXT NOT NULL, hour INTEGER NOT NULL, keys INTEGER NOT NULL, PRIMARY KEY (region, hour)) WITHOUT ROWID;';

/** As many as operators are shown. */
const KEPT_HOURS = 48;

/** Keys that a region was given in an hour. */
export interface GivenKeys {
  readonly region: string;
  /** Since the Unix epoch. */
  readonly hour: number;
  readonly keys: number;
}

/** Adds the keys of one batch, and forgets what is too old to be shown. */
export function countGiven(sql: SqlStorage, { region, hour, keys }: GivenKeys): void {
  sql.exec('INSERT INTO given_hour VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET keys = keys + ?3', region, hour, keys);
  sql.exec('DELETE FROM given_hour WHERE hour <= ?', hour - KEPT_HOURS);
}

/** @param hour that is running @returns by region and hour */
export function givenKeys(sql: SqlStorage, hour: number): GivenKeys[] {
  return sql
    .exec<{ region: string; hour: number; keys: number }>(
      'SELECT region, hour, keys FROM given_hour WHERE hour > ? ORDER BY region, hour',
      hour - KEPT_HOURS,
    )
    .toArray();
}
