/**
 * @module Codes that are issued, looked at and ended (docs/spec/google.md §5.4, §5.5). SQL over one object's storage; no clock. Each function runs inside one transaction of its caller.
 *
 * Durable writes: code, hashes, quota and phone number of an order are one transaction. A crash before it leaves nothing, one after it a code that nobody was told: the same uuid gives it again, and
 * without one it ends by itself.
 */
import type { CodeStatus, CodeTestType } from '../../domain/rpc-codes.ts';
import { SHORT_CODE_SECONDS } from '../../domain/verification-codes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { concatBytes, equalBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { insertRows, places } from '../insert-rows.ts';
import type { CodeOrder, ExpireReply, OrderNames, OrderReply } from './contract.ts';
import { knownHashes, newHash } from './hash-keys.ts';
import { giveBack, takeFromQuota } from './quota-ops.ts';

/** An app is told "expired" for so long; after that a code is one that never was. */
const TOLD_SECONDS = 86_400;
/** A number whose code nobody used may have another soon; one whose code was used is a report, and reports are so far apart (docs/spec/google.md §5.5). */
const PHONE_UNCLAIMED_SECONDS = 3_600;
export const PHONE_CLAIMED_SECONDS = 30 * 86_400;
const BOOK_CODES = 500;
/** Answers that one device may lose. */
const MOST_NONCES = 4;
const NONCE_HASH_BYTES = 32;
const CODE_TABLE = { table: 'code', columns: 18 } as const;

/** For whom, by whose word, when. */
export interface Issuance {
  readonly issuer: string;
  readonly issueId: string;
  /** Unix seconds. */
  readonly now: number;
}

export type CodeRow = {
  uuid: string;
  issuer: string;
  external: ArrayBuffer | null;
  test_type: CodeTestType;
  symptom_day: number | null;
  test_day: number | null;
  created_at: number;
  expires_at: number;
  long_expires_at: number | null;
  ends_at: number;
  issue_id: string;
  fields: ArrayBuffer;
  seed: ArrayBuffer | null;
  digits: number;
  nonce: ArrayBuffer | null;
  phone: ArrayBuffer | null;
  claimed_at: number | null;
  handle: ArrayBuffer | null;
};

/** @returns the row of a code, or null */
export function codeRow(sql: SqlStorage, uuid: string): CodeRow | null {
  return sql.exec<CodeRow>('SELECT * FROM code WHERE uuid = ?', uuid).toArray()[0] ?? null;
}

const dayOf = (at: number): number => Math.floor(at / SECONDS_PER_DAY);
const externalName = (external: ArrayBuffer | Uint8Array | null): string | null =>
  external === null ? null : toHex(new Uint8Array(external));

/** An order under each key of a ring, the one that makes first. */
const named = (order: CodeOrder): readonly OrderNames[] => [order, ...(order.others ?? [])];

function toldAgain(row: CodeRow, order: CodeOrder, { issuer, now }: Issuance): OrderReply {
  const { seed, digits, expires_at: expiresAt, long_expires_at: longExpiresAt } = row;
  const fields = new Uint8Array(row.fields);
  const isSame = row.issuer === issuer && named(order).some((one) => equalBytes(fields, one.fields));
  if (!isSame || seed === null || now >= expiresAt) return { kind: 'taken' };
  return { kind: 'issued', seed: new Uint8Array(seed), digits, expiresAt, longExpiresAt };
}

/** @returns whether one of an order's codes is another one that counts, of whatever day */
function isTaken(sql: SqlStorage, order: CodeOrder, now: number): boolean {
  const codes = named(order).flatMap(({ short, long }) => [short, long]);
  const hashes = codes.flatMap((code) => (code === null ? [] : knownHashes(sql, 'code', code, now)));
  if (hashes.length === 0) return false;
  const met = sql.exec(`SELECT 1 FROM code_hash WHERE hash IN (${places(hashes.length)}) LIMIT 1`, ...hashes);
  return met.toArray().length > 0;
}

