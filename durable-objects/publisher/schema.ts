/**
 * @module Tables of the Publisher; durable-objects/STORAGE.md says what each holds and for how long. None holds a key.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sealed_hour (
    hour INTEGER PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('OPEN', 'FROZEN', 'PLANNED', 'PURGED')),
    set_no INTEGER,
    decision TEXT,
    record TEXT
  );
  CREATE TABLE region_hour (
    region TEXT NOT NULL,
    hour INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('WRITTEN', 'INDEXED')),
    chunks TEXT NOT NULL,
    cwa TEXT NOT NULL,
    PRIMARY KEY (region, hour)
  ) WITHOUT ROWID;
  CREATE TABLE region_day (
    region TEXT NOT NULL,
    day INTEGER NOT NULL,
    checked INTEGER NOT NULL,
    cut INTEGER NOT NULL,
    chunks TEXT NOT NULL,
    PRIMARY KEY (region, day)
  ) WITHOUT ROWID;
  CREATE TABLE region_head (
    region TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL,
    payload_sha256 TEXT NOT NULL,
    etag TEXT NOT NULL,
    valid_until INTEGER NOT NULL,
    through_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE pending_index (region TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE cwa_backlog (
    region TEXT NOT NULL,
    hour INTEGER NOT NULL,
    offsets TEXT NOT NULL,
    PRIMARY KEY (region, hour)
  ) WITHOUT ROWID;
  CREATE TABLE public_object (
    key TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    delete_at INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE former_etag (
    key TEXT NOT NULL,
    etag TEXT NOT NULL,
    replaced_day INTEGER NOT NULL,
    PRIMARY KEY (key, etag)
  ) WITHOUT ROWID;
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Marks of what was put, to tell our own objects from others' (own-objects.ts); the last publication, to put it again.
  `
  ALTER TABLE public_object ADD COLUMN mark TEXT;
  ALTER TABLE public_object ADD COLUMN sha256 TEXT;
  ALTER TABLE counter ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE published_index (region TEXT PRIMARY KEY, plan TEXT NOT NULL) WITHOUT ROWID;
  `,
  // The event log (event-log.ts), and what was written in it of each file, to make the file again without a key that signs.
  `
  ALTER TABLE region_hour ADD COLUMN files TEXT;
  ALTER TABLE region_day ADD COLUMN files TEXT;
  CREATE TABLE log_head (one INTEGER PRIMARY KEY CHECK (one = 1), head TEXT NOT NULL);
  CREATE TABLE log_entry (sequence INTEGER PRIMARY KEY, text TEXT NOT NULL);
  CREATE TABLE log_checkpoint (day INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, sha256 TEXT NOT NULL);
  `,
  // What is taken back (take-back.ts): requests, and with which hour they are done.
  `
  CREATE TABLE take_back (
    id TEXT PRIMARY KEY,
    asked_hour INTEGER NOT NULL,
    hour INTEGER,
    done INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE taking (
    hour INTEGER PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('PLANNED', 'TAKEN')),
    rows INTEGER NOT NULL,
    touched TEXT NOT NULL,
    reserve TEXT NOT NULL,
    objects TEXT NOT NULL
  );
  CREATE TABLE taking_day (
    hour INTEGER NOT NULL,
    day INTEGER NOT NULL,
    plan TEXT NOT NULL,
    PRIMARY KEY (hour, day)
  ) WITHOUT ROWID;
  CREATE TABLE region_revocation (
    region TEXT NOT NULL,
    hour INTEGER NOT NULL,
    checked INTEGER NOT NULL,
    cut INTEGER NOT NULL,
    days TEXT NOT NULL,
    chunks TEXT NOT NULL,
    files TEXT NOT NULL,
    PRIMARY KEY (region, hour)
  ) WITHOUT ROWID;
  ALTER TABLE region_day ADD COLUMN revised INTEGER;
  ALTER TABLE former_etag ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;
  `,
  // Rows of small regions that wait for company when others go (taking-ops.ts).
  `
  ALTER TABLE taking ADD COLUMN waiting TEXT NOT NULL DEFAULT '[]';
  `,
  // How many rows of a request nobody had asked for before: rollbacks that overlap count each key once.
  `
  ALTER TABLE take_back ADD COLUMN rows INTEGER NOT NULL DEFAULT 0;
  `,
  // What peers are given (feed-ops.ts).
  `
  CREATE TABLE feed (
    name TEXT PRIMARY KEY,
    last_batch INTEGER NOT NULL,
    through_hour INTEGER NOT NULL,
    shown_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE feed_batch (
    feed TEXT NOT NULL,
    batch INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    until_day INTEGER NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (feed, batch)
  ) WITHOUT ROWID;
  CREATE TABLE feed_object (key TEXT PRIMARY KEY, mark TEXT, sha256 TEXT) WITHOUT ROWID;
  `,
  // Report type that keys are to have, and have from an hour on; null where they are taken back.
  `
  ALTER TABLE take_back ADD COLUMN revised_to INTEGER;
  ALTER TABLE taking ADD COLUMN revised_to INTEGER;
  ALTER TABLE region_revocation ADD COLUMN revised_to INTEGER;
  `,
  // Google's view (google-ops.ts).
  `
  CREATE TABLE google_day (
    region TEXT NOT NULL,
    day INTEGER NOT NULL,
    checked INTEGER NOT NULL,
    periods TEXT NOT NULL,
    PRIMARY KEY (region, day)
  ) WITHOUT ROWID;
  `,
];
