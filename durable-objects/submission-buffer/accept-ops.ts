/**
 * @module How an upload enters the buffer (docs/architecture.md §4.4, §4.5): idempotent by upload id, each TEK once in its life,
 * all rows in one transaction.
 *
 * Durable order: everything of one upload is in one SQLite transaction, which it may share with others
 * (group-commit.ts), and the platform's output gate holds the reply until it is on disk. A crash before that leaves
 * nothing and no reply; after it, the same upload id is answered as stored. So there is no state in between to repair.
 */
import { hourEnd, hourOf } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../protocol/primitives/hash.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { publishedForm, releaseHour, retentionEnd } from '../../domain/embargo.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { insertRows, places, type InsertTarget } from '../insert-rows.ts';
import type { BufferConfig } from './config.ts';
import type { Acceptance, Resolution } from './contract.ts';
import { countReceived } from './received-ops.ts';

/** 128 bits of the keyed hash are enough to tell TEKs apart, and no more is kept. */
const KNOWN_HASH_BYTES = 16;

const DIAGNOSIS_KEY: InsertTarget = { table: 'diagnosis_key', columns: 9 };
const KNOWN_KEY: InsertTarget = { table: 'known_key', columns: 2 };
const RELEASE_COUNTER: InsertTarget = {
  table: 'release_counter',
  columns: 7,
  onConflict: `ON CONFLICT (release_hour, region) DO UPDATE SET
    keys = keys + excluded.keys, first_uploads = first_uploads + excluded.first_uploads,
    any_uploads = any_uploads + excluded.any_uploads, synthetic_keys = synthetic_keys + excluded.synthetic_keys,
    synthetic_first_uploads = synthetic_first_uploads + excluded.synthetic_first_uploads`,
};

/**
 * Runs inside a transaction.
 *
 * @param sql storage of the object
 * @param config of the deployment
 * @param random for the counts of what was received (received-ops.ts)
 * @param now Unix seconds
 * @param uploadId derived by `upload`; it is never stored beside a key
 * @param upload 1..15 valid keys with regions, consent, origin, code batch
 * @returns stored, known or tombstone (domain/rpc.ts); after known the id is dead
 */
export function acceptUpload(
  sql: SqlStorage,
  config: BufferConfig,
  random: RandomBytes,
  now: number,
  uploadId: string,
  upload: AcceptedUpload,
): Acceptance {
  const state = uploadState(sql, uploadId);
  if (state !== null) return { kind: state };
  sql.exec(`INSERT OR IGNORE INTO meta VALUES ('first_hour', ?)`, hourOf(now));
  const fresh = newKeys(sql, config, now, upload.keys);
  if (fresh.length === 0) {
    // The TAN is given back, so this id must never store anything (domain/intake-permit.ts).
    storeUpload(sql, config, now, uploadId, 'tombstone');
    return { kind: 'known' };
  }
  const provenance = provenanceId(sql, {
    regions: upload.regions,
    consentToFederation: upload.consentToFederation,
    origin: upload.origin,
    synthetic: false,
  });
  storeKeys(sql, config, fresh, { earliest: earliestHour(sql, now), provenance, upload });
  const published = fresh.map(({ key }) => key);
  rememberKeys(sql, config, published);
  // Peers' keys come in batches, which are nobody's upload.
  if (upload.origin === config.homeCountry) countReceived(sql, random, now, published);
  storeUpload(sql, config, now, uploadId, 'stored');
  return { kind: 'stored' };
}

/**
 * Declares an upload id dead unless it was stored: after this, `acceptUpload` never stores it. Runs inside a transaction.
 *
 * @param now Unix seconds
 */
export function resolveUpload(sql: SqlStorage, config: BufferConfig, now: number, uploadId: string): Resolution {
  const state = uploadState(sql, uploadId);
  if (state !== null) return { kind: state };
  storeUpload(sql, config, now, uploadId, 'tombstone');
  return { kind: 'tombstone' };
}

/** A key of one upload. */
export interface FreshKey {
  /** In published form. */
  readonly key: TemporaryExposureKey;
  /** First hour it may be published in: after the end of what was uploaded, which may be later than the published day's. */
  readonly release: number;
}

/**
 * Enters keys into what is known, real ones and decoys alike: each is accepted once in its life.
 *
 * @param keys in published form, none known yet
 */
export function rememberKeys(sql: SqlStorage, config: BufferConfig, keys: readonly TemporaryExposureKey[]): void {
  const known = keys.flatMap((key) => [
    keyHash(config, key),
    hourOf(retentionEnd(key, config.policy.retentionDays) - 1) + 1,
  ]);
  insertRows(sql, KNOWN_KEY, known);
}

/**
 * Inserts rows and counts them, for a real upload or a decoy.
 *
 * @param keys at least one, all new
 * @param at `earliest`: the first hour that isn't frozen; a key goes there if its own release hour is earlier
 */
