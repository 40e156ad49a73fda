/** @module API keys by their keyed hashes: which are there, which were revoked (domain/api-key.ts). SQL over one object's storage; no clock. */
import type { ApiKey, ApiKeyKind } from '../../domain/rpc-codes.ts';

/** A revoked key is listed for so long; after that it is no key that is known, which is refused as one that was revoked. */
const REVOKED_KEPT_SECONDS = 30 * 86_400;

type KeyRow = { id: string; kind: ApiKeyKind; name: string; created_at: number; revoked_at: number | null };

const keyIn = ({ id, kind, name, created_at, revoked_at }: KeyRow): ApiKey => ({
  id,
  kind,
  name,
  createdAt: created_at,
  revokedAt: revoked_at,
});

/** Keeps a key; one that is there stays as it is, revoked or not. @returns the key */
export function addApiKey(sql: SqlStorage, { id, kind, name, createdAt }: Omit<ApiKey, 'revokedAt'>): ApiKey {
  sql.exec('INSERT OR IGNORE INTO api_key VALUES (?, ?, ?, ?, NULL)', id, kind, name, createdAt);
  return keyIn(sql.exec<KeyRow>('SELECT * FROM api_key WHERE id = ?', id).one());
}

/** @returns all keys, newest first */
export function apiKeys(sql: SqlStorage): ApiKey[] {
  return sql
    .exec<KeyRow>('SELECT * FROM api_key ORDER BY created_at DESC, id')
    .toArray()
    .map((row) => keyIn(row));
}

/** @returns a key of this kind that holds, or null */
export function holdingKey(sql: SqlStorage, id: string, kind: ApiKeyKind): ApiKey | null {
  const row = sql
    .exec<KeyRow>('SELECT * FROM api_key WHERE id = ? AND kind = ? AND revoked_at IS NULL', id, kind)
    .toArray()[0];
  return row === undefined ? null : keyIn(row);
}

/** The first time stands. @returns false when there is no such key */
export function revokeApiKey(sql: SqlStorage, id: string, now: number): boolean {
  const revoked = sql.exec('UPDATE api_key SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ? RETURNING 1', now, id);
  return revoked.toArray().length > 0;
}

/** Forgets keys that were revoked long ago. */
export function forgetApiKeys(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM api_key WHERE revoked_at <= ?', now - REVOKED_KEPT_SECONDS);
}
