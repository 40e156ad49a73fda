/** @module Tables of StaffRoom; STORAGE.md describes them. */

/** Numbered migrations. The triggers make the audit log append-only for every statement this object could ever run. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE session (
     id_hash TEXT PRIMARY KEY, subject TEXT NOT NULL, begun_at INTEGER NOT NULL, last_seen INTEGER NOT NULL,
     ended_at INTEGER, language TEXT NOT NULL, minute INTEGER NOT NULL, actions INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX session_subject ON session (subject, last_seen);
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,
     chain TEXT NOT NULL
   );
   CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
   CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
   CREATE TABLE revoked_certificate (fingerprint TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;`,
];
