/** @module Rows of a PeerDesk. Each method is one synchronous transaction or part of the caller's. */
import type { DayCount } from '../../domain/federation/breaker.ts';
import type { CallbackState } from '../../domain/federation/efgs/callback.ts';
import type { DownloadState } from '../../domain/federation/efgs/download.ts';
import type { OutboxState } from '../../domain/federation/efgs/outbox.ts';
import type { ReadHour } from '../../domain/federation/standing.ts';
import { PEER_START, type PeerState } from '../../domain/federation/peer.ts';
import { count } from '../submission-buffer/counters.ts';
import { type DeskBatch, MOST_LISTED, SHOWN_HOURS } from './contract.ts';
import { countCountries, countryHistory, forgetCountryDays } from './country-ops.ts';

/** A batch is remembered as long as any of its keys may live here. */
const REMEMBERED_HOURS = 24 * 16;
const HOURS_A_DAY = 24;

interface BatchRow extends Record<string, SqlStorageValue> {
  batch: string;
  hour: number;
  sha256: string;
  state: string;
  reason: string | null;
  keys: number;
  imported: number;
  revoked: number;
  dropped: string;
}

/** Small values by name. Times are Unix seconds, hours and days since the Unix epoch. */
interface DeskValues {
  readonly peer: PeerState;
  /** The peer's. */
  readonly region: string;
  readonly next_poll: number;
  /** When a hint brought a poll forward last. */
  readonly hinted: number;
  /** Number of our newest batch of which the peer was told. */
  readonly told: number;
  /** Of the last poll; null: it had none. */
  readonly fault: string | null;
  /** Hour of the last poll that had none. */
  readonly last_success: number;
  /** Day of the first batch. */
  readonly since: number;
  /** The newest head of the directory that held, by its log's name. */
  readonly [head: `head:${string}`]: KeptHead;
  readonly download: DownloadState;
  readonly outbox: OutboxState;
  readonly callback: CallbackState;
  /** Whether a region may read nothing of ours. */
  readonly [reader: `reader:${string}`]: boolean;
}

/** Of the directory's log. */
interface KeptHead {
  readonly size: number;
  /** In hex. */
  readonly root: string;
}