/** @returns the code that this number had lately, or null */
function codeOfPhone(sql: SqlStorage, order: CodeOrder, now: number): string | null {
  const phones = named(order).flatMap(({ phone }) => (phone === null ? [] : knownHashes(sql, 'phone', phone, now)));
  for (const hash of phones) {
    const row = sql
      .exec<{ uuid: string }>('SELECT uuid FROM code_phone WHERE hash = ? AND until > ?', hash, now)
      .toArray()[0];
    if (row !== undefined) return row.uuid;
  }
  return null;
}

/**
 * A device that lost the answer asks again, with a new nonce as likely as not: then that one goes with the code that is on its way, too. Whoever asks for somebody else's number gains nothing, since the code
 * comes to that number alone.
 */
function addNonce(sql: SqlStorage, uuid: string, nonce: Uint8Array | null): void {
  const row = codeRow(sql, uuid);
  if (nonce === null || row === null || row.nonce === null || row.claimed_at !== null) return;
  if (row.nonce.byteLength >= MOST_NONCES * NONCE_HASH_BYTES) return;
  sql.exec('UPDATE code SET nonce = ? WHERE uuid = ?', concatBytes(new Uint8Array(row.nonce), nonce), uuid);
}

/** @param nonces as a row has them @param shown a nonce, under each key of a ring @returns whether one of them was shown */
export function isNonceOf(nonces: ArrayBuffer, shown: readonly (Uint8Array | null)[]): boolean {
  const all = new Uint8Array(nonces);
  const starts = Array.from({ length: all.length / NONCE_HASH_BYTES }, (_, i) => i * NONCE_HASH_BYTES);
  const isAt = (at: number, one: Uint8Array | null): boolean =>
    one !== null && equalBytes(all.subarray(at, at + NONCE_HASH_BYTES), one);
  return starts.some((at) => shown.some((one) => isAt(at, one)));
}

/** Issues a code, an order once. */
export function issueCode(sql: SqlStorage, order: CodeOrder, by: Issuance): OrderReply {
  const { issuer, issueId, now } = by;
  const before = codeRow(sql, order.uuid);
  if (before !== null) return toldAgain(before, order, by);
  const day = dayOf(now);
  const external = externalName(order.external);
  const formerly = (order.others ?? []).flatMap((one) => externalName(one.external) ?? []);
  if (!takeFromQuota(sql, issuer, external, day, formerly)) return { kind: 'quota' };
  // Counted all the same: a quota that is left would tell that a number is known.
  const known = order.phone === null ? null : codeOfPhone(sql, order, now);
  if (known !== null) {
    addNonce(sql, known, order.nonce);
    return { kind: 'phone-known' };
  }
  if (isTaken(sql, order, now)) {
    giveBack(sql, issuer, external, day);
    return { kind: 'collided' };
  }
  const expiresAt = now + SHORT_CODE_SECONDS;
  const longExpiresAt = order.long === null ? null : now + order.longSeconds;
  const codes = [
    { code: order.short, isLong: 0, at: expiresAt },
    ...(order.long === null || longExpiresAt === null ? [] : [{ code: order.long, isLong: 1, at: longExpiresAt }]),
  ];
  for (const { code, isLong, at } of codes) {
    const hash = newHash(sql, 'code', code, now);
    sql.exec('INSERT INTO code_hash VALUES (?, ?, ?, ?)', hash, order.uuid, isLong, at + TOLD_SECONDS);
  }
  const phone = order.phone === null ? null : newHash(sql, 'phone', order.phone, now);
  if (phone !== null) {
    sql.exec('INSERT OR REPLACE INTO code_phone VALUES (?, ?, ?)', phone, now + PHONE_UNCLAIMED_SECONDS, order.uuid);
  }
  insertRows(sql, CODE_TABLE, [
    order.uuid,
    issuer,
    order.external,
    order.testType,
    order.symptomDay,
    order.testDay,
    now,
    expiresAt,
    longExpiresAt,
    Math.max(expiresAt, longExpiresAt ?? 0),
    issueId,
    order.fields,
    order.seed,
    order.digits,
    order.nonce,
    phone,
    null,
    null,
  ]);
  return { kind: 'issued', seed: order.seed, digits: order.digits, expiresAt, longExpiresAt };
}

