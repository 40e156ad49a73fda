/**
 * @module Rows of test sessions: what domain/session decides, kept by the keyed hash of the registration token
 * (docs/architecture.md §7). SQL over one object's storage; no clock, no network. Cost: one row a session, found by primary key.
 */
import { ended, laboratorySession, type Session, SESSION_LIFETIME_SECONDS } from '../../domain/session.ts';
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import { inSlices } from '../pace.ts';
import { readGrant } from './credential-ops.ts';

/** Rows that one slice of the clean-up looks at: some 3 ms. */
const SWEEP_SLICE_ROWS = 2_000;
/** Rows one RPC may bring: a batch of 10,000 cards comes in several. */
const ISSUE_BATCH_ROWS = 2_000;

/** Words as stored: the place in the list, of which 0 and 1 take no byte. The migration (schema.ts) knows them too. */
const STATES = ['issued', 'registered', 'deleted', 'void'] as const;
const AUTHORISATIONS = ['laboratory', 'teletan', 'card', 'credential'] as const;
const [ISSUED, REGISTERED, DELETED] = [0, 1, 2];
const LABORATORY = 0;

export interface StoredSession {
  /** 32 bytes, domain/derived-codes; null where it follows from the hashes of the test, and once the session has ended. */
  readonly seed: Uint8Array | null;
  readonly session: Session;
}

type Row = {
  id: ArrayBuffer;
  expires_at: number;
  state: number;
  authorisation: number;
  registered_at: number | null;
  polled: number;
  hashed_guid: ArrayBuffer | null;
  hashed_guid_with_birth_date: ArrayBuffer | null;
  seed: ArrayBuffer | null;
  code_batch: string | null;
  tan_number: number;
  tans_committed: number;
  first_tan_at: number | null;
  tan_expires_at: number | null;
  is_forgetting: number;
};

/** @param id hex @returns the row, or null */
export function readSession(sql: SqlStorage, id: string): StoredSession | null {
  const row = sql.exec<Row>('SELECT * FROM test_session WHERE id = ?', fromHex(id)).toArray()[0];
  return row === undefined ? null : fromRow(row);
}

function fromRow(row: Row): StoredSession {
  const hex = (bytes: ArrayBuffer | null): string | null => (bytes === null ? null : toHex(new Uint8Array(bytes)));
  return {
    seed: row.seed === null ? null : new Uint8Array(row.seed),
    session: {
      state: word(STATES, row.state),
      authorisation: word(AUTHORISATIONS, row.authorisation),
      hashedGuid: hex(row.hashed_guid),
      // Its first character is always an x (docs/spec/cwa.md §3.1), stored as a 0.
      hashedGuidWithBirthDate: hex(row.hashed_guid_with_birth_date)?.replace(/^0/, 'x') ?? null,
      codeBatchId: hasIssue(row) ? null : row.code_batch,
      issueId: hasIssue(row) ? row.code_batch : null,
      registeredAt: row.registered_at ?? impliedRegistration(row),
      polled: row.polled === 1,
      tanNumber: row.tan_number,
      tansCommitted: row.tans_committed,
      firstTanAt: row.first_tan_at,
      tanExpiresAt: row.tan_expires_at,
      isForgetting: row.is_forgetting === 1,
      expiresAt: row.expires_at,
    },
  };
}

/** The column has an issue id for these, for the others a batch. */
const hasIssue = ({ authorisation }: Pick<Row, 'authorisation'>): boolean =>
  ['teletan', 'credential'].includes(word(AUTHORISATIONS, authorisation));

/**
 * A test's session is registered its lifetime before its end, until it is prolonged: four bytes that a made-up one doesn't take. A change
 * of that lifetime writes them out first, in a migration.
 */
function impliedRegistration(row: Pick<Row, 'state' | 'authorisation' | 'expires_at'>): number | null {
  const isImplied = row.state === REGISTERED && row.authorisation === LABORATORY;
  return isImplied ? row.expires_at - SESSION_LIFETIME_SECONDS : null;
}

function word<T>(words: readonly T[], place: number): T {
  const found = words[place];
  if (found === undefined) throw new RangeError(`test_session: no word ${place}`);
  return found;
}

/** Writes or replaces one row. @param id hex @param seed see {@link StoredSession}: left out where it isn't needed */
export function writeSession(sql: SqlStorage, id: string, seed: Uint8Array | null, session: Session): void {
  const { hashedGuid, hashedGuidWithBirthDate } = session;
  const state = STATES.indexOf(session.state);
  const authorisation = AUTHORISATIONS.indexOf(session.authorisation);
  const implied = impliedRegistration({ state, authorisation, expires_at: session.expiresAt });
  sql.exec(
    'INSERT OR REPLACE INTO test_session VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    fromHex(id),
    session.expiresAt,
    state,
    authorisation,
    session.registeredAt === implied ? null : session.registeredAt,
    Number(session.polled),
    hashedGuid === null ? null : fromHex(hashedGuid),
    hashedGuidWithBirthDate === null ? null : fromHex(hashedGuidWithBirthDate.replace(/^x/, '0')),
    session.state === 'issued' || session.state === 'registered' ? seed : null,
    // A column of its own would be a byte for each test that nobody posted (schema.ts).
    session.codeBatchId ?? session.issueId,
    session.tanNumber,
    session.tansCommitted,
    session.firstTanAt,
    session.tanExpiresAt,
    Number(session.isForgetting),
  );
}

