/** @module How many codes an issuer may have a UTC day, and how many there were: of a person, an API key, and whoever a key issues for. SQL over one object's storage; no clock. */

/** Without a quota of one's own. A person at a hotline makes one in two minutes; a laboratory's system sends what a region's laboratories find. */
const PERSON_CODES_PER_DAY = 2_000;
const API_KEY_CODES_PER_DAY = 20_000;
const KEPT_DAYS = 2;

/** @param name issuer, or hex of the keyed hash of whom one issues for */
export function issuedOn(sql: SqlStorage, name: string, day: number): number {
  return (
    sql.exec<{ count: number }>('SELECT count FROM issued_count WHERE day = ? AND name = ?', day, name).toArray()[0]
      ?.count ?? 0
  );
}

/** @returns codes that an issuer may have a day */
export function codesPerDay(sql: SqlStorage, issuer: string): number {
  const own = sql
    .exec<{ codes_per_day: number }>('SELECT codes_per_day FROM code_quota WHERE issuer = ?', issuer)
    .toArray()[0];
  return own?.codes_per_day ?? (issuer.startsWith('key:') ? API_KEY_CODES_PER_DAY : PERSON_CODES_PER_DAY);
}

/**
 * @param external hex of a keyed hash, or null
 * @param formerly of the same one under other keys of a ring (docs/rotation.md), whose codes count too
 * @returns false when one of them has none left
 */
export function takeFromQuota(
  sql: SqlStorage,
  issuer: string,
  external: string | null,
  day: number,
  formerly: readonly string[] = [],
): boolean {
  if (issuedOn(sql, issuer, day) >= codesPerDay(sql, issuer)) return false;
  const names = external === null ? [] : [external, ...formerly];
  const issued = names.reduce((sum, name) => sum + issuedOn(sql, name, day), 0);
  if (external !== null && issued >= PERSON_CODES_PER_DAY) return false;
  for (const name of external === null ? [issuer] : [issuer, external]) count(sql, name, day, 1);
  return true;
}

/** A code that never left is none. */
export function giveBack(sql: SqlStorage, issuer: string, external: string | null, day: number): void {
  for (const name of external === null ? [issuer] : [issuer, external]) count(sql, name, day, -1);
}

function count(sql: SqlStorage, name: string, day: number, by: number): void {
  sql.exec(
    'INSERT INTO issued_count VALUES (?1, ?2, max(0, ?3)) ON CONFLICT (day, name) DO UPDATE SET count = max(0, count + ?3)',
    day,
    name,
    by,
  );
}

/** Forgets counts of days that no quota looks at. */
export function forgetIssued(sql: SqlStorage, today: number): void {
  sql.exec('DELETE FROM issued_count WHERE day < ?', today - KEPT_DAYS);
}
