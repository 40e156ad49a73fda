/**
 * @module Counters of the SubmissionBuffer: how often something was lost or failed, without a time.
 */

/** Adds to a counter of the object. */
export function count(sql: SqlStorage, name: string, by: number): void {
  if (by === 0) return;
  sql.exec(
    'INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
    name,
    by,
  );
}

/**
 * All of them are alerts: nothing is counted here that should happen.
 *
 * @returns how far each went up since the last call; a crash before they are logged loses the line alone
 */
export function newAlerts(sql: SqlStorage): Record<string, number> {
  const rows = sql
    .exec<{ name: string; value: number }>(
      'SELECT name, value - reported AS value FROM counter WHERE value > reported ORDER BY name',
    )
    .toArray();
  if (rows.length > 0) sql.exec('UPDATE counter SET reported = value');
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}