/** Writes rows that aren't there yet. @throws RangeError above {@link ISSUE_BATCH_ROWS} */
export function issueSessions(
  sql: SqlStorage,
  rows: readonly (StoredSession & { readonly tokenHash: string })[],
): void {
  if (rows.length > ISSUE_BATCH_ROWS) throw new RangeError(`rows: at most ${ISSUE_BATCH_ROWS} a call`);
  for (const { tokenHash, seed, session } of rows) {
    if (readSession(sql, tokenHash) === null) writeSession(sql, tokenHash, seed, session);
  }
}

/** Ends the session of an issued code, used or not. @param id hex @returns what it was when it had been used, or null */
export function revokeSession(sql: SqlStorage, id: string): StoredSession | null {
  const row = readSession(sql, id);
  if (row === null || row.session.state === 'deleted' || row.session.state === 'void') return null;
  writeSession(sql, id, null, ended(row.session, 'deleted'));
  return row.session.state === 'registered' ? row : null;
}

/**
 * Ends a session that never proved its date of birth. One that isn't there (a crash after its claims) never comes to be; one that had a TAN or
 * gave a credential has been right once, and stays.
 *
 * @param id hex
 * @param until Unix seconds to which a session that isn't there is kept out
 * @returns whether it is void
 */
export function voidSession(sql: SqlStorage, id: string, until: number): boolean {
  const row = readSession(sql, id);
  if (row?.session.state === 'void') return true;
  const wasRight = row?.session.firstTanAt !== null || readGrant(sql, id) !== null;
  if (row !== null && (row.session.state !== 'registered' || wasRight)) return false;
  const session = row?.session ?? { ...laboratorySession('', null, 0), polled: true, expiresAt: until };
  writeSession(sql, id, null, ended(session, 'void'));
  return true;
}

/** Which cards of a batch end. */
export interface EndingCards {
  /** Sessions that were opened from here on, Unix seconds … */
  readonly from: number;
  /** … and before here, Unix seconds; null: however late. */
  readonly before: number | null;
  /** Whether cards that nobody used end too. */
  readonly unused: boolean;
}

/** Ends cards of a batch: they open nothing any more, nor do the sessions that they opened. @returns how many rows changed (no caller outside verification learns which) */
export function endCards(sql: SqlStorage, codeBatchId: string, { from, before, unused }: EndingCards): number {
  const rows = sql
    .exec<Row>('SELECT * FROM test_session WHERE code_batch = ? AND state IN (?, ?)', codeBatchId, ISSUED, REGISTERED)
    .toArray();
  let changed = 0;
  for (const row of rows) {
    const { session } = fromRow(row);
    const openedAt = session.registeredAt ?? 0;
    const isMeant =
      session.state === 'registered' ? openedAt >= from && (before === null || openedAt < before) : unused;
    if (!isMeant) continue;
    writeSession(sql, toHex(new Uint8Array(row.id)), null, ended(session, 'deleted'));
    changed++;
  }
  return changed;
}

/** Batches that are counted in one call: a page of them. */
const BATCHES_PER_CALL = 50;

/**
 * The index alone tells most: whoever is registered was opened. Only deleted ones are read, to see whether they were.
 *
 * @param codeBatchIds at most 50
 * @returns for each batch how many of its cards this shard holds that were opened; never which
 * @throws RangeError above the limit of a call
 */
export function batchUses(sql: SqlStorage, codeBatchIds: readonly string[]): number[] {
  if (codeBatchIds.length > BATCHES_PER_CALL) throw new RangeError(`batches: at most ${BATCHES_PER_CALL} a call`);
  return codeBatchIds.map(
    (id) =>
      sql
        .exec<{ n: number }>(
          `SELECT (SELECT COUNT(*) FROM test_session WHERE code_batch = ?1 AND state = ?2) +
           (SELECT COUNT(*) FROM test_session WHERE code_batch = ?1 AND state = ?3 AND registered_at IS NOT NULL) AS n`,
          id,
          REGISTERED,
          DELETED,
        )
        .one().n,
  );
}

/** Tables whose rows end at their `expires_at`, by primary key `id`. */
export const SWEPT = ['test_session', 'test_claim', 'test_credential'] as const;
type SweptTable = (typeof SWEPT)[number];

/**
 * Goes over a table once, a slice after the other, in the order of its keys, and forgets what has expired. There is no index
 * over the time: it would be a second row to write for each registration, and dearer than reading all rows four times a day.
 *
 * @param now Unix seconds
 */
export async function sweep(sql: SqlStorage, table: SweptTable, now: number): Promise<void> {
  let after: ArrayBuffer | null = new ArrayBuffer(0);
  await inSlices(
    () => (after = after === null ? null : sweepSlice(sql, table, after, now)),
    (last) => last !== null,
  );
}

/** @param after key of the last row of the slice before @returns key of this slice's last row, or null at the table's end */
function sweepSlice(sql: SqlStorage, table: SweptTable, after: ArrayBuffer, now: number): ArrayBuffer | null {
  const last = sql
    .exec<{ id: ArrayBuffer }>(
      `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?`,
      after,
      SWEEP_SLICE_ROWS - 1,
    )
    .toArray()[0];
  if (last === undefined) {
    sql.exec(`DELETE FROM ${table} WHERE id > ? AND expires_at <= ?`, after, now);
    return null;
  }
  sql.exec(`DELETE FROM ${table} WHERE id > ? AND id <= ? AND expires_at <= ?`, after, last.id, now);
  return last.id;
}

/** @returns whether a table has no row */
export function isEmpty(sql: SqlStorage, table: SweptTable): boolean {
  return sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length === 0;
}
