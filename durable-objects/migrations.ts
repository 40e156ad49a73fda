/**
 * @module Numbered schema migrations of an object's SQLite store. `PRAGMA user_version` is not available on the
 * platform (docs/spec/platform.md §1.2), so the version lives in a table of its own.
 */

import { isPurged } from './end-marker.ts';

/** A script, or a function where SQL alone can't say it. Both run inside the one transaction. */
export type Migration = string | ((sql: SqlStorage) => void);

/** The store was left by a newer release than this code is of: the object does nothing, and nothing in it is changed. Its name crosses RPC. */
class NewerState extends Error {
  override readonly name = 'NewerState';

  constructor(version: number, known: number) {
    super(
      `tables of version ${version} were left by a newer release, this one knows ${known}: deploy that one, or a newer one (docs/releasing.md)`,
    );
  }
}

/**
 * Brings the schema up to date in one transaction; called from the constructor, before any request. Whatever a newer release has
 * left is refused before anything is written: each call of the object fails, its alarm too, which the platform tries six times and drops;
 * the cron of the release that can read it sets it anew (kept-alarm.ts).
 *
 * @param storage the object's storage
 * @param migrations the n-th brings version n to n + 1. Never edit one that was deployed: append, and raise domain/schema-versions.ts
 * @throws NewerState
 */
export function migrate(storage: DurableObjectStorage, migrations: readonly Migration[]): void {
  // What has ended has no table but the one that says so.
  if (isPurged(storage.sql)) return;
  storage.transactionSync(() => {
    storage.sql.exec('CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)');
    const rows = storage.sql.exec<{ version: number }>('SELECT version FROM schema_version').toArray();
    const version = rows[0]?.version ?? 0;
    if (version > migrations.length) {
      throw new NewerState(version, migrations.length);
    }
    for (const step of migrations.slice(version)) {
      if (typeof step === 'string') storage.sql.exec(step);
      else step(storage.sql);
    }
    if (rows.length === 0) storage.sql.exec('INSERT INTO schema_version VALUES (?)', migrations.length);
    else storage.sql.exec('UPDATE schema_version SET version = ?', migrations.length);
  });
}
