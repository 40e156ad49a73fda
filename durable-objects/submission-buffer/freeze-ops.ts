/**
 * @module How an hour's set is fixed (docs/architecture.md §5.1, §5.3). No row is rewritten: a set is a range of
 * release hours, and keys that come for a frozen hour go to the next one that isn't, so that sets are disjoint.
 *
 * Durable order: the set, and the decoys drawn for it, are one transaction, on disk before the reply leaves (output
 * gate). A crash before it leaves the hour open; after it, the same request reads the same set. Decoys are therefore
 * drawn once, whoever asks again.
 */
import { decideChunk, uploadsOfSet, type RegionCount } from '../../domain/chunk-policy.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { SECONDS_PER_DAY, SECONDS_PER_INTERVAL, hourEnd } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
import type { FreezeRequest, FrozenSet, RegionFacts } from './contract.ts';
import { addDecoys } from './decoy-ops.ts';

interface SetRow extends Record<string, SqlStorageValue> {
  set_no: number;
  hour: number;
  first_hour: number | null;
  last_hour: number | null;
  decision: string;
  facts: string;
}

/**
 * @param now Unix seconds
 * @param random source of decoys, used only when the maximum hold is over
 * @returns the set for this request, the same each time
 * @throws Error when the hour has not ended or the request contradicts the sets that exist
 */
export function freezeHour(
  storage: DurableObjectStorage,
  config: BufferConfig,
  now: number,
  random: RandomBytes,
  { hour, after }: FreezeRequest,
): FrozenSet {
  if (hourEnd(hour) > now) throw new Error(`hour ${hour} has not ended`);
  return storage.transactionSync(() => {
    const sql = storage.sql;
    const newest = sql.exec<{ n: number | null }>('SELECT max(set_no) AS n FROM release_set').one().n ?? 0;
    if (newest !== after && newest !== after + 1) {
      throw new Error(`the newest set is ${newest}, the publisher has ${after}`);
    }
    const given = newest === after + 1 ? readSet(sql, newest) : null;
    if (given !== null && given.hour === hour) return given;
    if (given !== null && given.hour > hour) throw new Error(`hour ${given.hour} is frozen, ${hour} comes too late`);
    const set = composeSet(sql, config, random, after + 1, hour);
    sql.exec(
      'INSERT OR REPLACE INTO release_set VALUES (?, ?, ?, ?, ?, ?, 0)',
      set.setNo,
      set.hour,
      set.firstHour,
      set.lastHour,
      set.decision,
      JSON.stringify({ keys: set.keys, regions: set.regions }),
    );
    return set;
  });
}

/** @returns the set with this number, or null. */
export function readSet(sql: SqlStorage, setNo: number): FrozenSet | null {
  const row = sql.exec<SetRow>('SELECT * FROM release_set WHERE set_no = ?', setNo).toArray()[0];
  if (row === undefined) return null;
  const facts = JSON.parse(row.facts) as Pick<FrozenSet, 'keys' | 'regions'>;
  return {
    setNo: row.set_no,
    hour: row.hour,
    firstHour: row.first_hour,
    lastHour: row.last_hour,
    decision: row.decision as FrozenSet['decision'],
    keys: facts.keys,
    regions: facts.regions,
  };
}

function composeSet(
  sql: SqlStorage,
  config: BufferConfig,
  random: RandomBytes,
  setNo: number,
  hour: number,
): FrozenSet {
  dropExpired(sql, config, hour);
  const covered =
    sql.exec<{ hour: number | null }>('SELECT max(last_hour) AS hour FROM release_set WHERE set_no < ?', setNo).one()
      .hour ?? -1;
  const oldest = sql
    .exec<{ hour: number | null }>(
      'SELECT min(release_hour) AS hour FROM diagnosis_key WHERE release_hour BETWEEN ? AND ?',
      covered + 1,
      hour,
    )
    .one().hour;
  const counts = () => regionCounts(sql, config, covered + 1, hour);
  let decision = decideChunk(config.policy, hour, oldest, counts());
  if (decision === 'pad') {
    addDecoys(sql, config, random, { first: oldest!, hour }, counts);
    decision = 'publish';
  }
  if (decision !== 'publish') {
    return { setNo, hour, firstHour: null, lastHour: null, decision, keys: 0, regions: [] };
  }
  const regions = regionFacts(sql, config, covered + 1, hour);
  const keys = regions.find(({ region }) => region === config.unionRegion)?.keys ?? 0;
  return { setNo, hour, firstHour: oldest, lastHour: hour, decision, keys, regions };
}

