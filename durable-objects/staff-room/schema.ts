/** @module Tables of StaffRoom; STORAGE.md describes them. */

import { PEER_ACT_FORMAT, PEER_ACT_TABLE } from './peer-act-ops.ts';
import { ROLLBACK_TABLE } from './rollback-ops.ts';

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
  // Ends and pace belong to the person, and a session's row goes when it ends. Blocks name what is signed; a fingerprint can be
  // changed by whoever has the certificate, so those that were blocked by it are kept, as one more mark.
  `CREATE TABLE person (
     subject TEXT PRIMARY KEY, language TEXT NOT NULL, last_seen INTEGER NOT NULL, ended_at INTEGER NOT NULL,
     signed_in_at INTEGER NOT NULL, minute INTEGER NOT NULL, actions INTEGER NOT NULL, commands INTEGER NOT NULL
   ) WITHOUT ROWID;
   INSERT INTO person
     SELECT subject, language, MAX(last_seen), MAX(COALESCE(ended_at, MIN(last_seen + 900, begun_at + 43200))), 0, 0, 0, 0
     FROM session GROUP BY subject;
   DROP TABLE session;
   CREATE TABLE session (
     id_hash TEXT PRIMARY KEY, subject TEXT NOT NULL, begun_at INTEGER NOT NULL, last_seen INTEGER NOT NULL,
     used INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX session_subject ON session (subject);
   CREATE TABLE blocked_certificate (mark TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO blocked_certificate SELECT 'fingerprint:' || fingerprint, at FROM revoked_certificate;
   DROP TABLE revoked_certificate;
   CREATE TABLE authority (
     public_key TEXT PRIMARY KEY, name TEXT NOT NULL, name_hash TEXT NOT NULL, list_number TEXT NOT NULL,
     this_update INTEGER NOT NULL, next_update INTEGER NOT NULL, generation INTEGER NOT NULL, entries INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE list_generation (generation INTEGER PRIMARY KEY AUTOINCREMENT, begun_at INTEGER NOT NULL);
   CREATE TABLE revoked_serial (
     generation INTEGER NOT NULL, serial TEXT NOT NULL, PRIMARY KEY (generation, serial)
   ) WITHOUT ROWID;
   CREATE TABLE card_holder (
     subject TEXT PRIMARY KEY, authority TEXT NOT NULL, holder_id TEXT NOT NULL, roles TEXT NOT NULL,
     provider TEXT NOT NULL, held INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE audit_checkpoint (id INTEGER PRIMARY KEY, chain TEXT NOT NULL);
   CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON audit_checkpoint
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
   CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON audit_checkpoint
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
   CREATE TABLE audit_pass (
     one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, chain TEXT NOT NULL, whole_at INTEGER, broken INTEGER
   );
   INSERT INTO audit_pass VALUES (1, 0, '', NULL, NULL);`,
  // Forms that were sent, and what waits for a second person (decision 033).
  `CREATE TABLE form (id TEXT PRIMARY KEY, begun_at INTEGER NOT NULL, answer TEXT) WITHOUT ROWID;
   CREATE INDEX form_age ON form (begun_at);
   CREATE TABLE proposal (
     id TEXT PRIMARY KEY, proposed_by TEXT NOT NULL, proposed_at INTEGER NOT NULL, action TEXT NOT NULL,
     request TEXT NOT NULL, expected_version INTEGER NOT NULL
   );`,
  // Who wants the deployment to end, and who agreed (decision 044).
  `CREATE TABLE sunset_step (
     step TEXT PRIMARY KEY CHECK (step IN ('stop', 'purge')), asked_by TEXT NOT NULL, asked_at INTEGER NOT NULL,
     agreed_by TEXT, agreed_at INTEGER
   ) WITHOUT ROWID;`,
  ROLLBACK_TABLE,
  // Who asked is a person from here on, no credential of theirs (decision 046): what waits for a second one is asked for anew.
  `DELETE FROM rollback WHERE confirmed_at IS NULL; DELETE FROM proposal; DELETE FROM sunset_step WHERE agreed_by IS NULL;
   ALTER TABLE card_holder ADD COLUMN person TEXT NOT NULL DEFAULT '';
   UPDATE rollback SET outcome = json_insert(outcome, '$.waits', NULL) WHERE outcome IS NOT NULL;`,
  PEER_ACT_TABLE,
  PEER_ACT_FORMAT,
  // What a dry run says is coarse from here on (decision 054): exact counts of before go, and what waits for a second person is asked for anew.
  `DELETE FROM rollback WHERE confirmed_at IS NULL;
   UPDATE rollback SET plan = json_set(plan, '$.days', json('[]'));`,
];
