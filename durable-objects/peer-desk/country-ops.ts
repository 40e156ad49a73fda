/**
 * @module What each country brought by a gateway, by the day: keys that were new here, and revocations. Each is measured against itself (domain/federation/breaker.ts), so that one's flood stops no other.
 *
 * Durable writes: part of the caller's transaction, with the cursor.
 */
import type { DayCount } from '../../domain/federation/breaker.ts';

/** A migration of the PeerDesk (schema.ts). */
export const COUNTRY_TABLE =
  'CREATE TABLE country_day (country TEXT NOT NULL, day INTEGER NOT NULL, keys INTEGER NOT NULL, let_in INTEGER NOT NULL, PRIMARY KEY (country, day)) WITHOUT ROWID;';

/** More than any mean is of. */
const KEPT_DAYS = 16;

/**
 * @param brought country → keys and revocations
 * @param day since the Unix epoch
 * @param letIn they were set aside, and two persons let them in
 */
export function countCountries(
  sql: SqlStorage,
  brought: ReadonlyMap<string, number>,
  day: number,
  letIn: boolean,
): void {
  const text =
    'INSERT INTO country_day VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET keys = keys + ?3, let_in = let_in + ?4';
  for (const [country, keys] of brought) sql.exec(text, country, day, keys, letIn ? keys : 0);
}

/** @returns what a country brought by day, and the day of its first keys */
export function countryHistory(
  sql: SqlStorage,
  country: string,
): { readonly history: DayCount[]; readonly since: number | null } {
  const history = sql
    .exec<{ day: number; keys: number; letIn: number }>(
      'SELECT day, keys, let_in AS letIn FROM country_day WHERE country = ? ORDER BY day',
      country,
    )
    .toArray();
  return { history, since: history[0]?.day ?? null };
}

/** Forgets days that no mean is of, but a country's first: without it, whoever was silent for long would be new. @param day that is running */
export function forgetCountryDays(sql: SqlStorage, day: number): void {
  sql.exec(
    `DELETE FROM country_day WHERE day <= ?
     AND day > (SELECT min(first.day) FROM country_day AS first WHERE first.country = country_day.country)`,
    day - KEPT_DAYS,
  );
}