interface CounterRow extends Record<string, SqlStorageValue> {
  region: string;
  keys: number;
  first_uploads: number;
  any_uploads: number;
  synthetic_keys: number;
}

function counters(sql: SqlStorage, first: number, last: number): CounterRow[] {
  return sql
    .exec<CounterRow>('SELECT * FROM release_counter WHERE release_hour BETWEEN ? AND ?', first, last)
    .toArray();
}

function regionCounts(sql: SqlStorage, config: BufferConfig, first: number, last: number): RegionCount[] {
  const rows = counters(sql, first, last);
  return config.regions.map((region) => {
    const own = rows.filter((row) => row.region === region);
    return {
      region,
      keys: own.reduce((sum, row) => sum + row.keys, 0),
      uploads: uploadsOfSet(own.map((row) => ({ first: row.first_uploads, any: row.any_uploads }))),
    };
  });
}

function regionFacts(sql: SqlStorage, config: BufferConfig, first: number, last: number): RegionFacts[] {
  const rows = counters(sql, first, last);
  return config.regions.map((region) => {
    const own = rows.filter((row) => row.region === region);
    return {
      region,
      keys: own.reduce((sum, row) => sum + row.keys, 0),
      syntheticKeys: own.reduce((sum, row) => sum + row.synthetic_keys, 0),
    };
  });
}

/** Takes out keys whose retention ends before the hour is sealed; only a long outage leaves any. */
function dropExpired(sql: SqlStorage, config: BufferConfig, hour: number): void {
  const endBy = (hourEnd(hour) - config.policy.retentionDays * SECONDS_PER_DAY) / SECONDS_PER_INTERVAL;
  const hours = sql
    .exec<{ hour: number }>('SELECT DISTINCT release_hour AS hour FROM release_counter WHERE release_hour <= ?', hour)
    .toArray();
  for (const { hour: releaseHour } of hours) {
    const expired = sql
      .exec<{ regions: string; synthetic: number; keys: number }>(
        `SELECT p.regions AS regions, p.synthetic AS synthetic, count(*) AS keys FROM diagnosis_key k
         JOIN provenance p ON p.id = k.provenance
         WHERE release_hour = ? AND rolling_start < ? AND rolling_start + rolling_period <= ? GROUP BY p.id`,
        releaseHour,
        endBy,
        endBy,
      )
      .toArray();
    if (expired.length === 0) continue;
    for (const { regions, synthetic, keys } of expired) {
      for (const region of new Set([...regions.split(','), config.unionRegion])) {
        sql.exec(
          `UPDATE release_counter SET keys = keys - ?, synthetic_keys = synthetic_keys - ?
           WHERE release_hour = ? AND region = ?`,
          keys,
          synthetic * keys,
          releaseHour,
          region,
        );
      }
      if (synthetic === 0) count(sql, 'keys_expired_unpublished', keys);
    }
    sql.exec(
      'DELETE FROM diagnosis_key WHERE release_hour = ? AND rolling_start < ? AND rolling_start + rolling_period <= ?',
      releaseHour,
      endBy,
      endBy,
    );
  }
}

/** Adds to a counter of the object. */
function count(sql: SqlStorage, name: string, by: number): void {
  sql.exec(
    'INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
    name,
    by,
  );
}
