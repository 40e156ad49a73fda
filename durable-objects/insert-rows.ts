/**
 * @module Many rows in one statement: an upload of 14 keys is then nine statements and not fifty.
 */

/** The platform binds at most so many parameters a statement (docs/spec/platform.md §1.2). */
const MAX_PARAMETERS = 100;

/** A table, and what to do with a row that is there already. */
export interface InsertTarget {
  readonly table: string;
  /** Number of columns, all of which are given, in the table's order. */
  readonly columns: number;
  /** An ON CONFLICT clause; left out: a conflict throws, and the caller's transaction is to be rolled back. */
  readonly onConflict?: string;
}

/**
 * Inserts rows; must run inside a transaction, since an error leaves the rows before it.
 *
 * @param target see {@link InsertTarget}; a constant, since statements are cached by their text
 * @param values of all rows, one row after the other
 */
export function insertRows(sql: SqlStorage, target: InsertTarget, values: readonly unknown[]): void {
  const most = Math.floor(MAX_PARAMETERS / target.columns) * target.columns;
  for (let at = 0; at < values.length; at += most) {
    const part = values.slice(at, at + most);
    const rows = Array<string>(part.length / target.columns).fill(`(${places(target.columns)})`);
    // OR FAIL: without a statement journal, which the enclosing transaction makes superfluous.
    const verb = target.onConflict === undefined ? 'INSERT OR FAIL' : 'INSERT';
    sql.exec(`${verb} INTO ${target.table} VALUES ${rows.join()} ${target.onConflict ?? ''}`, ...part);
  }
}

/** @returns so many question marks, with commas between them */
export const places = (count: number): string => Array(count).fill('?').join();
