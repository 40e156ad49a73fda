/**
 * @module Tables of the PeerDesk; durable-objects/STORAGE.md says what each holds and for how long. No key is in them: a batch that waits for a person is fetched again.
 */
import { COUNTRY_TABLE } from './country-ops.ts';
import { GIVEN_TABLE } from './given-ops.ts';

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE desk_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE read_batch (
    batch TEXT PRIMARY KEY,
    hour INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('imported', 'quarantined', 'discarded')),
    reason TEXT,
    keys INTEGER NOT NULL,
    imported INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    dropped TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX read_batch_by_hour ON read_batch (hour);
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL, reported INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  `,
  GIVEN_TABLE,
  COUNTRY_TABLE,
  // The directory's head has the name of its log since (head-ops.ts).
  `DELETE FROM desk_state WHERE name = 'directory'`,
];
