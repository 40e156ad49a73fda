/**
 * @module How an upload enters the buffer (docs/architecture.md §4.4, §4.5): idempotent by upload id, each TEK once in its life,
 * all rows in one transaction, encrypted (row-cipher.ts).
 *
 * Durable order: everything of one upload is in one SQLite transaction, which it may share with others
 * (group-commit.ts), and the platform's output gate holds the reply until it is on disk. A crash before that leaves
 * nothing and no reply; after it, the same upload id is answered as stored. So there is no state in between to repair.
 */
import { SECONDS_PER_HOUR, hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import { concatBytes, isAnyTwice, toHex } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';
import { publishedDay, releaseHour, retentionEnd } from '../../domain/embargo.ts';
import { MAX_TAN_LIFETIME_SECONDS, longestAnswerOfTan } from '../../domain/tan.ts';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { piecesOf, textByCount } from '../insert-rows.ts';
import { countedUnder, type BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';
import { isEnded } from './ended-issues.ts';
import { nameOfIssue } from './issue-counts.ts';
import type { ReceivedUploads } from './received-ops.ts';
import { takeOver, type WaitingKey } from './remote-rows.ts';
import { putLabel } from './row-labels.ts';
import { HASH_BYTES, TAG_BYTES } from './row-cipher.ts';
import type { UploadTally } from './upload-tally.ts';
import { insertWaiting, presentTags, waitingHours, type FreshKey } from './waiting-rows.ts';
import type { Acceptance, Resolution } from './contract.ts';

/**
 * Upload ids and tombstones live as long as the row of any TAN (docs/architecture.md §4.4), so that whoever may still come back
 * with one hears what became of its upload. Not a variable: one that is shorter than TANs live would store an upload twice.
 */
const UPLOAD_ID_LIFETIME_HOURS = Math.ceil(longestAnswerOfTan(MAX_TAN_LIFETIME_SECONDS) / SECONDS_PER_HOUR);

const KNOWN_AT = textByCount(
  (count) => `WITH asked (at, hash) AS (${piecesOf(count, HASH_BYTES)})
    SELECT at FROM asked CROSS JOIN known_key USING (hash)`,
);

/**
 * Runs inside a transaction.
 *
 * @param sql storage of the object
 * @param config of the deployment
 * @param ciphers ready for `now`
 * @param received told of a real upload, to be counted in the same transaction
 * @param now Unix seconds
 * @param uploadId derived by `upload`; it is never stored beside a key
 * @param upload 1..30 valid keys with regions, consent, origin, issue id
 * @returns stored, known or tombstone (domain/rpc.ts); after known the id is dead
 */
export function acceptUpload(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  received: ReceivedUploads,
  now: number,
  uploadId: string,
  upload: AcceptedUpload,
): Acceptance {
  const state = uploadState(sql, uploadId);
  if (state !== null) return { kind: state };
  const { tally } = received;
  noteUpload(sql, tally, now);
  const found = isEnded(sql, config, upload.issueId) ? NOTHING : siftKeys(sql, config, ciphers, now, upload.keys);
  const taken = found.waiting.length === 0 ? [] : takeOver(sql, config, ciphers, tally, found.waiting);
  const fresh = [...found.fresh, ...taken];
  if (fresh.length === 0) {
    // The TAN is given back, so this id must never store anything (domain/intake-permit.ts).
    storeUpload(sql, now, uploadId, 'tombstone');
    return { kind: 'known' };
  }
  storeKeys(sql, config, ciphers, tally, fresh, { earliest: earliestHour(sql, now), upload, synthetic: false });
  // Peers' keys come in batches, which are nobody's upload.
  if (upload.origin === config.homeCountry) {
    received.add(
      fresh.map(({ key }) => key),
      now,
    );
  }
  storeUpload(sql, now, uploadId, 'stored');
  return { kind: 'stored' };
}

/** The first upload ever says when the deployment began; runs inside a transaction. @param tally of the transaction */
export function noteUpload(sql: SqlStorage, tally: UploadTally, now: number): void {
  if (tally.isFirst()) sql.exec(`INSERT OR IGNORE INTO meta VALUES ('first_hour', ?)`, hourOf(now));
}

/**
 * Declares an upload id dead unless it was stored: after this, `acceptUpload` never stores it. Runs inside a transaction.
 *
 * @param now Unix seconds
 */
export function resolveUpload(sql: SqlStorage, now: number, uploadId: string): Resolution {
  const state = uploadState(sql, uploadId);
  if (state !== null) return { kind: state };
  storeUpload(sql, now, uploadId, 'tombstone');
  return { kind: 'tombstone' };
}

/**
 * Inserts rows and counts them, for a real upload or a decoy. Runs inside a transaction.
 *
 * @param tally of the transaction: writes the counts
 * @param keys at least one, all new
 * @param at `earliest`: the first hour that isn't frozen; a key goes there if its own release hour is earlier
 * @throws Error when the key of a release hour is gone or was never made
 */
export function storeKeys(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  tally: UploadTally,
  keys: readonly FreshKey[],
  at: {
    readonly earliest: number;
    readonly upload: Omit<AcceptedUpload, 'keys'>;
    readonly synthetic: boolean;
    readonly reserve?: true;
    /** Of a peer's keys: the batch they came with. */
    readonly batch?: string;
  },
): void {
  const { regions, consentToFederation, origin, issueId } = at.upload;
  const more = {
    ...(at.reserve === true ? { reserve: at.reserve } : {}),
    ...(at.batch === undefined ? {} : { batch: at.batch }),
  };
  const about = { regions, consentToFederation, origin, synthetic: at.synthetic, issueId, ...more };
  const perHour = new Map<number, number>();
  const byHour = Map.groupBy(keys, ({ release }) => Math.max(release, at.earliest));
  for (const [hour, own] of byHour) {
    const cipher = ciphers.cipher(hour);
    if (cipher === null) throw new Error(`there is no key for rows of hour ${hour}`);
    insertWaiting(sql, cipher, hour, own, putLabel(sql, cipher, hour, about, tally));
    perHour.set(hour, own.length);
  }
  tally.add({
    regions: countedUnder(config, at.upload),
    perHour,
    synthetic: at.synthetic,
    // Peers' keys are nobody's uploads, and no company for those of people here.
    isUpload: origin === config.homeCountry,
    issueName: issueId === null || at.synthetic ? null : nameOfIssue(config, issueId),
  });
}

/** @returns the first hour that keys can still enter: the running one, or the one after the last frozen. */
export function earliestHour(sql: SqlStorage, now: number): number {
  const frozen = sql.exec<{ hour: number | null }>('SELECT max(hour) AS hour FROM release_set').one().hour;
  return Math.max(hourOf(now), frozen === null ? 0 : frozen + 1);
}

/** Keys of an upload or a batch. */
interface SiftedKeys {
  /** Those that are new. */
  readonly fresh: readonly FreshKey[];
  /** Those that wait already: a person's, a decoy or a peer's. */
  readonly waiting: readonly WaitingKey[];
}

const NOTHING: SiftedKeys = { fresh: [], waiting: [] };

/**
 * Reads alone.
 *
 * @param ciphers ready for `now`
 * @param keys as they were uploaded, or as a peer sent them; some 100 at most
 * @returns those that can still be published and whose hash isn't known, each once, in published form
 */
export function siftKeys(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  keys: readonly AcceptedKey[],
): SiftedKeys {
  const candidates = each(keys.filter((key) => canBePublished(config, now, key))).map((key) => freshKey(config, key));
  if (candidates.length === 0) return NOTHING;
  const known = knownAt(
    sql,
    candidates.map(({ hash }) => hash),
  );
  // While the key of hashes is changed (docs/rotation.md); with one key there is none to ask further.
  for (const other of config.knownKeyHashKeys.others) {
    for (const n of knownAt(
      sql,
      candidates.map(({ key }) => hashBy(other, key.keyData)),
    ))
      known.add(n);
  }
  // Until its hour is forgotten, a key is known by its row alone.
  const teks = new Uint8Array(candidates.length * TAG_BYTES);
  for (const [n, { key }] of candidates.entries()) teks.set(key.keyData, n * TAG_BYTES);
  const waiting: WaitingKey[] = [];
  for (const hour of waitingHours(sql)) {
    const cipher = ciphers.cipher(hour);
    if (cipher === null) continue; // its rows are lost, and nobody will ever see these keys
    for (const n of presentTags(sql, 'waiting_row', hour, cipher.tags(teks))) {
      if (!known.has(n)) waiting.push({ hour, key: candidates[n]! });
      known.add(n);
    }
  }
  return { fresh: candidates.filter((_, n) => !known.has(n)), waiting };
}

/** @param hashes at least one @returns the places of those that are known */
export function knownAt(sql: SqlStorage, hashes: readonly Uint8Array[]): Set<number> {
  const asked = concatBytes(...hashes);
  return new Set(
    sql
      .exec<{ at: number }>(KNOWN_AT(hashes.length), asked)
      .toArray()
      .map(({ at }) => at),
  );
}

/** @returns the keys, of those with the same key data the first */
function each(keys: readonly AcceptedKey[]): readonly AcceptedKey[] {
  if (!isAnyTwice(keys.map(({ keyData }) => keyData))) return keys;
  return [...new Map(keys.toReversed().map((key) => [toHex(key.keyData), key])).values()].toReversed();
}

function freshKey(config: BufferConfig, uploaded: AcceptedKey): FreshKey {
  const { keyData, transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms, withdrawalHash = null } = uploaded;
  const key = { keyData, transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms, ...publishedDay(uploaded) };
  return { hash: lastingHash(config, keyData), key, release: releaseHour(uploaded), withdrawalHash };
}

/**
 * @param key as it was uploaded
 * @returns false for a key that can't be published before its retention ends: it is as good as forgotten already
 */
export function canBePublished(config: BufferConfig, now: number, key: TemporaryExposureKey): boolean {
  const published = hourEnd(Math.max(releaseHour(key), hourOf(now)));
  return retentionEnd(publishedDay(key), config.policy.retentionDays) > published;
}

/** @returns what a key is known by when its row is gone: 128 bits of a keyed hash, enough to tell TEKs apart */
export function lastingHash(config: BufferConfig, keyData: Uint8Array): Uint8Array {
  return hashBy(config.knownKeyHashKeys.current, keyData);
}

/** @returns all that a key may be known by: {@link lastingHash}, then by the other keys of the ring, since a hash is never made anew */
export function lastingHashes(config: BufferConfig, keyData: Uint8Array): readonly Uint8Array[] {
  return config.knownKeyHashKeys.all.map((key) => hashBy(key, keyData));
}

const hashBy = (key: KeyRing['current'], keyData: Uint8Array): Uint8Array =>
  hmacSha256(key, keyData).subarray(0, HASH_BYTES);

/** @returns what became of an upload id, null when it never came */
export function uploadState(sql: SqlStorage, uploadId: string): 'stored' | 'tombstone' | null {
  const rows = sql
    .exec<{ state: 'stored' | 'tombstone' }>('SELECT state FROM upload WHERE upload_id = ?', uploadId)
    .toArray();
  return rows[0]?.state ?? null;
}

/** Says what became of an upload id, which must be new; runs inside a transaction. */
export function storeUpload(sql: SqlStorage, now: number, uploadId: string, state: 'stored' | 'tombstone'): void {
  sql.exec('INSERT INTO upload VALUES (?, ?, ?)', uploadId, state, hourOf(now) + 1 + UPLOAD_ID_LIFETIME_HOURS);
}
