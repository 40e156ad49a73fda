/**
 * @module Many rows in one statement, and many values in one question: an upload of 14 keys is then nine statements and not fifty.
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
  const text = textOf(target);
  for (let at = 0; at < values.length; at += most) {
    const part = values.length > most ? values.slice(at, at + most) : values;
    sql.exec(text(part.length / target.columns), ...part);
  }
}

/** @returns so many question marks, with commas between them */
export const places = (count: number): string => Array(count).fill('?').join();

const TEXTS = new WeakMap<InsertTarget, (rows: number) => string>();

function textOf(target: InsertTarget): (rows: number) => string {
  const known = TEXTS.get(target);
  if (known !== undefined) return known;
  const { table, columns, onConflict } = target;
  const row = `(${places(columns)})`;
  // OR FAIL: without a statement journal, which the enclosing transaction makes superfluous.
  const verb = onConflict === undefined ? 'INSERT OR FAIL' : 'INSERT';
  const text = textByCount(
    (rows) => `${verb} INTO ${table} VALUES ${Array(rows).fill(row).join()} ${onConflict ?? ''}`,
  );
  TEXTS.set(target, text);
  return text;
}

/**
 * Texts of statements that differ in a number alone, each built once: built anew with each call, they cost as much as a lookup.
 *
 * @param build the text for a number
 * @returns the same, remembered; the numbers must be few
 */
export function textByCount(build: (count: number) => string): (count: number) => string {
  const texts = new Map<number, string>();
  return (count) => {
    const known = texts.get(count);
    if (known !== undefined) return known;
    const built = build(count);
    texts.set(count, built);
    return built;
  };
}

/**
 * Many values in one parameter, `?1`: a blob that is cut in pieces. A parameter a value takes twice as long.
 *
 * @param count of the values
 * @param bytes of each
 * @returns the body of `WITH name (at, value) AS (…)`: where a value stands, from 0 on, and the value
 */
export function piecesOf(count: number, bytes: number): string {
  return `VALUES ${Array.from({ length: count }, (_, at) => `(${at}, substr(?1, ${at * bytes + 1}, ${bytes}))`).join()}`;
}