export function storeKeys(
  sql: SqlStorage,
  config: BufferConfig,
  keys: readonly FreshKey[],
  at: {
    readonly earliest: number;
    readonly provenance: number;
    readonly upload: Pick<AcceptedUpload, 'regions' | 'codeBatchId'>;
    readonly synthetic?: boolean;
  },
): void {
  const perHour = new Map<number, number>();
  const rows = keys.flatMap(({ key, release }) => {
    const hour = Math.max(release, at.earliest);
    perHour.set(hour, (perHour.get(hour) ?? 0) + 1);
    return [
      hour,
      key.rollingStartIntervalNumber,
      key.rollingPeriod,
      key.transmissionRiskLevel,
      key.reportType,
      key.daysSinceOnsetOfSymptoms,
      key.keyData,
      at.provenance,
      at.upload.codeBatchId,
    ];
  });
  insertRows(sql, DIAGNOSIS_KEY, rows);
  const first = Math.min(...perHour.keys());
  const synthetic = at.synthetic === true ? 1 : 0;
  const counts = [...new Set([...at.upload.regions, config.unionRegion])].flatMap((region) =>
    [...perHour].flatMap(([hour, count]) => {
      const isFirst = hour === first ? 1 : 0;
      return [hour, region, count, isFirst, 1, synthetic * count, synthetic * isFirst];
    }),
  );
  insertRows(sql, RELEASE_COUNTER, counts);
}

/** @returns the row id for this combination; there are few of them. */
export function provenanceId(
  sql: SqlStorage,
  p: { regions: readonly string[]; consentToFederation: boolean; origin: string; synthetic: boolean },
): number {
  const values = [p.regions.join(','), p.consentToFederation ? 1 : 0, p.origin, p.synthetic ? 1 : 0] as const;
  const find = () =>
    sql
      .exec<{ id: number }>(
        'SELECT id FROM provenance WHERE regions = ? AND consent = ? AND origin = ? AND synthetic = ?',
        ...values,
      )
      .toArray()[0]?.id;
  const present = find();
  if (present !== undefined) return present;
  sql.exec('INSERT INTO provenance (regions, consent, origin, synthetic) VALUES (?, ?, ?, ?)', ...values);
  return find()!;
}

/** @returns the first hour that keys can still enter: the running one, or the one after the last frozen. */
function earliestHour(sql: SqlStorage, now: number): number {
  const frozen = sql.exec<{ hour: number | null }>('SELECT max(hour) AS hour FROM release_set').one().hour;
  return Math.max(hourOf(now), frozen === null ? 0 : frozen + 1);
}

const keyHash = (config: BufferConfig, { keyData }: TemporaryExposureKey): Uint8Array =>
  hmacSha256(config.knownKeyHashKey, keyData).slice(0, KNOWN_HASH_BYTES);

/**
 * Reads alone.
 *
 * @param keys as they were uploaded
 * @returns those that can still be published and are not known, each once, in published form
 */
export function newKeys(
  sql: SqlStorage,
  config: BufferConfig,
  now: number,
  keys: readonly TemporaryExposureKey[],
): FreshKey[] {
  const fresh = new Map<string, FreshKey>();
  const hashes: Uint8Array[] = [];
  for (const uploaded of keys) {
    const key = publishedForm(uploaded);
    const release = releaseHour(uploaded);
    if (!canBePublished(config, now, uploaded)) continue;
    const hash = keyHash(config, key);
    const name = toHex(hash);
    if (fresh.has(name)) continue;
    fresh.set(name, { key, release });
    hashes.push(hash);
  }
  const known = sql.exec<{ hash: ArrayBuffer }>(
    `SELECT hash FROM known_key WHERE hash IN (${places(hashes.length)})`,
    ...hashes,
  );
  for (const { hash } of known) fresh.delete(toHex(new Uint8Array(hash)));
  return [...fresh.values()];
}

/**
 * @param key as it was uploaded
 * @returns false for a key that can't be published before its retention ends: it is as good as forgotten already
 */
export function canBePublished(config: BufferConfig, now: number, key: TemporaryExposureKey): boolean {
  const published = hourEnd(Math.max(releaseHour(key), hourOf(now)));
  return retentionEnd(publishedForm(key), config.policy.retentionDays) > published;
}

function uploadState(sql: SqlStorage, uploadId: string): 'stored' | 'tombstone' | null {
  const rows = sql
    .exec<{ state: 'stored' | 'tombstone' }>('SELECT state FROM upload WHERE upload_id = ?', uploadId)
    .toArray();
  return rows[0]?.state ?? null;
}

function storeUpload(
  sql: SqlStorage,
  config: BufferConfig,
  now: number,
  uploadId: string,
  state: 'stored' | 'tombstone',
): void {
  sql.exec('INSERT INTO upload VALUES (?, ?, ?)', uploadId, state, hourOf(now) + 1 + config.uploadIdLifetimeHours);
}
