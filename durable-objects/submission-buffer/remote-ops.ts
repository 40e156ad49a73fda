/**
 * @module How a peer's batch enters the buffer (docs/architecture.md §9): once, by its peer and name, whatever crashes. Its keys get a release hour as ours do, and wait with them.
 *
 * Durable order: each slice of keys and how far the batch has come are one transaction; with the last slice go the revocations, those that are remembered for keys to come, and the mark *imported*. A crash between two slices leaves the batch *importing*: the caller
 * asks again, and it begins anew, and finds what is there. A crash before the caller has written its cursor is the same question again: *known*. A batch that nobody asks for again stays as far as it came, and its row goes with
 * the keys.
 */
import type { ImportCounts, ImportReply, PeerBatch } from '../../domain/rpc-federation.ts';
import { SORT_BYTES, unpackKey } from '../../domain/publication/packed-keys.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { compareBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { inSlices } from '../pace.ts';
import { earliestHour, knownAt, siftKeys, storeKeys } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import { putEnded } from './ended-keys.ts';
import type { Ciphers } from './hour-keys.ts';
import { remoteMark, revokedMark } from './remote-rows.ts';
import { UploadTally } from './upload-tally.ts';
import { endOffered } from './withdraw-ops.ts';

/** Looked up, sealed and inserted in 28 ms (20,000 keys in 1.4 s, median of four; two cores with a load of 15, 2026-11-26); of 20 uploads, at 25 ms, meanwhile the slowest took 31 ms. */
const KEYS_A_SLICE = 400;
/** Looked up in one statement. */
const KEYS_AT_ONCE = 80;
const TEK_BYTES = 16;
/** As long as any key of it lives here; after that all of them are too old. */
const KEPT_HOURS = 24 * 16;

/**
 * Keys and revocations that a peer may bring in an hour, whatever `federation` lets through: twice what its own breaker allows a batch (domain/federation/breaker.ts), so that one beyond that, which two persons have let in, comes in. Counted by rows of batches, which say when each
 * began: no state but theirs.
 */
const MOST_AN_HOUR = 400_000;
/** A batch costs a row for sixteen days, whatever is in it: as many count as keys, so that 2,000 an hour come of a feed of empty ones. One that is read from its beginning has some 700. */
const LEAST_COUNTED = 200;

/**
 * Revocations of what isn't here that are remembered of a peer, some 40 bytes each here and 20 in the journal: a gateway that is taken over may withhold a key until its country has taken it back. People who take keys back are few; whoever sends more has its
 * further ones forgotten, and may bring those keys. Counted by rows of batches, which live as long as what is remembered.
 */
const MOST_REMEMBERED = 100_000;

interface BatchRow extends Record<string, SqlStorageValue> {
  sha256: string;
  state: 'importing' | 'imported' | 'ended';
  imported: number;
  left_out: number;
  revoked: number;
  strange: number;
}

/**
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @returns when all of it is durable
 */
export async function importPeerBatch(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  batch: PeerBatch,
): Promise<ImportReply> {
  const { sql } = storage;
  const first = storage.transactionSync(() => begin(sql, now, batch));
  if (typeof first === 'string') return { kind: first };
  if (first.state === 'ended') return { kind: 'ended' };
  if (first.sha256 !== batch.sha256) return { kind: 'conflict' };
  if (first.state === 'imported') return { kind: 'known', counts: countsOf(first) };
  let from = 0;
  const last = await inSlices(
    () => {
      const row = storage.transactionSync(() => takeSlice(sql, config, ciphers, now, batch, from));
      from += KEYS_A_SLICE;
      return row;
    },
    ({ state }) => state === 'importing',
  );
  return last.state === 'ended' ? { kind: 'ended' } : { kind: 'imported', counts: countsOf(last) };
}

/** In the place of a region: every one. */
const EVERY_PEER = '*';

/**
 * Nothing more of a batch is stored, whether or not it came. Runs inside a transaction.
 *
 * @param now Unix seconds
 * @param ended of no peer: a gateway's, of whichever country, those too that bring keys later
 */
export function endPeerBatch(
  sql: SqlStorage,
  now: number,
  { peer, batch }: { readonly peer: string | null; readonly batch: string },
): void {
  if (peer === null) sql.exec(`UPDATE peer_batch SET state = 'ended' WHERE batch = ?`, batch);
  const text = `INSERT INTO peer_batch VALUES (?, ?, '', 'ended', 0, 0, 0, 0, ?) ON CONFLICT DO UPDATE SET state = 'ended'`;
  sql.exec(text, peer ?? EVERY_PEER, batch, hourOf(now) + KEPT_HOURS);
}

/** Forgets batches whose keys are gone. @param now Unix seconds */
export function expirePeerBatches(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM peer_batch WHERE expires_hour <= ?', hourOf(now));
}

/** Part of a transaction. A batch that began before isn't counted again. */
function begin(sql: SqlStorage, now: number, batch: PeerBatch): BatchRow | 'ended' | 'refused' | 'full' {
  const known = 'SELECT 1 FROM peer_batch WHERE peer = ? AND batch = ?';
  if (sql.exec(known, EVERY_PEER, batch.batch).toArray().length > 0) return 'ended';
  if (sql.exec(known, batch.peer, batch.batch).toArray().length === 0) {
    const size = batch.keys.length / SORT_BYTES + batch.revoked.length / TEK_BYTES;
    if (size > MOST_AN_HOUR) return 'refused';
    if (size + broughtIn(sql, batch.peer, hourOf(now)) > MOST_AN_HOUR) return 'full';
  }
  const text = `INSERT INTO peer_batch VALUES (?, ?, ?, 'importing', 0, 0, 0, 0, ?) ON CONFLICT DO NOTHING`;
  sql.exec(text, batch.peer, batch.batch, batch.sha256, hourOf(now) + KEPT_HOURS);
  return rowOf(sql, batch);
}

