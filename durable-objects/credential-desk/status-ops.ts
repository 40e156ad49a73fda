/** @module Places in our status list, and the lists of other regions (docs/credential.md). SQL over the desk's storage; no clock. */
import { STATUS_LIST_SIZE } from '../../protocol/credential/credential.ts';
import type { Head } from '../../protocol/directory/merkle.ts';
import { equalBytes } from '../../protocol/primitives/bytes.ts';
import type { StatusList } from '../../protocol/credential/status-list.ts';

/** Places that may be taken at once: of a list that is half full one draw in two finds a free one. */
const MAX_TAKEN = STATUS_LIST_SIZE / 2;
/** The chance that so many draws find none is 2⁻⁶⁴. */
const DRAWS = 64;
/** Rows forgotten in a slice. */
const CLEANUP_ROWS = 1_000;

/** A credential that is to be issued. */
export interface WantedPlace {
  /** Who vouched for its test (domain/issue.ts), or null. */
  readonly issueId: string | null;
  /** Unix seconds. */
  readonly expiresAt: number;
}

/**
 * Takes a random free place, so that a place doesn't tell when it was taken. Call inside `transactionSync`.
 *
 * @param random a number from 0 to below 2³²
 * @returns the place, or null when half of all are taken
 */
export function takePlace(sql: SqlStorage, { issueId, expiresAt }: WantedPlace, random: () => number): number | null {
  const taken = sql.exec<{ n: number }>('SELECT count(*) AS n FROM credential_status').one().n;
  if (taken >= MAX_TAKEN) return null;
  for (let draw = 0; draw < DRAWS; draw++) {
    // The size is a power of two: no place is likelier than another.
    const place = random() % STATUS_LIST_SIZE;
    const written = sql.exec(
      'INSERT OR IGNORE INTO credential_status VALUES (?, ?, ?, 0) RETURNING 1',
      place,
      issueId,
      expiresAt,
    );
    if (written.toArray().length > 0) return place;
  }
  return null;
}

/** Takes credentials back by their places; idempotent. */
export function revokePlaces(sql: SqlStorage, places: readonly number[]): void {
  sql.exec(
    'UPDATE credential_status SET revoked = 1 WHERE status_index IN (SELECT value FROM json_each(?))',
    JSON.stringify(places),
  );
}

/** Takes back all credentials of tests that these sources vouched for; idempotent. */
export function revokeIssues(sql: SqlStorage, issueIds: readonly string[]): void {
  sql.exec(
    'UPDATE credential_status SET revoked = 1 WHERE issue_id IN (SELECT value FROM json_each(?))',
    JSON.stringify(issueIds),
  );
}

/** @returns places of credentials that were taken back, in their order */
export function revokedPlaces(sql: SqlStorage): number[] {
  return sql
    .exec<{ status_index: number }>(
      'SELECT status_index FROM credential_status WHERE revoked = 1 ORDER BY status_index',
    )
    .toArray()
    .map((row) => row.status_index);
}

/** Another region's list, and when it was asked for. */
export interface PeerList extends StatusList {
  /** Origin whose list it is. */
  readonly issuer: string;
  /** Since the Unix epoch. */
  readonly askedHour: number;
}

/** Replaces what was kept of a region, unless that is newer: an older list is no news, whoever serves it. @returns whether it was kept */
export function keepPeerList(sql: SqlStorage, region: string, list: PeerList): boolean {
  const kept = peerList(sql, region);
  if (kept !== null && kept.issuer === list.issuer && kept.issuedAt > list.issuedAt) return false;
  const { issuer, bits, issuedAt, expiresAt, askedHour } = list;
  sql.exec(
    'INSERT OR REPLACE INTO peer_status_list VALUES (?, ?, ?, ?, ?, ?)',
    region,
    issuer,
    new Uint8Array(bits),
    issuedAt,
    expiresAt,
    askedHour,
  );
  return true;
}

/** @returns the list that was kept last of a region, or null */
export function peerList(sql: SqlStorage, region: string): PeerList | null {
  const row = sql
    .exec<{ issuer: string; bits: ArrayBuffer; issued_at: number; expires_at: number; asked_hour: number }>(
      'SELECT issuer, bits, issued_at, expires_at, asked_hour FROM peer_status_list WHERE region = ?',
      region,
    )
    .toArray()[0];
  if (row === undefined) return null;
  const { issuer, bits, issued_at: issuedAt, expires_at: expiresAt, asked_hour: askedHour } = row;
  return { issuer, bits: new Uint8Array(bits), issuedAt, expiresAt, askedHour };
}

/** @param log origin of a directory's checkpoints @returns its newest head that held, or null */
export function believedHead(sql: SqlStorage, log: string): Head | null {
  const row = sql
    .exec<{ size: number; root: ArrayBuffer }>('SELECT size, root FROM believed_head WHERE log = ?', log)
    .toArray()[0];
  return row === undefined ? null : { size: row.size, root: new Uint8Array(row.root) };
}

/**
 * Keeps a head in place of the one that it was judged by; where another was kept meanwhile, that one stays.
 *
 * @param from that it follows, null: none was kept
 * @returns the head that is kept now
 */
export function keepBelievedHead(sql: SqlStorage, log: string, from: Head | null, to: Head): Head {
  const kept = believedHead(sql, log);
  const isUnchanged =
    kept === null ? from === null : from !== null && kept.size === from.size && equalBytes(kept.root, from.root);
  if (kept !== null && !isUnchanged) return kept;
  sql.exec('INSERT OR REPLACE INTO believed_head VALUES (?, ?, ?)', log, to.size, new Uint8Array(to.root));
  return to;
}

/** Forgets some of what has expired. @param now Unix seconds @returns whether anything was forgotten */
export function forgetStatuses(sql: SqlStorage, now: number): boolean {
  const old = `SELECT status_index FROM credential_status WHERE expires_at <= ? ORDER BY expires_at LIMIT ${CLEANUP_ROWS}`;
  const gone = sql.exec(`DELETE FROM credential_status WHERE status_index IN (${old}) RETURNING 1`, now).toArray();
  sql.exec('DELETE FROM peer_status_list WHERE expires_at <= ?', now);
  return gone.length > 0;
}