export class DeskStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  transaction<T>(body: () => T): T {
    return this.#storage.transactionSync(body);
  }

  get state(): PeerState {
    return this.get('peer') ?? PEER_START;
  }

  putState(change: Partial<PeerState>): void {
    this.put('peer', { ...this.state, ...change });
  }

  /** @returns a small value, plain JSON; null when it was never put */
  get<K extends keyof DeskValues>(name: K): DeskValues[K] | null {
    const sql = 'SELECT value FROM desk_state WHERE name = ?';
    const row = this.#storage.sql.exec<{ value: string }>(sql, name).toArray()[0];
    return row === undefined ? null : (JSON.parse(row.value) as DeskValues[K]);
  }

  put<K extends keyof DeskValues>(name: K, value: DeskValues[K]): void {
    this.#storage.sql.exec('INSERT OR REPLACE INTO desk_state VALUES (?, ?)', name, JSON.stringify(value));
  }

  putBatch({ batch, hour, sha256, state, reason, keys, imported, revoked, dropped }: DeskBatch): void {
    this.#storage.sql.exec(
      'INSERT OR REPLACE INTO read_batch VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      batch,
      hour,
      sha256,
      state,
      reason,
      keys,
      imported,
      revoked,
      JSON.stringify(dropped),
    );
  }

  batch(batch: string): DeskBatch | null {
    return this.#batches('SELECT * FROM read_batch WHERE batch = ?', batch)[0] ?? null;
  }

  /** @returns newest first */
  batches(most: number): DeskBatch[] {
    return this.#batches('SELECT * FROM read_batch ORDER BY hour DESC, batch DESC LIMIT ?', most);
  }

  /** @returns {@link MOST_LISTED} at most: those that wait for a person first, then newest first */
  allBatches(): DeskBatch[] {
    return this.#batches(
      `SELECT * FROM read_batch ORDER BY state = 'quarantined' DESC, hour DESC, batch DESC LIMIT ?`,
      MOST_LISTED,
    );
  }

  /** @param hour that is running @returns what was imported in the last {@link SHOWN_HOURS}, oldest first; hours without a batch have none */
  readHours(hour: number): ReadHour[] {
    const { sql } = this.#storage;
    const after = hour - SHOWN_HOURS;
    const rules = sql
      .exec<{ hour: number; rule: string; keys: number }>(
        `SELECT hour, rule.key AS rule, sum(rule.value) AS keys FROM read_batch, json_each(dropped) AS rule
         WHERE state = 'imported' AND hour > ? GROUP BY 1, 2`,
        after,
      )
      .toArray();
    const dropped = Map.groupBy(rules, (one) => one.hour);
    return sql
      .exec<{ hour: number; keys: number; imported: number; revoked: number }>(
        `SELECT hour, sum(keys) AS keys, sum(imported) AS imported, sum(revoked) AS revoked FROM read_batch
         WHERE state = 'imported' AND hour > ? GROUP BY 1 ORDER BY 1`,
        after,
      )
      .toArray()
      .map((row) => ({
        ...row,
        dropped: Object.fromEntries((dropped.get(row.hour) ?? []).map(({ rule, keys }) => [rule, keys])),
      }));
  }

  quarantined(): number {
    return this.#storage.sql
      .exec<{ n: number }>(`SELECT count(*) AS n FROM read_batch WHERE state = 'quarantined'`)
      .one().n;
  }

  /** @returns how many batches are set aside whole; a country's part of a gateway's batch (gateway-ops.ts) is none */
  quarantinedWhole(): number {
    return this.#storage.sql
      .exec<{ n: number }>(`SELECT count(*) AS n FROM read_batch WHERE state = 'quarantined' AND batch NOT LIKE '%/%'`)
      .one().n;
  }

  /** What was imported by day, and since when. */
  history(): { readonly history: DayCount[]; readonly since: number | null } {
    const history = this.#storage.sql
      .exec<{ day: number; keys: number; letIn: number }>(
        `SELECT hour / ${HOURS_A_DAY} AS day, sum(keys + revoked) AS keys,
         sum(CASE WHEN reason IS NULL THEN 0 ELSE keys + revoked END) AS letIn
         FROM read_batch WHERE state = 'imported' GROUP BY 1`,
      )
      .toArray();
    return { history, since: this.get('since') };
  }

  /** See {@link countryHistory}. */
  broughtBy(country: string): ReturnType<typeof countryHistory> {
    return countryHistory(this.#storage.sql, country);
  }

  /** See {@link countCountries}. */
  countBrought(brought: ReadonlyMap<string, number>, day: number, letIn: boolean): void {
    countCountries(this.#storage.sql, brought, day, letIn);
  }

  /** Forgets batches whose keys are gone, and what countries brought before. @param hour that is running */
  forget(hour: number): void {
    forgetCountryDays(this.#storage.sql, Math.floor(hour / HOURS_A_DAY));
    this.#storage.sql.exec('DELETE FROM read_batch WHERE hour <= ?', hour - REMEMBERED_HOURS);
  }

  count(name: string, by = 1): void {
    count(this.#storage.sql, name, by);
  }

  counters(): Record<string, number> {
    const rows = this.#storage.sql.exec<{ name: string; value: number }>('SELECT name, value FROM counter').toArray();
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  #batches(sql: string, ...values: unknown[]): DeskBatch[] {
    return this.#storage.sql
      .exec<BatchRow>(sql, ...values)
      .toArray()
      .map((row) => ({
        ...row,
        state: row.state as DeskBatch['state'],
        dropped: JSON.parse(row.dropped) as DeskBatch['dropped'],
      }));
  }
}
