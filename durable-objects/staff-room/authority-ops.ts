/**
 * @module Authorities of professionals and what they revoked. A list is brought in slices under a generation of its own and
 * comes into force in one step; until then the former one holds.
 *
 * Crash in between: rows of a generation that no authority points to. They say nothing, and the alarm deletes them after an
 * hour, in slices, as it does those of a list that was replaced.
 */

/** What a list says of itself; it was read and verified by the Worker. */
export interface ListFacts {
  /** SHA-256 of the authority's public key, lowercase hex. */
  readonly authority: string;
  /** The authority's name for people. */
  readonly name: string;
  /** SHA-256 of the authority's name: what serial numbers are blocked under. */
  readonly nameHash: string;
  /** Counter of its lists, 40 hex digits. */
  readonly number: string;
  /** Unix seconds. */
  readonly thisUpdate: number;
  /** Unix seconds. */
  readonly nextUpdate: number;
  readonly entries: number;
}

/** Serial numbers a call brings: some 3 ms. */
export const SERIALS_PER_CALL = 1_000;
/** An import takes seconds. */
const IMPORT_SECONDS = 3_600;

type Row = {
  public_key: string;
  name: string;
  name_hash: string;
  list_number: string;
  this_update: number;
  next_update: number;
  generation: number;
  entries: number;
};

/** @param now Unix seconds @returns whether a certificate's authority has revoked it, or can't be asked any more */
export function revocationOf(
  sql: SqlStorage,
  authority: string,
  serial: string,
  now: number,
): 'good' | 'revoked' | 'stale' {
  const row = find(sql, authority);
  if (row === null) return 'stale';
  // Revoked stays revoked, however old the list is.
  const hit = sql.exec('SELECT 1 FROM revoked_serial WHERE generation = ? AND serial = ?', row.generation, serial);
  if (hit.toArray().length > 0) return 'revoked';
  return now < row.next_update ? 'good' : 'stale';
}

/** @returns the generation to bring serial numbers under, or null when this list or a newer one is in force */
export function beginList(sql: SqlStorage, { authority, number, thisUpdate }: ListFacts, now: number): number | null {
  if (!isNewer(find(sql, authority), number, thisUpdate)) return null;
  return sql
    .exec<{ generation: number }>('INSERT INTO list_generation (begun_at) VALUES (?) RETURNING generation', now)
    .one().generation;
}

/** Brings serial numbers; the same again change nothing. @throws RangeError above the limit of a call */
export function addSerials(sql: SqlStorage, generation: number, serials: readonly string[]): void {
  if (serials.length > SERIALS_PER_CALL) throw new RangeError(`serials: at most ${SERIALS_PER_CALL} a call`);
  for (const serial of serials) sql.exec('INSERT OR IGNORE INTO revoked_serial VALUES (?, ?)', generation, serial);
}

/** Puts a list in force. @returns false when it was overtaken, or its rows were cleared meanwhile */
export function finishList(sql: SqlStorage, generation: number, facts: ListFacts): boolean {
  const { authority, name, nameHash, number, thisUpdate, nextUpdate, entries } = facts;
  const former = find(sql, authority);
  const begun = sql.exec('SELECT 1 FROM list_generation WHERE generation = ?', generation).toArray().length > 0;
  if (!begun || !isNewer(former, number, thisUpdate)) return false;
  sql.exec(
    'INSERT OR REPLACE INTO authority VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    authority,
    name,
    nameHash,
    number,
    thisUpdate,
    nextUpdate,
    generation,
    entries,
  );
  sql.exec('DELETE FROM list_generation WHERE generation = ?', generation);
  // What is replaced is left to the alarm.
  if (former !== null) sql.exec('INSERT INTO list_generation VALUES (?, 0)', former.generation);
  return true;
}

/** @returns authorities whose lists were brought, by name */
export function authorities(sql: SqlStorage): ListFacts[] {
  return sql
    .exec<Row>('SELECT * FROM authority ORDER BY name, public_key')
    .toArray()
    .map((row) => ({
      authority: row.public_key,
      name: row.name,
      nameHash: row.name_hash,
      number: row.list_number,
      thisUpdate: row.this_update,
      nextUpdate: row.next_update,
      entries: row.entries,
    }));
}

/** Deletes a slice of what belongs to no list in force. @returns whether there is more */
export function forgetLists(sql: SqlStorage, now: number): boolean {
  const old = sql
    .exec<{ generation: number }>(
      'SELECT generation FROM list_generation WHERE begun_at <= ? ORDER BY generation LIMIT 1',
      now - IMPORT_SECONDS,
    )
    .toArray()[0];
  if (old === undefined) return false;
  const { generation } = old;
  sql.exec(
    `DELETE FROM revoked_serial WHERE generation = ?1 AND serial IN
     (SELECT serial FROM revoked_serial WHERE generation = ?1 LIMIT ${SERIALS_PER_CALL})`,
    generation,
  );
  const left = sql.exec('SELECT 1 FROM revoked_serial WHERE generation = ? LIMIT 1', generation).toArray().length;
  if (left === 0) sql.exec('DELETE FROM list_generation WHERE generation = ?', generation);
  return true;
}

/** A list never gives way to an older one, whoever has kept it. */
const isNewer = (former: Row | null, number: string, thisUpdate: number): boolean =>
  former === null || (number > former.list_number && thisUpdate >= former.this_update);

const find = (sql: SqlStorage, authority: string): Row | null =>
  sql.exec<Row>('SELECT * FROM authority WHERE public_key = ?', authority).toArray()[0] ?? null;
