/**
 * @module What has had its time goes: lasting hashes once a day, at the midnight at which they expire; upload ids and answers once an hour.
 * Both tables are walked in slices of a few milliseconds, in the order of their primary key, and what has expired on the way is
 * deleted: in one piece it took 8.7 s at 28 million hashes, and every upload waited (benchmarks/results/known-keys.md).
 *
 * Durable order: each slice and the place it has come to are one transaction. A crash goes on from there.
 */
import { SECONDS_PER_DAY, hourOf } from '../../protocol/gaen/intervals.ts';
import { inSlices } from '../pace.ts';

/** Rows walked in a slice: some 2 ms when a fourteenth of them goes, some 10 when all do. */
const SLICE_ROWS = 5_000;

interface Sweep {
  readonly table: 'known_key' | 'ended_key' | 'upload' | 'publish_answer';
  readonly key: 'hash' | 'upload_id';
  /** Before the first key. */
  readonly start: Uint8Array | string;
  /** @returns number of the walk that is due at `now`: a day, or an hour */
  readonly round: (now: number) => number;
  /** @returns rows that end by this hour are over */
  readonly overBy: (now: number) => number;
}

const today = (now: number): number => Math.floor(now / SECONDS_PER_DAY);

const SWEEPS: readonly Sweep[] = [
  { table: 'known_key', key: 'hash', start: new Uint8Array(0), round: today, overBy: (now) => today(now) * 24 },
  { table: 'ended_key', key: 'hash', start: new Uint8Array(0), round: today, overBy: (now) => today(now) * 24 },
  { table: 'upload', key: 'upload_id', start: '', round: hourOf, overBy: hourOf },
  { table: 'publish_answer', key: 'upload_id', start: '', round: hourOf, overBy: hourOf },
];

/** @returns whether a walk is due or unfinished. @param now Unix seconds */
export function sweepDue(sql: SqlStorage, now: number): boolean {
  return SWEEPS.some((sweep) => dueRound(sql, sweep, now) !== null);
}

/**
 * Walks slices, others between them, until nothing is left or the time is over.
 *
 * @param now Unix seconds
 * @param mostMs milliseconds of real time
 * @returns whether something is left
 */
export function sweepFor(storage: DurableObjectStorage, now: number, mostMs: number): Promise<boolean> {
  const begun = Date.now();
  return inSlices(
    () => sweepSlice(storage, now),
    (left) => left && Date.now() - begun <= mostMs,
  );
}

/** Walks one slice. @param now Unix seconds @returns false when nothing is left to do */
function sweepSlice(storage: DurableObjectStorage, now: number): boolean {
  return storage.transactionSync(() => {
    const sql = storage.sql;
    const sweep = SWEEPS.find((candidate) => dueRound(sql, candidate, now) !== null);
    if (sweep === undefined) return false;
    const { table, key } = sweep;
    const after = dueRound(sql, sweep, now)?.after ?? sweep.start;
    const end = sql
      .exec<{ key: ArrayBuffer | string }>(
        `SELECT ${key} AS key FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT 1 OFFSET ${SLICE_ROWS - 1}`,
        after,
      )
      .toArray()[0]?.key;
    const over = sweep.overBy(now);
    if (end === undefined) {
      sql.exec(`DELETE FROM ${table} WHERE ${key} > ? AND expires_hour <= ?`, after, over);
      sql.exec('INSERT OR REPLACE INTO sweep VALUES (?, ?, NULL)', table, sweep.round(now));
    } else {
      sql.exec(`DELETE FROM ${table} WHERE ${key} > ? AND ${key} <= ? AND expires_hour <= ?`, after, end, over);
      // The round stays the last one that was finished, until the walk has come to its end.
      sql.exec(
        `INSERT INTO sweep VALUES (?, -1, ?) ON CONFLICT (name) DO UPDATE SET after = excluded.after`,
        table,
        end,
      );
    }
    return true;
  });
}

/** @returns where the walk that is due has come to, null when none is due */
function dueRound(sql: SqlStorage, sweep: Sweep, now: number): { readonly after: ArrayBuffer | string | null } | null {
  const row = sql
    .exec<{ round: number; after: ArrayBuffer | string | null }>(
      'SELECT round, after FROM sweep WHERE name = ?',
      sweep.table,
    )
    .toArray()[0];
  if (row === undefined) return { after: null };
  return row.round === sweep.round(now) && row.after === null ? null : { after: row.after };
}