const statusIn = (row: CodeRow): CodeStatus => ({
  uuid: row.uuid,
  testType: row.test_type,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  longExpiresAt: row.long_expires_at,
  claimed: row.claimed_at !== null,
});

function ownRow(sql: SqlStorage, issuer: string, uuid: string): CodeRow | null {
  const row = codeRow(sql, uuid);
  return row?.issuer === issuer ? row : null;
}

/** @param codes concealed @returns which of them, by its place, is a code of this row, or -1: with which key of a ring it was derived */
export function ownCode(sql: SqlStorage, uuid: string, codes: readonly Uint8Array[], now: number): number {
  const rows = sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM code_hash WHERE uuid = ?', uuid).toArray();
  const isOwn = (hash: Uint8Array): boolean => rows.some((row) => equalBytes(new Uint8Array(row.hash), hash));
  return codes.findIndex((code) => knownHashes(sql, 'code', code, now).some(isOwn));
}

/** @returns what the issuer may know, or null when it is none of theirs */
export function codeStatus(sql: SqlStorage, issuer: string, uuid: string): CodeStatus | null {
  const row = ownRow(sql, issuer, uuid);
  return row === null ? null : statusIn(row);
}

/** @returns an issuer's codes since `from`, newest first */
export function codesSince(sql: SqlStorage, issuer: string, from: number): CodeStatus[] {
  return sql
    .exec<CodeRow>(
      `SELECT * FROM code WHERE issuer = ? AND created_at > ? ORDER BY created_at DESC LIMIT ${BOOK_CODES}`,
      issuer,
      from,
    )
    .toArray()
    .map((row) => statusIn(row));
}

/** A code ends now, where it hasn't yet, and what it stood for is forgotten. @param where a condition with one parameter */
function endCodes(sql: SqlStorage, where: string, value: string, now: number): void {
  sql.exec(
    `UPDATE code SET expires_at = min(expires_at, ?1), long_expires_at = min(long_expires_at, ?1), ends_at = min(ends_at, ?1),
     seed = NULL, nonce = NULL, symptom_day = NULL, test_day = NULL WHERE claimed_at IS NULL AND ${where} = ?2`,
    now,
    value,
  );
}

/** See `expireCode` of CodesBackOfficeRpc. */
export function expireCode(sql: SqlStorage, issuer: string, uuid: string, now: number): ExpireReply {
  const row = ownRow(sql, issuer, uuid);
  if (row === null) return null;
  if (row.claimed_at !== null) return 'claimed';
  endCodes(sql, 'uuid', uuid, now);
  return codeStatus(sql, issuer, uuid);
}

/** @returns whether the gateway has the code's message: another request for it may have had no luck */
const hasLeft = (sql: SqlStorage, uuid: string): boolean =>
  sql.exec('SELECT 1 FROM code_sent WHERE uuid = ?', uuid).toArray().length > 0;

/** See `cancelCode` of CodesBackOfficeRpc. */
export function cancelCode(sql: SqlStorage, issuer: string, uuid: string): void {
  const row = ownRow(sql, issuer, uuid);
  if (row === null || row.claimed_at !== null || hasLeft(sql, uuid)) return;
  sql.exec('DELETE FROM code_hash WHERE uuid = ?', uuid);
  sql.exec('DELETE FROM code WHERE uuid = ?', uuid);
  if (row.phone !== null) sql.exec('DELETE FROM code_phone WHERE hash = ?', row.phone);
  giveBack(sql, issuer, externalName(row.external), dayOf(row.created_at));
}

/** What was rolled back: its codes open nothing, its tokens give no certificate, its certificates are known to be over. Idempotent. */
export function endIssuesOfCodes(sql: SqlStorage, issueIds: readonly string[], now: number): void {
  for (const issueId of issueIds) {
    endCodes(sql, 'issue_id', issueId, now);
    sql.exec('DELETE FROM code_token WHERE issue_id = ?', issueId);
    sql.exec('UPDATE given_certificate SET is_over = 1 WHERE issue_id = ?', issueId);
  }
}
