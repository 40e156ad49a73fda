/**
 * @module How a buffer whose storage was lost is filled again (docs/restore.md, decision 039): lasting hashes of every key that a record holds, then
 * the rows of the journal that no record holds, under new row keys and in their release hours, then those of a set that was
 * being recorded. Nothing is accepted and no journal is written before {@link beginAgain}.
 *
 * Durable order: hashes, those of the journal too, in slices; rows, in slices; then counters, sets and the mark `restored_waiting` in one transaction; rows of
 * an unfinished record, a page a transaction; last the mark `begun`. A crash among the hashes leaves some, which stay; one among
 * the rows leaves some without the mark: all of them are thrown away with their keys, and made again from the same journal;
 * after the mark nothing is read again. No copy of a key is left behind but what the rows are.
 */
import {
  JOURNAL_HOUR_OFFSET,
  JOURNAL_LABEL_OFFSET,
  JOURNAL_ROW_BYTES,
  JOURNAL_WITHDRAWAL_OFFSET,
} from '../../domain/journal.ts';
import type { JournalLabel, JournalState, ReadJournal } from '../../domain/journal.ts';
import { randomBytes } from 'node:crypto';
import { ROW_BYTES, rowProvenance, uint32, unpackKey } from '../../domain/publication/packed-keys.ts';
import { unpackKeyRevisions } from '../../domain/publication/revision.ts';
import { concatBytes, fromHex } from '../../protocol/primitives/bytes.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { insertRows } from '../insert-rows.ts';
import { meta } from '../meta.ts';
import { inSlices } from '../pace.ts';
import { lastingHash, lastingHashes } from './accept-ops.ts';
import { countedUnder, type BufferConfig } from './config.ts';
import type { RestorePoint, UnloggedRows } from './contract.ts';
import { restoreDropped } from './drop-log.ts';
import { restoreEnded } from './ended-keys.ts';
import type { HourKeys } from './hour-keys.ts';
import { KNOWN_SHAPE, storeKnown, writeKnown } from './known-hashes.ts';
import { HASH_BYTES, TAG_BYTES } from './row-cipher.ts';
import { putLabel } from './row-labels.ts';
import { MergedRuns, sortRecords } from './sorted-runs.ts';
import { RELEASE_COUNTER } from './upload-tally.ts';
import { insertWaiting, presentTags, waitingHours } from './waiting-rows.ts';
import { queueRevisions } from './revision-queue.ts';
import { queueKeys } from './withdrawal-queue.ts';

/** Rows that are hashed, looked up and sealed in some 10 ms. */
const ROWS_A_SLICE = 1_000;
const KNOWN_OF = `WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n + 1 < ?2)
  SELECT n FROM place WHERE EXISTS (SELECT 1 FROM known_key WHERE hash = substr(?1, n * ${HASH_BYTES} + 1, ${HASH_BYTES}))`;

/** What a row of the journal, or of a record that isn't logged, says. */
interface FoundRow {
  readonly key: TemporaryExposureKey;
  readonly hash: Uint8Array;
  readonly hour: number;
  readonly label: JournalLabel;
  /** null: the row carries a random one. */
  readonly withdrawalHash: Uint8Array | null;
}

/**
 * @param rows of a record (domain/publication/packed-keys.ts): no upload of their keys is accepted any more
 * @param openings their withdrawal hashes, in their order; null: none of them can be taken back any more
 */
export async function restoreKnown(
  storage: DurableObjectStorage,
  config: BufferConfig,
  rows: Uint8Array,
  openings: Uint8Array | null,
): Promise<void> {
  const records = new Uint8Array((rows.length / ROW_BYTES) * KNOWN_SHAPE.bytes);
  for (let row = 0, at = 0; row < rows.length; row += ROW_BYTES, at += KNOWN_SHAPE.bytes) {
    const key = unpackKey(rows, row);
    const hash = lastingHash(config, key.keyData);
    const openedBy = hashOf(openings, row / ROW_BYTES) ?? randomBytes(WITHDRAWAL_HASH_BYTES);
    // Whether it was revised isn't kept beside the record.
    writeKnown(records, at, { hash, openedBy, key, isRevised: false }, config.policy.retentionDays);
  }
  const runs = new MergedRuns(KNOWN_SHAPE);
  runs.add(sortRecords(KNOWN_SHAPE, records));
  await storeKnown(storage, runs);
}

/**
 * @param keys of rows; all that R2 has are replaced
 * @param now Unix seconds
 * @param journal opened; null when it is lost, too
 * @param point up to where the log goes
 */
