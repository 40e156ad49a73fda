/**
 * @module How an hour's set is fixed (docs/architecture.md §5.1, §5.3). No row is rewritten: a set is a range of
 * release hours, and keys that come for a frozen hour go to the next one that isn't, so that sets are disjoint.
 *
 * A set that is published gets decoys where a part of it that peers tell apart lacks a minimum (feed-parts.ts), and some synthetic uploads more, set aside for keys that are taken back
 * (decision 040); once the deployment is stopped, as many as what waits to be taken back lacks (docs/sunset.md).
 *
 * Durable order: first what is lost is taken out, in slices (lost-rows.ts). Then the set, and the decoys drawn for it, are one
 * transaction, on disk before the reply leaves (output gate). A crash before it leaves the hour open; after it, the same
 * request reads the same set. Decoys are therefore drawn once, whoever asks again.
 */
import { decideChunk, uploadsOfSet, type ChunkDecision, type RegionCount } from '../../domain/chunk-policy.ts';
import { REMOTE } from '../../domain/publication/feeds.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
import type { FreezeRequest, FrozenSet, RegionFacts } from './contract.ts';
import { addDecoys, waitingLikes } from './decoy-ops.ts';
import { feedsOfSet, fillParts } from './feed-parts.ts';
import type { Ciphers } from './hour-keys.ts';
import { dropLost } from './lost-rows.ts';
import { addCompany, addReserve } from './reserve-ops.ts';

interface SetRow extends Record<string, SqlStorageValue> {
  set_no: number;
  hour: number;
  first_hour: number | null;
  last_hour: number | null;
  decision: string;
  facts: string;
}

const HOURS_A_DAY = 24;

/**
 * @param hour that is to be frozen
 * @returns release hours whose keys that needs, beside those of now: its own, and of what decoys leave for the day after, which is not to come yet only where the backend was awake
 */
export const hoursToFreeze = (hour: number): readonly number[] => [hour, hour + HOURS_A_DAY];

/**
 * @param ciphers ready for `now`, and for {@link hoursToFreeze}
 * @param now Unix seconds
 * @param random source of decoys, used only when the maximum hold is over
 * @returns the set for this request, the same each time
 * @throws Error when the hour has not ended or the request contradicts the sets that exist
 */
export async function freezeHour(
  storage: DurableObjectStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  random: RandomBytes,
  { hour, after, closing }: FreezeRequest,
): Promise<FrozenSet> {
  const sql = storage.sql;
  if (hourEnd(hour) > now) throw new Error(`hour ${hour} has not ended`);
  const given = givenSet(sql, hour, after);
  if (given !== null) return given;
  const first = coveredBefore(sql, after + 1) + 1;
  await dropLost(storage, config, ciphers, first, hour);
  const pads = decision(sql, config, first, hour) === 'pad';
  const waiting = pads ? await waitingLikes(sql, config, ciphers, first, hour) : [];
  const isLast = closing !== undefined;
  return storage.transactionSync(() => {
    const meanwhile = givenSet(sql, hour, after);
    if (meanwhile !== null) return meanwhile;
    if (pads) {
      const oldest = oldestWaiting(sql, first, hour) ?? hour;
      addDecoys(sql, config, ciphers, random, { first: oldest, hour, waiting, isLast }, () =>
        regionCounts(sql, config, first, hour),
      );
    }
    const oldest = oldestWaiting(sql, first, hour);
    const decided = decision(sql, config, first, hour);
    if (oldest !== null && decided === 'publish') {
      fillParts(sql, config, ciphers, random, { first: oldest, hour, padded: pads, isLast });
      addReserve(sql, config, ciphers, random, {
        first: oldest,
        hour,
        counts: regionCounts(sql, config, first, hour),
        isLast,
      });
    }
    // Never beside what is held: there it would be what holds the minima.
    if (decided !== 'hold') addCompany(sql, config, ciphers, random, hour, closing ?? []);
    const set = composeSet(sql, config, after + 1, first, hour);
    sql.exec(
      'INSERT OR REPLACE INTO release_set VALUES (?, ?, ?, ?, ?, ?, 0)',
      set.setNo,
      set.hour,
      set.firstHour,
      set.lastHour,
      set.decision,
      JSON.stringify({ keys: set.keys, regions: set.regions, feeds: set.feeds }),
    );
    return set;
  });
}

