/**
 * @module What openings open (protocol/withdrawal.ts, docs/decisions/042). A key that waits and that no set covers ends at once (end-rows.ts); one that is
 * published, or about to be, goes to the queue (withdrawal-queue.ts). Everything else changes nothing: a wrong secret, a key that never came, that has
 * had its time, that ended before.
 *
 * Durable order: one transaction, on disk before the answer. A crash before it leaves everything as it was, and the phone has no answer.
 */
import { TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { equalBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { MOST_OPENINGS, WITHDRAWAL_HASH_BYTES, withdrawalHash, type Opening } from '../../protocol/withdrawal.ts';
import { places } from '../insert-rows.ts';
import { lastingHashes } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import { coveredThrough, endRows } from './end-rows.ts';
import type { Ciphers } from './hour-keys.ts';
import {
  FIELDS_OFFSET,
  LABEL_OFFSET,
  STORED_ROW_BYTES,
  TAG_BYTES,
  WITHDRAWAL_OFFSET,
  readLabel,
} from './row-cipher.ts';
import { labelsOf } from './row-labels.ts';
import { rowsOfTags, waitingHours } from './waiting-rows.ts';
import { queueKeys } from './withdrawal-queue.ts';

const TEK_IN_ROW = FIELDS_OFFSET + TEK_OFFSET;

/** A key that somebody offers to open, and what its hash must be; of a peer that takes its own back, what its mark must be (remote-rows.ts). */
export interface Offer {
  readonly keyData: Uint8Array;
  readonly hash: Uint8Array;
}

/**
 * Runs inside a transaction. Its cost grows with the hours in which keys wait, and with nothing else.
 *
 * @param ciphers ready for `now`
 * @param at.now Unix seconds
 * @param at.isOpen whether published keys can be taken back; what waits ends in any case
 * @param openings of any keys; those past {@link MOST_OPENINGS} are left out
 */
export function withdrawKeys(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  { now, isOpen }: { readonly now: number; readonly isOpen: boolean },
  openings: readonly Opening[],
): void {
  // A key that is named twice has two secrets, and one may be right.
  const offers = openings.slice(0, MOST_OPENINGS).map((opening) => ({
    keyData: opening.keyData,
    hash: withdrawalHash(opening),
  }));
  if (isOpen) endOffered(sql, config, ciphers, now, offers);
  else if (offers.length > 0) openWaiting(sql, config, ciphers, now, offers);
}

/**
 * Ends the keys whose hash is right; runs inside a transaction.
 *
 * @param offers 90 at most
 * @returns key data of those that were
 */
export function endOffered(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  offers: readonly Offer[],
): Uint8Array[] {
  if (offers.length === 0) return [];
  const { frozen, ended } = openWaiting(sql, config, ciphers, now, offers);
  const published = [...frozen, ...openKnown(sql, config, now, offers)];
  const each = [...new Map(published.map((keyData) => [toHex(keyData), keyData])).values()];
  queueKeys(sql, ciphers, now, each);
  return [...ended, ...each];
}

/** @returns keys of rows that a set covers, and of others, which have ended */
function openWaiting(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  offers: readonly Offer[],
): { readonly frozen: readonly Uint8Array[]; readonly ended: readonly Uint8Array[] } {
  const teks = new Uint8Array(offers.length * TAG_BYTES);
  for (const [n, { keyData }] of offers.entries()) teks.set(keyData, n * TAG_BYTES);
  const covered = coveredThrough(sql);
  const frozen: Uint8Array[] = [];
  const ended: Uint8Array[] = [];
  for (const hour of waitingHours(sql)) {
    const cipher = ciphers.cipher(hour);
    if (cipher === null) continue;
    const rows = rowsOfTags(sql, hour, cipher.tags(teks));
    if (rows.length === 0) continue;
    const opened = eachRow(cipher.open(rows)).filter((row) => offers.some((offer) => opens(offer, row)));
    if (opened.length === 0) continue;
    if (hour <= covered) {
      frozen.push(...opened.map(tekOf));
      continue;
    }
    const labels = labelsOf(sql, ciphers, hour);
    // A decoy's hash is random, so none is ever opened; should one be, it stays.
    const real = opened.filter((row) => labels.get(readLabel(row, LABEL_OFFSET))?.synthetic !== true);
    if (real.length > 0) endRows(sql, config, now, { hour, rows: real, labels, cause: 'withdrawal' });
    ended.push(...real.map(tekOf));
  }
  return { frozen, ended };
}

const tekOf = (row: Uint8Array): Uint8Array => row.slice(TEK_IN_ROW, TEK_IN_ROW + TAG_BYTES);

function opens({ keyData, hash }: Offer, row: Uint8Array): boolean {
  return (
    equalBytes(row.subarray(TEK_IN_ROW, TEK_IN_ROW + TAG_BYTES), keyData) &&
    equalBytes(row.subarray(WITHDRAWAL_OFFSET, WITHDRAWAL_OFFSET + WITHDRAWAL_HASH_BYTES), hash)
  );
}

function eachRow(rows: Uint8Array): Uint8Array[] {
  const count = rows.length / STORED_ROW_BYTES;
  return Array.from({ length: count }, (_, n) => rows.subarray(n * STORED_ROW_BYTES, (n + 1) * STORED_ROW_BYTES));
}

/** @returns keys that are published, by what is left of them: the lasting hash and the withdrawal hash */
function openKnown(sql: SqlStorage, config: BufferConfig, now: number, offers: readonly Offer[]): Uint8Array[] {
  const hashesOf = offers.map(({ keyData }) => lastingHashes(config, keyData));
  const openedBy = new Map<string, Uint8Array>();
  // A statement a key of the ring: all at once they may be more than a statement takes.
  for (const n of config.knownKeyHashKeys.all.keys()) {
    const known = sql.exec<{ hash: ArrayBuffer; withdrawal: ArrayBuffer }>(
      `SELECT hash, withdrawal FROM known_key WHERE expires_hour > ? AND hash IN (${places(offers.length)})`,
      hourOf(now),
      ...hashesOf.map((hashes) => hashes[n]!),
    );
    for (const row of known) openedBy.set(toHex(new Uint8Array(row.hash)), new Uint8Array(row.withdrawal));
  }
  return offers.flatMap(({ keyData, hash }, n) => {
    const kept = hashesOf[n]!.map((known) => openedBy.get(toHex(known)));
    return kept.some((withdrawal) => withdrawal !== undefined && equalBytes(withdrawal, hash)) ? [keyData] : [];
  });
}
