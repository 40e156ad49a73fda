/** @module Numbered migrations of CodeStore; STORAGE.md describes the tables. */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE hash_key (purpose TEXT NOT NULL, period INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (purpose, period)) WITHOUT ROWID;
   CREATE TABLE code (
     uuid TEXT PRIMARY KEY, issuer TEXT NOT NULL, external BLOB, test_type TEXT NOT NULL, symptom_day INTEGER, test_day INTEGER,
     created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, long_expires_at INTEGER, ends_at INTEGER NOT NULL, issue_id TEXT NOT NULL, fields BLOB NOT NULL,
     seed BLOB, digits INTEGER NOT NULL, nonce BLOB, phone BLOB, claimed_at INTEGER, handle BLOB
   ) WITHOUT ROWID;
   CREATE INDEX code_issuer ON code (issuer, created_at);
   CREATE INDEX code_age ON code (created_at);
   CREATE INDEX code_live ON code (ends_at) WHERE seed IS NOT NULL;
   CREATE INDEX code_repeat ON code (claimed_at) WHERE handle IS NOT NULL;
   CREATE INDEX code_issue ON code (issue_id) WHERE claimed_at IS NULL;
   CREATE TABLE code_hash (
     hash BLOB PRIMARY KEY, uuid TEXT NOT NULL, is_long INTEGER NOT NULL, forget_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX code_hash_code ON code_hash (uuid);
   CREATE INDEX code_hash_age ON code_hash (forget_at);
   CREATE TABLE code_token (
     handle BLOB PRIMARY KEY, test_type TEXT NOT NULL, symptom_day INTEGER, test_day INTEGER, issue_id TEXT NOT NULL,
     expires_at INTEGER NOT NULL, mac BLOB, first_day INTEGER, certified_at INTEGER, next_mac BLOB, next_certified_at INTEGER
   ) WITHOUT ROWID;
   CREATE INDEX code_token_age ON code_token (expires_at);
   CREATE INDEX code_token_issue ON code_token (issue_id);
   CREATE TABLE given_certificate (hash TEXT PRIMARY KEY, issue_id TEXT NOT NULL, is_over INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX given_certificate_age ON given_certificate (expires_at);
   CREATE INDEX given_certificate_issue ON given_certificate (issue_id);
   CREATE TABLE code_phone (hash BLOB PRIMARY KEY, until INTEGER NOT NULL, uuid TEXT NOT NULL) WITHOUT ROWID;
   CREATE INDEX code_phone_age ON code_phone (until);
   CREATE TABLE code_quota (issuer TEXT PRIMARY KEY, codes_per_day INTEGER NOT NULL) WITHOUT ROWID;
   CREATE TABLE issued_count (day INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (day, name)) WITHOUT ROWID;
   CREATE TABLE api_key (
     id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL, revoked_at INTEGER
   ) WITHOUT ROWID;
   CREATE TABLE failed_code (hour INTEGER PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;`,
  `CREATE TABLE code_sent (uuid TEXT PRIMARY KEY, sent_at INTEGER NOT NULL) WITHOUT ROWID;
   CREATE INDEX code_sent_age ON code_sent (sent_at);`,
];
