/**
 * @module What a peer was given, by the hour: keys in batches that it fetched, nothing of when within the hour or how. Fetched twice they count twice.
 *
 * Durable writes: one row an hour. A crash before it leaves a batch uncounted, which was answered.
 */

/** A migration of the PeerDesk (schema.ts). */
export const GIVEN_TABLE = 'CREATE TABLE given_hour (hour INTEGER PRIMARY KEY, keys INTEGER NOT NULL);';

/** As many as a page shows. */
const KEPT_HOURS = 48;

/** @param hour that is running @param keys of one batch */
export function countGiven(sql: SqlStorage, hour: number, keys: number): void {
  sql.exec('INSERT INTO given_hour VALUES (?1, ?2) ON CONFLICT DO UPDATE SET keys = keys + ?2', hour, keys);
  sql.exec('DELETE FROM given_hour WHERE hour <= ?', hour - KEPT_HOURS);
}

/** @returns hours in which something was given, ascending */
export function givenHours(sql: SqlStorage): { hour: number; keys: number }[] {
  return sql.exec<{ hour: number; keys: number }>('SELECT hour, keys FROM given_hour ORDER BY hour').toArray();
}
