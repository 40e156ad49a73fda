/**
 * @module Tables of the SubmissionBuffer; durable-objects/STORAGE.md says what each holds and for how long.
 * No row carries an upload id beside a key, an order of arrival or a time finer than the hour, and none of a key lies in the
 * clear (docs/architecture.md §4.5).
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
  // Rows at rest are encrypted (row-cipher.ts). Those of before are sealed at the first wake (plain-rows.ts), which then drops
  // `diagnosis_key` and `provenance`. First of all free pages are filled with zeros, so that no page that is taken from now on
  // holds anything of before: 64 MiB are as much as an hour of a million rows has left there.
  `
  CREATE TABLE scrub (n INTEGER PRIMARY KEY, zeros BLOB NOT NULL);
  WITH RECURSIVE place (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM place WHERE n < 64)
    INSERT INTO scrub SELECT n, zeroblob(1048576) FROM place WHERE EXISTS (SELECT 1 FROM known_key);
  DELETE FROM scrub;
  CREATE TABLE waiting_row (
    release_hour INTEGER NOT NULL,
    tag BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (release_hour, tag)
  ) WITHOUT ROWID;
  CREATE TABLE row_label (
    release_hour INTEGER NOT NULL,
    label INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (release_hour, label)
  ) WITHOUT ROWID;
  CREATE TABLE sweep (name TEXT PRIMARY KEY, round INTEGER NOT NULL, after BLOB) WITHOUT ROWID;
  INSERT INTO meta VALUES ('plain_rows', 1);
  INSERT INTO meta SELECT 'scrub_left', 64 WHERE EXISTS (SELECT 1 FROM known_key);
  `,
  // What decoys are drawn from, sealed under the key of an hour to come (received-ops.ts).
  `
  CREATE TABLE received (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    hour INTEGER NOT NULL,
    sealed BLOB NOT NULL
  );
  `,
  // How much of each counter the log has had (counters.ts).
  `ALTER TABLE counter ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;`,
  // How many uploads came with which issue id (issue-counts.ts), and which have ended (ended-issues.ts); marks of withdrawn batches were read by nobody.
  `
  CREATE TABLE issue_count (
    name BLOB NOT NULL, release_hour INTEGER NOT NULL, uploads INTEGER NOT NULL, keys INTEGER NOT NULL,
    PRIMARY KEY (name, release_hour)
  ) WITHOUT ROWID;
  CREATE INDEX issue_count_hour ON issue_count (release_hour);
  CREATE TABLE ended_issue (name BLOB PRIMARY KEY, expires_hour INTEGER NOT NULL) WITHOUT ROWID;
  DROP TABLE withdrawn_batch;`,
  // How many rows a request has dropped before they were published (drop-ops.ts).
  `
  CREATE TABLE dropped_rows (
    id TEXT PRIMARY KEY,
    rows INTEGER NOT NULL,
    expires_hour INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  // An object that has begun is told from one whose storage was lost (life.ts): what has anything in it has begun.
  `INSERT INTO meta SELECT 'begun', 1 WHERE EXISTS (SELECT 1 FROM release_set) OR EXISTS (SELECT 1 FROM upload)
     OR EXISTS (SELECT 1 FROM meta WHERE name = 'first_hour');`,
  // Withdrawal hashes (docs/decisions/042). A row of before gets a fourth block of random bytes: under its key they open to a random hash, as
  // a key without one has. A known key of before has none, which no opening fits. Then what is taken back and waits for the publisher.
  `
  UPDATE waiting_row SET sealed = CAST(sealed || randomblob(16) AS BLOB) WHERE length(sealed) = 48;
  ALTER TABLE known_key ADD COLUMN withdrawal BLOB NOT NULL DEFAULT x'';
  CREATE TABLE withdrawn_key (
    hour INTEGER NOT NULL,
    tag BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (hour, tag)
  ) WITHOUT ROWID;
  CREATE TABLE withdrawal_batch (id TEXT PRIMARY KEY, last_hour INTEGER NOT NULL) WITHOUT ROWID;
  `,
  // Keys that ended before they were published, once more, so that the journal finds them among millions; and how many, until the event log tells of it (drop-log.ts).
  `
  CREATE TABLE ended_key (hash BLOB PRIMARY KEY, expires_hour INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE unlogged_drop (
    hour INTEGER NOT NULL, cause TEXT NOT NULL CHECK (cause IN ('rollback', 'withdrawal')), rows INTEGER NOT NULL,
    PRIMARY KEY (hour, cause)
  ) WITHOUT ROWID;
  `,
  // Of the keys that came with an issue id, those that ended before a set had them (issue-counts.ts).
  `ALTER TABLE issue_count ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;`,
  // Batches of peers (remote-ops.ts): how far each has come, and that it is imported once.
  `
  CREATE TABLE peer_batch (
    peer TEXT NOT NULL,
    batch TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('importing', 'imported', 'ended')),
    imported INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    revoked INTEGER NOT NULL,
    strange INTEGER NOT NULL,
    expires_hour INTEGER NOT NULL,
    PRIMARY KEY (peer, batch)
  ) WITHOUT ROWID;
  `,
  // Google's dialect (docs/decisions/064): what a known key was revised to, its report type in the export, 0: it wasn't; and answers that are given again (publish-answers.ts).
  `
  ALTER TABLE known_key ADD COLUMN revised INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE publish_answer (
    upload_id TEXT PRIMARY KEY, expires_hour INTEGER NOT NULL, sealed BLOB NOT NULL
  ) WITHOUT ROWID;
  `,
  // Counts for health authorities (stats-ops.ts): sealed while a day isn't shown, and then what is shown.
  `
  CREATE TABLE publish_stats (
    day INTEGER NOT NULL, authority TEXT NOT NULL, seal_hour INTEGER, sealed BLOB, shown TEXT,
    PRIMARY KEY (day, authority)
  ) WITHOUT ROWID;
  `,
];
