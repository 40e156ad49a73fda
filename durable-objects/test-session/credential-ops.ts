/** @module Rows of sessions that gave a credential (docs/credential.md), beside the sessions of the same shard. SQL alone; no clock. */
import type { Grant } from '../../domain/credential.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';

type Row = { id: ArrayBuffer; status_index: number; holder: ArrayBuffer; expires_at: number };

/** A session that gave one. */
export interface GrantedSession {
  /** Its name, 32 hex digits. */
  readonly id: string;
  readonly statusIndex: number;
}

/** @param id session's name in hex @returns what it gave, or null */
export function readGrant(sql: SqlStorage, id: string): Grant | null {
  const row = sql.exec<Row>('SELECT * FROM test_credential WHERE id = ?', fromHex(id)).toArray()[0];
  if (row === undefined) return null;
  return { statusIndex: row.status_index, expiresAt: row.expires_at, holder: toHex(new Uint8Array(row.holder)) };
}

/** Writes what a session gave, once. @param id session's name in hex */
export function writeGrant(sql: SqlStorage, id: string, { statusIndex, holder, expiresAt }: Grant): void {
  const values = [fromHex(id), statusIndex, fromHex(holder), expiresAt] as const;
  sql.exec('INSERT OR IGNORE INTO test_credential VALUES (?, ?, ?, ?)', ...values);
}

/** Whose session a credential was is known no more; the credential stays what it is. @param id session's name in hex */
export function forgetGrant(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM test_credential WHERE id = ?', fromHex(id));
}

/** @param after name in hex behind which to go on, empty at first @param now Unix seconds @param limit rows @returns sessions whose credential may still be used, by name */
export function grantedSessions(sql: SqlStorage, after: string, now: number, limit: number): GrantedSession[] {
  return sql
    .exec<Row>(
      'SELECT * FROM test_credential WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ?',
      fromHex(after),
      now,
      limit,
    )
    .toArray()
    .map((row) => ({ id: toHex(new Uint8Array(row.id)), statusIndex: row.status_index }));
}
