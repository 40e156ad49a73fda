/** @module Numbered migrations of CredentialDesk; STORAGE.md describes the tables. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE credential_status (
     status_index INTEGER PRIMARY KEY, issue_id TEXT, expires_at INTEGER NOT NULL, revoked INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX credential_status_expiry ON credential_status (expires_at);
   CREATE TABLE peer_status_list (
     region TEXT PRIMARY KEY, issuer TEXT NOT NULL, bits BLOB NOT NULL, issued_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
     asked_hour INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE believed_head (log TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) WITHOUT ROWID;`,
];