/** @returns the set that this request was answered with before, or null */
function givenSet(sql: SqlStorage, hour: number, after: number): FrozenSet | null {
  const newest = sql.exec<{ n: number | null }>('SELECT max(set_no) AS n FROM release_set').one().n ?? 0;
  if (newest !== after && newest !== after + 1) {
    throw new Error(`the newest set is ${newest}, the publisher has ${after}`);
  }
  const given = newest === after + 1 ? readSet(sql, newest) : null;
  if (given !== null && given.hour > hour) throw new Error(`hour ${given.hour} is frozen, ${hour} comes too late`);
  return given !== null && given.hour === hour ? given : null;
}

/** @returns the set with this number, or null. */
export function readSet(sql: SqlStorage, setNo: number): FrozenSet | null {
  const row = sql.exec<SetRow>('SELECT * FROM release_set WHERE set_no = ?', setNo).toArray()[0];
  if (row === undefined) return null;
  const facts = JSON.parse(row.facts) as Pick<FrozenSet, 'keys' | 'regions'> & { readonly feeds?: readonly string[] };
  return {
    setNo: row.set_no,
    hour: row.hour,
    firstHour: row.first_hour,
    lastHour: row.last_hour,
    decision: row.decision as FrozenSet['decision'],
    keys: facts.keys,
    regions: facts.regions,
    // Sets of before there were feeds say nothing of them.
    feeds: facts.feeds ?? [],
  };
}

/** @returns the last release hour that a set before this one covers, −1 when none does */
function coveredBefore(sql: SqlStorage, setNo: number): number {
  const query = 'SELECT max(last_hour) AS hour FROM release_set WHERE set_no < ?';
  return sql.exec<{ hour: number | null }>(query, setNo).one().hour ?? -1;
}

/** @returns the first release hour of the range that has a key, or null */
function oldestWaiting(sql: SqlStorage, first: number, hour: number): number | null {
  const query = 'SELECT min(release_hour) AS hour FROM release_counter WHERE keys > 0 AND release_hour BETWEEN ? AND ?';
  return sql.exec<{ hour: number | null }>(query, first, hour).one().hour;
}

function decision(sql: SqlStorage, config: BufferConfig, first: number, hour: number): ChunkDecision {
  return decideChunk(config.policy, hour, oldestWaiting(sql, first, hour), regionCounts(sql, config, first, hour));
}

/** Decoys are there already: a set that is to be padded holds both minima by now. */
function composeSet(sql: SqlStorage, config: BufferConfig, setNo: number, first: number, hour: number): FrozenSet {
  const decided = decision(sql, config, first, hour);
  // A key that came in between may have begun a wait that is over: it is padded at the next request.
  if (decided === 'pad') throw new Error(`hour ${hour} changed while it was being frozen`);
  if (decided !== 'publish') {
    return { setNo, hour, firstHour: null, lastHour: null, decision: decided, keys: 0, regions: [], feeds: [] };
  }
  const regions = regionFacts(sql, config, first, hour);
  const keys = regions.find(({ region }) => region === config.unionRegion)?.keys ?? 0;
  return {
    setNo,
    hour,
    firstHour: oldestWaiting(sql, first, hour),
    lastHour: hour,
    decision: decided,
    keys,
    regions,
    feeds: feedsOfSet(sql, config, first, hour),
  };
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

/**
 * What minima and decoys are counted by: local keys alone, since whoever has a peer's feed subtracts it. A peer's keys are in every region (remote-ops.ts). With nothing local there is nothing to protect, and
 * they are published by themselves.
 */
function regionCounts(sql: SqlStorage, config: BufferConfig, first: number, last: number): RegionCount[] {
  const rows = counters(sql, first, last);
  const keysOf = (own: readonly CounterRow[]): number => own.reduce((sum, row) => sum + row.keys, 0);
  const remote = keysOf(rows.filter((row) => row.region === REMOTE));
  return config.regions.map((region) => {
    const own = rows.filter((row) => row.region === region);
    return {
      region,
      keys: Math.max(0, keysOf(own) - remote),
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