export async function restoreWaiting(
  storage: DurableObjectStorage,
  config: BufferConfig,
  keys: HourKeys,
  now: number,
  journal: ReadJournal | null,
  point: RestorePoint,
): Promise<void> {
  const { sql } = storage;
  if (meta(sql, 'restored_waiting') !== null) return;
  // Of an attempt that was cut off; and what it or the lost object had written under the former keys is unreadable from here on.
  storage.transactionSync(() =>
    sql.exec('DELETE FROM waiting_row; DELETE FROM row_label; DELETE FROM release_counter; DELETE FROM withdrawn_key'),
  );
  await restoreEnded(storage, journal?.endedKeys ?? new Uint8Array(0));
  await keys.renew();
  const open = (point.covered ?? -1) + 1;
  await keys.ready(now, journal === null ? [] : hoursOf(journal.rows, open));
  const found = journal === null ? [].values() : rowsOf(config, journal, open);
  const counts = new Counts(config);
  await inSlices(
    () =>
      storage.transactionSync(() => {
        const slice = next(found, ROWS_A_SLICE);
        counts.add(insert(sql, keys, unknownOf(sql, config, slice)));
        return slice.length;
      }),
    (had) => had === ROWS_A_SLICE,
  );
  storage.transactionSync(() => {
    insertRows(sql, RELEASE_COUNTER, counts.values(journal?.state.counters ?? []));
    restoreDropped(sql, journal?.state.dropped ?? []);
    restoreSets(sql, point);
    for (const { name, expiresHour } of journal?.state.ended ?? []) {
      sql.exec('INSERT OR REPLACE INTO ended_issue VALUES (?, ?)', fromHex(name), expiresHour);
    }
    // Behind the sets: the hour that they go to is open. What the publisher had of them before, it takes back once.
    queueKeys(sql, keys, now, (journal?.state.takenBack ?? []).map(fromHex));
    queueRevisions(
      sql,
      keys,
      now,
      (journal?.state.revised ?? []).flatMap((text) => unpackKeyRevisions(fromHex(text))),
    );
    sql.exec(`INSERT OR REPLACE INTO meta VALUES ('first_hour', ?)`, journal?.state.firstHour ?? point.firstHour);
    sql.exec(`INSERT INTO meta VALUES ('restored_waiting', 1)`);
  });
}

/**
 * Rows of a set that was recorded, and not logged, so that nothing was published of it: those that came after the journal wait again.
 * How many uploads they were is not known: none is counted, and the hour waits for others or is filled. Idempotent.
 */
export async function restoreRows(
  storage: DurableObjectStorage,
  config: BufferConfig,
  keys: HourKeys,
  now: number,
  { hour, rows, openings, labels }: UnloggedRows,
): Promise<void> {
  const { sql } = storage;
  await keys.ready(now, [hour, ...waitingHours(sql)]);
  let at = 0;
  await inSlices(
    () =>
      storage.transactionSync(() => {
        const slice: FoundRow[] = [];
        for (let n = 0; n < ROWS_A_SLICE && at < rows.length; n++, at += ROW_BYTES) {
          const key = unpackKey(rows, at);
          const label = labels[rowProvenance(rows, at)];
          const withdrawalHash = hashOf(openings, at / ROW_BYTES);
          const hash = lastingHash(config, key.keyData);
          if (label !== undefined) slice.push({ key, hash, hour, label, withdrawalHash });
        }
        const counts = new Counts(config);
        counts.add(insert(sql, keys, notWaiting(sql, keys, unknownOf(sql, config, slice))));
        insertRows(sql, RELEASE_COUNTER, counts.values([]));
        return at < rows.length;
      }),
    (more) => more,
  );
}

/** Uploads are taken again. @param log sequence of the log's last entry: by it a restore that was cut off later knows its own work */
export function beginAgain(sql: SqlStorage, log: number): void {
  sql.exec(`INSERT OR REPLACE INTO meta VALUES ('restored_log', ?), ('begun', 1)`, log);
}

/** @returns the withdrawal hash of a row, null where there is none */
function hashOf(openings: Uint8Array | null, row: number): Uint8Array | null {
  return openings?.subarray(row * WITHDRAWAL_HASH_BYTES, (row + 1) * WITHDRAWAL_HASH_BYTES) ?? null;
}

/** @returns so many rows, fewer at the end: a million at once would not fit into memory */
function next(found: Iterator<FoundRow>, limit: number): FoundRow[] {
  const slice: FoundRow[] = [];
  while (slice.length < limit) {
    const { value, done } = found.next();
    if (done === true) break;
    slice.push(value);
  }
  return slice;
}

/** @returns the hours that rows of a journal are put into */
function hoursOf(rows: Uint8Array, open: number): number[] {
  const hours = new Set<number>();
  for (let at = 0; at < rows.length; at += JOURNAL_ROW_BYTES) {
    hours.add(Math.max(uint32(rows, at + JOURNAL_HOUR_OFFSET), open));
  }
  return [...hours];
}

