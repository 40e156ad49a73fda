/**
 * @module Tables of the ParameterStore; durable-objects/STORAGE.md says what each holds. Nothing in it concerns a person.
 */
import { AUTHORITIES_TABLE } from './authority-ops.ts';

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE document (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE version (
    version INTEGER PRIMARY KEY,
    action TEXT NOT NULL CHECK (action IN ('publish', 'rollback')),
    hour INTEGER NOT NULL,
    documents TEXT NOT NULL
  );
  CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('PLANNED', 'PUBLISHED'))
  );
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Marks of what was put (durable-objects/publisher/own-objects.ts); '*' stands for names that were put before there were marks.
  `
  CREATE TABLE own_object (key TEXT PRIMARY KEY, mark TEXT, sha256 TEXT) WITHOUT ROWID;
  INSERT INTO own_object SELECT '*', NULL, NULL WHERE EXISTS (SELECT 1 FROM head);
  ALTER TABLE counter ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
  `,
  // CWA's ZIPs of the published version hold more, and are signed by one key more: written anew at the next step, under the same
  // head, not only when that is renewed. A crash before leaves the former ZIPs, which are found again.
  `
  UPDATE head SET state = 'PLANNED';
  `,
  // Packages that Publisher says held keys which were taken back (packages.ts).
  `
  CREATE TABLE revoked_package (
    region TEXT NOT NULL,
    date TEXT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (region, date, etag)
  ) WITHOUT ROWID;
  `,
  AUTHORITIES_TABLE,
  // A name of the keys that signed what is published (config.ts): when they are changed, it is signed anew under the same head.
  `
  CREATE TABLE signers (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL);
  `,
];
