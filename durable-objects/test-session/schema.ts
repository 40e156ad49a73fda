/**
 * @module Numbered migrations of TestSession; STORAGE.md describes the tables.
 */
import { PACE_TABLE } from './registration-pace.ts';

/**
 * A row that somebody leaves who registers a GUID that nobody posted is kept for 60 days, so it is small (decision 029): hashes
 * as bytes, small integers for words (`session-ops.ts`), no seed where it follows from the hashed GUID, and no index over the
 * time of expiry, which would be a second row to write.
 */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE session (
     token_hash TEXT PRIMARY KEY, seed BLOB NOT NULL, state TEXT NOT NULL, code_batch TEXT,
     expires_at INTEGER NOT NULL, document TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX session_expiry ON session (expires_at);
   CREATE INDEX session_batch ON session (code_batch, state) WHERE code_batch IS NOT NULL;`,
  // A TAN whose time isn't known counts as used once the ledger doesn't know it. Sessions that took any 64 hex digits for a
  // date of birth, or a hash with one for a test, end: they could show and delete what was somebody else's (decision 024).
  `UPDATE session SET document = json_set(document, '$.isForgetting', json('false'), '$.tanExpiresAt',
     CASE WHEN json_extract(document, '$.firstTanAt') IS NULL THEN NULL ELSE 0 END);
   UPDATE session SET state = 'deleted', document = json_set(document,
     '$.state', 'deleted', '$.hashedGuid', NULL, '$.hashedGuidWithBirthDate', NULL)
   WHERE json_extract(document, '$.hashedGuid') LIKE 'x%'
     OR json_extract(document, '$.hashedGuidWithBirthDate') NOT LIKE 'x%';
   CREATE TABLE claim (
     id BLOB PRIMARY KEY, owner BLOB, guesses BLOB NOT NULL, expires_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX claim_expiry ON claim (expires_at);`,
  // Sessions that are live keep their seed: before decision 024 it didn't depend on the date of birth.
  `CREATE TABLE test_session (
     id BLOB PRIMARY KEY, expires_at INTEGER NOT NULL, state INTEGER NOT NULL, authorisation INTEGER NOT NULL,
     registered_at INTEGER, polled INTEGER NOT NULL, hashed_guid BLOB, hashed_guid_with_birth_date BLOB, seed BLOB,
     code_batch TEXT, tan_number INTEGER NOT NULL, tans_committed INTEGER NOT NULL, first_tan_at INTEGER,
     tan_expires_at INTEGER, is_forgetting INTEGER NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO test_session SELECT
     unhex(substr(token_hash, 1, 32)), expires_at,
     CASE state WHEN 'issued' THEN 0 WHEN 'registered' THEN 1 WHEN 'deleted' THEN 2 ELSE 3 END,
     CASE json_extract(document, '$.authorisation') WHEN 'laboratory' THEN 0 WHEN 'teletan' THEN 1 ELSE 2 END,
     json_extract(document, '$.registeredAt'), json_extract(document, '$.polled'),
     unhex(json_extract(document, '$.hashedGuid')),
     unhex('0' || substr(json_extract(document, '$.hashedGuidWithBirthDate'), 2)),
     CASE WHEN state IN ('issued', 'registered') THEN seed END,
     code_batch, json_extract(document, '$.tanNumber'), json_extract(document, '$.tansCommitted'),
     json_extract(document, '$.firstTanAt'), json_extract(document, '$.tanExpiresAt'), json_extract(document, '$.isForgetting')
   FROM session;
   DROP TABLE session;
   CREATE INDEX test_session_batch ON test_session (code_batch, state) WHERE code_batch IS NOT NULL;
   CREATE TABLE test_claim (
     id BLOB PRIMARY KEY, owner BLOB, guesses BLOB, expires_at INTEGER NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO test_claim SELECT substr(id, 1, 16), substr(owner, 1, 16), guesses, expires_at FROM claim;
   DROP TABLE claim;
   ${PACE_TABLE}`,
  // Beside the sessions: a column would be a byte for each test that nobody ever takes one of.
  `CREATE TABLE test_credential (
     id BLOB PRIMARY KEY, status_index INTEGER NOT NULL, holder BLOB NOT NULL, expires_at INTEGER NOT NULL
   ) WITHOUT ROWID;`,
];