function* rowsOf(config: BufferConfig, { state, rows }: ReadJournal, open: number): Generator<FoundRow> {
  for (let at = 0; at < rows.length; at += JOURNAL_ROW_BYTES) {
    const key = unpackKey(rows, at);
    const label = state.labels[uint32(rows, at + JOURNAL_LABEL_OFFSET)];
    if (label === undefined) continue;
    // What waited in an hour that was published since, and isn't in its record, was put aside: it is judged once more.
    const hour = Math.max(uint32(rows, at + JOURNAL_HOUR_OFFSET), open);
    const withdrawalHash = rows.subarray(at + JOURNAL_WITHDRAWAL_OFFSET, at + JOURNAL_ROW_BYTES);
    yield { key, hash: lastingHash(config, key.keyData), hour, label, withdrawalHash };
  }
}

/** @returns rows whose key no record holds, and that didn't end under the name of any key of the ring: the journal's hashes aren't made anew */
function unknownOf(sql: SqlStorage, config: BufferConfig, slice: readonly FoundRow[]): FoundRow[] {
  if (slice.length === 0) return [];
  const hashesOf = slice.map(({ key }) => lastingHashes(config, key.keyData));
  const known = new Set<number>();
  for (const k of config.knownKeyHashKeys.all.keys()) {
    const hashes = concatBytes(...hashesOf.map((all) => all[k]!));
    for (const { n } of sql.exec<{ n: number }>(KNOWN_OF, hashes, slice.length)) known.add(n);
  }
  return slice.filter((_row, n) => !known.has(n));
}

/** @returns rows whose key doesn't wait yet */
function notWaiting(sql: SqlStorage, keys: HourKeys, slice: readonly FoundRow[]): FoundRow[] {
  const waits = new Set<FoundRow>();
  for (const hour of waitingHours(sql)) {
    const cipher = keys.cipher(hour);
    if (cipher === null) continue;
    // The platform binds a hundred parameters a statement.
    for (let at = 0; at < slice.length; at += 50) {
      const part = slice.slice(at, at + 50);
      const teks = new Uint8Array(part.length * TAG_BYTES);
      for (const [n, { key }] of part.entries()) teks.set(key.keyData, n * TAG_BYTES);
      for (const n of presentTags(sql, 'waiting_row', hour, cipher.tags(teks))) waits.add(part[n]!);
    }
  }
  return slice.filter((row) => !waits.has(row));
}

/** Part of the caller's transaction. @returns the same rows */
function insert(sql: SqlStorage, keys: HourKeys, rows: readonly FoundRow[]): readonly FoundRow[] {
  const groups = Map.groupBy(rows, ({ hour, label }) => `${hour} ${JSON.stringify(label)}`);
  for (const group of groups.values()) {
    const { hour, label } = group[0]!;
    const cipher = keys.cipher(hour);
    if (cipher === null) throw new Error(`there is no key for rows of hour ${hour}`);
    insertWaiting(sql, cipher, hour, group, putLabel(sql, cipher, hour, label));
  }
  return rows;
}

/** The newest set, and the last that held keys: a later one begins behind them. */
function restoreSets(sql: SqlStorage, { lastSet, lastHour, covered }: RestorePoint): void {
  sql.exec('DELETE FROM release_set');
  if (lastHour === null) return;
  const facts = JSON.stringify({ keys: 0, regions: [] });
  const put = 'INSERT INTO release_set VALUES (?, ?, ?, ?, ?, ?, 1)';
  if (covered !== null) {
    const setNo = covered === lastHour ? lastSet : lastSet - 1;
    sql.exec(put, setNo, covered, covered, covered, 'publish', facts);
  }
  if (covered !== lastHour) sql.exec(put, lastSet, lastHour, null, null, 'empty', facts);
}

/** Rows counted by hour and region, as `release_counter` has them. */
class Counts {
  readonly #config: BufferConfig;
  readonly #keys = new Map<string, { hour: number; region: string; keys: number; synthetic: number }>();

  constructor(config: BufferConfig) {
    this.#config = config;
  }

  add(rows: readonly FoundRow[]): void {
    for (const { hour, label } of rows) {
      for (const region of countedUnder(this.#config, label)) {
        const name = `${hour} ${region}`;
        const count = this.#keys.get(name) ?? { hour, region, keys: 0, synthetic: 0 };
        count.keys += 1;
        if (label.synthetic) count.synthetic += 1;
        this.#keys.set(name, count);
      }
    }
  }

  /** @param journal counters: how many uploads there were can't be seen from rows */
  values(journal: JournalState['counters']): unknown[] {
    const uploads = new Map(journal.map((counter) => [`${counter.hour} ${counter.region}`, counter]));
    return [...this.#keys].flatMap(([name, { hour, region, keys, synthetic }]) => {
      const { firstUploads = 0, anyUploads = 0, syntheticFirstUploads = 0 } = uploads.get(name) ?? {};
      return [hour, region, keys, firstUploads, anyUploads, synthetic, syntheticFirstUploads];
    });
  }
}
