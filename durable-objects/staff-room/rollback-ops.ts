/**
 * @module Rollbacks that somebody asked for (docs/rollback.md): what is meant, what the dry run said, who agreed, and how far it has come. A second person confirms within an hour, never the one who
 * asked; what was confirmed may be gone on with by anybody who may ask. SQL over the staff room's storage.
 */
import {
  CONFIRM_WITHIN_SECONDS,
  ROLLBACK_STATES,
  type Rollback,
  type RollbackOutcome,
  type RollbackPlan,
  type RollbackTarget,
} from '../../domain/rollback.ts';

/** Longer than any key lives that was taken back; who asked and who confirmed stands in the audit log for good. */
const KEPT_SECONDS = 31 * 86_400;

/** confirmed: now or before. own: whoever asked can't be the second person. gone: there is none, or its hour is over. */
export type ConfirmReply =
  | { readonly kind: 'confirmed'; readonly rollback: Rollback }
  | { readonly kind: 'own' }
  | { readonly kind: 'gone' };

/** A migration of StaffRoom (schema.ts). */
export const ROLLBACK_TABLE = `CREATE TABLE rollback (
  id TEXT PRIMARY KEY, target TEXT NOT NULL, plan TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL,
  confirmed_by TEXT, confirmed_at INTEGER, outcome TEXT
) WITHOUT ROWID;`;

type RollbackRow = {
  id: string;
  target: string;
  plan: string;
  asked_by: string;
  asked_at: number;
  confirmed_by: string | null;
  confirmed_at: number | null;
  outcome: string | null;
};

const rollbackIn = (row: RollbackRow): Rollback => ({
  id: row.id,
  target: JSON.parse(row.target) as RollbackTarget,
  plan: JSON.parse(row.plan) as RollbackPlan,
  askedBy: row.asked_by,
  askedAt: row.asked_at,
  confirmedBy: row.confirmed_by,
  confirmedAt: row.confirmed_at,
  outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as RollbackOutcome),
});

/** Keeps what somebody asks for in place of what the same person asked for before and nobody confirmed. */
export function askForRollback(
  sql: SqlStorage,
  { id, target, plan, askedBy, askedAt }: Omit<Rollback, 'confirmedBy' | 'confirmedAt' | 'outcome'>,
): void {
  sql.exec('DELETE FROM rollback WHERE asked_by = ? AND confirmed_at IS NULL', askedBy);
  const [about, said] = [JSON.stringify(target), JSON.stringify(plan)];
  sql.exec('INSERT INTO rollback VALUES (?, ?, ?, ?, ?, NULL, NULL, NULL)', id, about, said, askedBy, askedAt);
}

/** @param now Unix seconds @returns what waits for a second person or was confirmed, newest first */
export function rollbacks(sql: SqlStorage, now: number): Rollback[] {
  return sql
    .exec<RollbackRow>(
      `SELECT * FROM rollback WHERE asked_at > ? AND (confirmed_at IS NOT NULL OR asked_at > ?) ORDER BY asked_at DESC, id`,
      now - KEPT_SECONDS,
      now - CONFIRM_WITHIN_SECONDS,
    )
    .toArray()
    .map((row) => rollbackIn(row));
}

/** The second person confirms; what is confirmed stays so. @param by who @param now Unix seconds */
export function confirmRollback(sql: SqlStorage, id: string, by: string, now: number): ConfirmReply {
  const rollback = rollbacks(sql, now).find((one) => one.id === id);
  if (rollback === undefined) return { kind: 'gone' };
  if (rollback.confirmedAt !== null) return { kind: 'confirmed', rollback };
  if (rollback.askedBy === by) return { kind: 'own' };
  sql.exec('UPDATE rollback SET confirmed_by = ?, confirmed_at = ? WHERE id = ?', by, now, id);
  return { kind: 'confirmed', rollback: { ...rollback, confirmedBy: by, confirmedAt: now } };
}

/** Ends one that nobody confirmed: declined, or taken back. @returns false when there is none */
export function declineRollback(sql: SqlStorage, id: string): boolean {
  return sql.exec('DELETE FROM rollback WHERE id = ? AND confirmed_at IS NULL RETURNING 1', id).toArray().length > 0;
}

/** Keeps how far one has come; asked again, what was taken or deleted before is not forgotten, though `origin` forgets how many (a restore, or 16 days later), and nobody goes back behind what has been reached. */
export function noteRollback(sql: SqlStorage, id: string, outcome: RollbackOutcome): void {
  const row = sql.exec<RollbackRow>('SELECT * FROM rollback WHERE id = ?', id).toArray()[0];
  const before = row === undefined ? null : rollbackIn(row).outcome;
  const taken = Math.max(outcome.taken, before?.taken ?? 0);
  const dropped = Math.max(outcome.dropped, before?.dropped ?? 0);
  // From an hour or a journal that is being written one comes to wait for the key, too.
  const rank = ({ state }: RollbackOutcome): number => Math.max(1, ROLLBACK_STATES.indexOf(state));
  const { state, waits } = before !== null && rank(before) > rank(outcome) ? before : outcome;
  sql.exec('UPDATE rollback SET outcome = ? WHERE id = ?', JSON.stringify({ state, waits, dropped, taken }), id);
}

/** Forgets what was never confirmed, and what is long over. @param now Unix seconds */
export function forgetRollbacks(sql: SqlStorage, now: number): void {
  sql.exec(
    'DELETE FROM rollback WHERE asked_at <= ? OR (confirmed_at IS NULL AND asked_at <= ?)',
    now - KEPT_SECONDS,
    now - CONFIRM_WITHIN_SECONDS,
  );
}
