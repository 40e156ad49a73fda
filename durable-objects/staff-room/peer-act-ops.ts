/**
 * @module What one person wants done with a peer's batch, and a second one has to confirm (docs/federation.md): to let in one that was set aside, or to take back one that was imported. SQL over the
 * staff room's storage; the batch is `federation`'s and `origin`'s.
 *
 * Durable writes: one row an act. A crash after the confirmation leaves it confirmed and not done: whoever may ask goes on with it, and what it does is idempotent by peer and batch, or by the act's id.
 */
import type { Format } from '../../domain/federation/peer.ts';
import { CONFIRM_WITHIN_SECONDS } from '../../domain/rollback.ts';

/** As long as a peer's keys may be here; who did what stands in the audit log for good. */
const KEPT_SECONDS = 31 * 86_400;

/** release: import what was set aside. undo: take back what was imported. */
export type PeerActKind = 'release' | 'undo';

/** What somebody asked for, and how far it has come. */
export interface PeerAct {
  /** A random UUID. */
  readonly id: string;
  readonly kind: PeerActKind;
  readonly peer: string;
  readonly batch: string;
  /** What the peer speaks, as it was when this was asked for: a gateway's batch is of many countries (domain/federation/gateway-batch.ts). */
  readonly format: Format;
  /** Keys, as the page said when it was asked for. */
  readonly keys: number;
  readonly askedBy: string;
  /** Unix seconds. */
  readonly askedAt: number;
  readonly confirmedBy: string | null;
  readonly confirmedAt: number | null;
  /** A fixed word of `federation` or `origin`; null: confirmed and not done yet. */
  readonly outcome: string | null;
}

/** confirmed: now or before. own: whoever asked can't be the second person. gone: there is none, or its hour is over. */
export type PeerActReply =
  | { readonly kind: 'confirmed'; readonly act: PeerAct }
  | { readonly kind: 'own' }
  | { readonly kind: 'gone' };

const ENDS: readonly (string | null)[] = ['released', 'changed', 'none', 'done'];

/** @returns whether nothing of an act is left to do */
export const isOver = ({ outcome }: Pick<PeerAct, 'outcome'>): boolean => ENDS.includes(outcome);

/** A migration of StaffRoom (schema.ts). */
export const PEER_ACT_TABLE = `CREATE TABLE peer_act (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('release', 'undo')), peer TEXT NOT NULL, batch TEXT NOT NULL,
  keys INTEGER NOT NULL, asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL, confirmed_by TEXT, confirmed_at INTEGER,
  outcome TEXT
) WITHOUT ROWID;`;

/** A later migration: what was asked for before was of no gateway, or came to nothing. */
export const PEER_ACT_FORMAT = `ALTER TABLE peer_act ADD COLUMN format TEXT NOT NULL DEFAULT 'exposure-edge';`;

type PeerActRow = {
  id: string;
  kind: PeerActKind;
  peer: string;
  batch: string;
  keys: number;
  asked_by: string;
  asked_at: number;
  confirmed_by: string | null;
  confirmed_at: number | null;
  outcome: string | null;
  format: Format;
};

/** Keeps what somebody asks for, in place of what the same person asked of the same batch and nobody confirmed. */
export function askForPeerAct(
  sql: SqlStorage,
  { id, kind, peer, batch, format, keys, askedBy, askedAt }: Omit<PeerAct, 'confirmedBy' | 'confirmedAt' | 'outcome'>,
): void {
  sql.exec(
    'DELETE FROM peer_act WHERE kind = ? AND peer = ? AND batch = ? AND asked_by = ? AND confirmed_at IS NULL',
    kind,
    peer,
    batch,
    askedBy,
  );
  sql.exec(
    'INSERT INTO peer_act VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, ?)',
    id,
    kind,
    peer,
    batch,
    keys,
    askedBy,
    askedAt,
    format,
  );
}

/** @param now Unix seconds @returns what waits for a second person or was confirmed, newest first */
export function peerActs(sql: SqlStorage, now: number): PeerAct[] {
  return sql
    .exec<PeerActRow>(
      'SELECT * FROM peer_act WHERE asked_at > ? AND (confirmed_at IS NOT NULL OR asked_at > ?) ORDER BY asked_at DESC, id',
      now - KEPT_SECONDS,
      now - CONFIRM_WITHIN_SECONDS,
    )
    .toArray()
    .map((row) => ({
      id: row.id,
      kind: row.kind,
      peer: row.peer,
      batch: row.batch,
      format: row.format,
      keys: row.keys,
      askedBy: row.asked_by,
      askedAt: row.asked_at,
      confirmedBy: row.confirmed_by,
      confirmedAt: row.confirmed_at,
      outcome: row.outcome,
    }));
}

/** The second person confirms; what is confirmed stays so. @param by who @param now Unix seconds */
export function confirmPeerAct(sql: SqlStorage, id: string, by: string, now: number): PeerActReply {
  const act = peerActs(sql, now).find((one) => one.id === id);
  if (act === undefined) return { kind: 'gone' };
  if (act.confirmedAt !== null) return { kind: 'confirmed', act };
  if (act.askedBy === by) return { kind: 'own' };
  sql.exec('UPDATE peer_act SET confirmed_by = ?, confirmed_at = ? WHERE id = ?', by, now, id);
  return { kind: 'confirmed', act: { ...act, confirmedBy: by, confirmedAt: now } };
}

/** Ends one that nobody confirmed: declined, or taken back. @returns false when there is none */
export function declinePeerAct(sql: SqlStorage, id: string): boolean {
  return sql.exec('DELETE FROM peer_act WHERE id = ? AND confirmed_at IS NULL RETURNING 1', id).toArray().length > 0;
}

/** Keeps what came of one that was confirmed; what has come to its end stays so. */
export function notePeerAct(sql: SqlStorage, id: string, outcome: string): void {
  const row = sql.exec<Pick<PeerActRow, 'outcome'>>('SELECT outcome FROM peer_act WHERE id = ?', id).toArray()[0];
  if (row === undefined || isOver(row)) return;
  sql.exec('UPDATE peer_act SET outcome = ? WHERE id = ? AND confirmed_at IS NOT NULL', outcome, id);
}

/** Forgets what was never confirmed, and what is long over. @param now Unix seconds */
export function forgetPeerActs(sql: SqlStorage, now: number): void {
  sql.exec(
    'DELETE FROM peer_act WHERE asked_at <= ? OR (confirmed_at IS NULL AND asked_at <= ?)',
    now - KEPT_SECONDS,
    now - CONFIRM_WITHIN_SECONDS,
  );
}