/** @returns keys and revocations of the peer's batches that began in the hour, {@link LEAST_COUNTED} of each at least */
function broughtIn(sql: SqlStorage, peer: string, hour: number): number {
  const each = `max(imported + left_out + revoked + strange, ${LEAST_COUNTED})`;
  const text = `SELECT coalesce(sum(${each}), 0) AS n FROM peer_batch WHERE peer = ? AND expires_hour = ?`;
  return sql.exec<{ n: number }>(text, peer, hour + KEPT_HOURS).one().n;
}

function rowOf(sql: SqlStorage, { peer, batch }: PeerBatch): BatchRow {
  return sql.exec<BatchRow>('SELECT * FROM peer_batch WHERE peer = ? AND batch = ?', peer, batch).one();
}

const countsOf = ({ imported, left_out: left, revoked, strange }: BatchRow): ImportCounts => ({
  imported,
  left,
  revoked,
  strange,
});

/** Part of a transaction: reads where the batch is now, since it may have been ended between two slices. */
function takeSlice(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  batch: PeerBatch,
  from: number,
): BatchRow {
  const row = rowOf(sql, batch);
  if (row.state !== 'importing') return row;
  sql.exec(`INSERT OR IGNORE INTO meta VALUES ('first_hour', ?)`, hourOf(now));
  const count = batch.keys.length / SORT_BYTES;
  const end = Math.min(count, from + KEYS_A_SLICE);
  let { imported } = row;
  for (let at = from; at < end; at += KEYS_AT_ONCE) {
    imported += storeSome(sql, config, ciphers, now, batch, at, Math.min(end, at + KEYS_AT_ONCE));
  }
  const isLast = end === count;
  const revoked = isLast ? revoke(sql, config, ciphers, now, batch) : 0;
  const strange = isLast ? batch.revoked.length / TEK_BYTES - revoked : 0;
  sql.exec(
    'UPDATE peer_batch SET state = ?, imported = ?, left_out = ?, revoked = ?, strange = ? WHERE peer = ? AND batch = ?',
    isLast ? 'imported' : 'importing',
    imported,
    Math.max(0, count - imported),
    revoked,
    strange,
    batch.peer,
    batch.batch,
  );
  return rowOf(sql, batch);
}

/** @returns how many keys of the range were new */
function storeSome(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  { peer, batch, keys }: PeerBatch,
  from: number,
  to: number,
): number {
  const some = Array.from({ length: to - from }, (_, n) => {
    const key = unpackKey(keys, (from + n) * SORT_BYTES);
    return { ...key, withdrawalHash: remoteMark(config.knownKeyHashKeys.current, peer, key.keyData) };
  });
  const revoked = new Set(
    config.knownKeyHashKeys.all.flatMap((hashKey) => [
      ...knownAt(
        sql,
        some.map(({ keyData }) => revokedMark(hashKey, peer, keyData)),
      ),
    ]),
  );
  const { fresh } = siftKeys(
    sql,
    config,
    ciphers,
    now,
    some.filter((_, n) => !revoked.has(n)),
  );
  if (fresh.length === 0) return 0;
  // In every region that we publish, and by nothing told from ours there. Whether its person consented to more isn't known, so it goes no further.
  const upload = { regions: [config.homeCountry], consentToFederation: false, origin: peer, issueId: null };
  const tally = new UploadTally(sql);
  const at = { earliest: earliestHour(sql, now), upload, synthetic: false, batch };
  storeKeys(sql, config, ciphers, tally, fresh, at);
  tally.end();
  return fresh.length;
}

/** Ends what waits and hands on what is published, if it is the peer's; the rest must not come in its name afterwards. @returns how many keys that were */
function revoke(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  { peer, revoked }: PeerBatch,
): number {
  let found = 0;
  let left = Math.max(0, MOST_REMEMBERED - strangeOf(sql, peer));
  for (let at = 0; at < revoked.length; at += KEYS_AT_ONCE * TEK_BYTES) {
    const teks = revoked.subarray(at, at + KEYS_AT_ONCE * TEK_BYTES);
    let unknown = Array.from({ length: teks.length / TEK_BYTES }, (_, n) =>
      teks.slice(n * TEK_BYTES, (n + 1) * TEK_BYTES),
    );
    // By the mark of each key of the ring (docs/rotation.md): which of them made it isn't written down.
    for (const hashKey of config.knownKeyHashKeys.all) {
      const offers = unknown.map((keyData) => ({ keyData, hash: remoteMark(hashKey, peer, keyData) }));
      const ended = new Set(endOffered(sql, config, ciphers, now, offers).map(toHex));
      found += ended.size;
      unknown = unknown.filter((keyData) => !ended.has(toHex(keyData)));
    }
    const strange = unknown.slice(0, left);
    left -= strange.length;
    const { current } = config.knownKeyHashKeys;
    putEnded(
      sql,
      strange
        .map((keyData) => ({ hash: revokedMark(current, peer, keyData), expiresHour: hourOf(now) + KEPT_HOURS }))
        .toSorted((a, b) => compareBytes(a.hash, b.hash)),
    );
  }
  return found;
}

/** @returns revocations of batches that still are remembered, of what wasn't here */
function strangeOf(sql: SqlStorage, peer: string): number {
  const text = 'SELECT coalesce(sum(strange), 0) AS n FROM peer_batch WHERE peer = ?';
  return sql.exec<{ n: number }>(text, peer).one().n;
}
