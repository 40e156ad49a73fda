/** @module What the code store forgets, and when (STORAGE.md). SQL over one object's storage; no clock. */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { LONG_CODE_SECONDS } from '../../domain/verification-codes.ts';
import { REPEAT_SECONDS } from './claim-ops.ts';
import { eraseHashKeys } from './hash-keys.ts';
import { forgetApiKeys } from './key-ops.ts';
import { forgetIssued } from './quota-ops.ts';

/** An issuer may ask for a code's status for so long (docs/spec/google.md §5.5). */
const STATUS_SECONDS = 14 * SECONDS_PER_DAY;
/** Rows forgotten in a slice: 10 ms on a machine that is busy (measured as in code-store.ts). */
const CLEANUP_ROWS = 500;

/** What goes, in slices: a table, its key, and which rows. */
const GONE = [
  ['code_hash', 'hash', 'forget_at', 0],
  ['code_token', 'handle', 'expires_at', 0],
  ['given_certificate', 'hash', 'expires_at', 0],
  ['code_phone', 'hash', 'until', 0],
  ['code', 'uuid', 'created_at', STATUS_SECONDS],
  // No order is repeated once its codes have ended.
  ['code_sent', 'uuid', 'sent_at', LONG_CODE_SECONDS],
] as const;

/** What a code stood for, once it has ended; and which token it gave, once that isn't given again. */
const EMPTIED = [
  [
    'UPDATE code SET seed = NULL, nonce = NULL, phone = NULL, symptom_day = NULL, test_day = NULL',
    'seed IS NOT NULL AND ends_at',
    0,
  ],
  ['UPDATE code SET handle = NULL, nonce = NULL', 'handle IS NOT NULL AND claimed_at', REPEAT_SECONDS],
] as const;

/** Forgets some of what nobody needs any longer. @param now Unix seconds, believed @returns whether there may be more */
export function forgetCodes(sql: SqlStorage, now: number): boolean {
  for (const [update, rows, seconds] of EMPTIED) {
    const which = `SELECT uuid FROM code WHERE ${rows} <= ? LIMIT ${CLEANUP_ROWS}`;
    if (sql.exec(`${update} WHERE uuid IN (${which}) RETURNING 1`, now - seconds).toArray().length > 0) return true;
  }
  for (const [table, key, column, seconds] of GONE) {
    const which = `SELECT ${key} FROM ${table} WHERE ${column} <= ? ORDER BY ${column} LIMIT ${CLEANUP_ROWS}`;
    const gone = sql.exec(`DELETE FROM ${table} WHERE ${key} IN (${which}) RETURNING 1`, now - seconds);
    if (gone.toArray().length > 0) return true;
  }
  forgetIssued(sql, Math.floor(now / SECONDS_PER_DAY));
  forgetApiKeys(sql, now);
  eraseHashKeys(sql, now);
  return false;
}
