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

const rowOf = (sql: SqlStorage, id: string): KeyRow | undefined =>
  sql.exec<KeyRow>('SELECT * FROM api_key WHERE id = ?', id).toArray()[0];

/**
 * Keeps a key; one that is there stays as it is, revoked or not.
 *
 * @param others ids of what the same order made with another key of a ring (docs/rotation.md): it is that one then
 * @returns the key
 */
export function addApiKey(
  sql: SqlStorage,
  { id, kind, name, createdAt }: Omit<ApiKey, 'revokedAt'>,
  others: readonly string[] = [],
): ApiKey {
  const before = [id, ...others].flatMap((one) => rowOf(sql, one) ?? [])[0];
  if (before !== undefined) return keyIn(before);
  sql.exec('INSERT INTO api_key VALUES (?, ?, ?, ?, NULL)', id, kind, name, createdAt);
  return { id, kind, name, createdAt, revokedAt: null };
}

/** @returns all keys, newest first */
export function apiKeys(sql: SqlStorage): ApiKey[] {
  return sql
    .exec<KeyRow>('SELECT * FROM api_key ORDER BY created_at DESC, id')
    .toArray()
    .map((row) => keyIn(row));
}

/** @param others ids of the same key under other keys of a ring @returns a key of this kind that holds, or null */
export function holdingKey(
  sql: SqlStorage,
  id: string,
  kind: ApiKeyKind,
  others: readonly string[] = [],
): ApiKey | null {
  for (const one of [id, ...others]) {
    const row = sql
      .exec<KeyRow>('SELECT * FROM api_key WHERE id = ? AND kind = ? AND revoked_at IS NULL', one, kind)
      .toArray()[0];
    if (row !== undefined) return keyIn(row);
  }
  return null;
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
