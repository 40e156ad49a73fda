/**
 * @module Tables of the SubmissionBuffer; durable-objects/STORAGE.md says what each holds and for how long.
 * No row carries an upload id beside a key, an order of arrival or a time finer than the hour (docs/architecture.md §4.5).
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE provenance (
    id INTEGER PRIMARY KEY,
    regions TEXT NOT NULL,
    consent INTEGER NOT NULL,
    origin TEXT NOT NULL,
    synthetic INTEGER NOT NULL,
    UNIQUE (regions, consent, origin, synthetic)
  );
  CREATE TABLE diagnosis_key (
    release_hour INTEGER NOT NULL,
    rolling_start INTEGER NOT NULL,
    rolling_period INTEGER NOT NULL,
    trl INTEGER NOT NULL,
    report_type INTEGER NOT NULL,
    dsos INTEGER NOT NULL,
    tek BLOB NOT NULL,
    provenance INTEGER NOT NULL,
    code_batch TEXT,
    PRIMARY KEY (release_hour, rolling_start, rolling_period, trl, report_type, dsos, tek)
  ) WITHOUT ROWID;
  CREATE TABLE known_key (
    hash BLOB PRIMARY KEY,
    expires_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE upload (
    upload_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('stored', 'tombstone')),
    expires_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE release_counter (
    release_hour INTEGER NOT NULL,
    region TEXT NOT NULL,
    keys INTEGER NOT NULL,
    first_uploads INTEGER NOT NULL,
    any_uploads INTEGER NOT NULL,
    synthetic_keys INTEGER NOT NULL,
    synthetic_first_uploads INTEGER NOT NULL,
    PRIMARY KEY (release_hour, region)
  ) WITHOUT ROWID;
  CREATE TABLE release_set (
    set_no INTEGER PRIMARY KEY,
    hour INTEGER NOT NULL,
    first_hour INTEGER,
    last_hour INTEGER,
    decision TEXT NOT NULL CHECK (decision IN ('empty', 'hold', 'publish')),
    facts TEXT NOT NULL,
    purged INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  CREATE TABLE withdrawn_batch (
    batch_id TEXT PRIMARY KEY,
    from_hour INTEGER NOT NULL,
    expires_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE received (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    counts BLOB NOT NULL
  );
  `,
];
