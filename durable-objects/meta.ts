/** @module Small facts of an object: table `meta` of its store, a number by name. */

/** @returns the number, or null where there is none */
export function meta(sql: SqlStorage, name: string): number | null {
  return sql.exec<{ value: number }>('SELECT value FROM meta WHERE name = ?', name).toArray()[0]?.value ?? null;
}
