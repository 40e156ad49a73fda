/**
 * @module The Publisher's persisted state: rows in, plain data out. Each method is one synchronous transaction or part
 * of the caller's (`transaction`), so no crash leaves half of it.
 */
import { GoogleStore } from './google-store.ts';
import type { HourState, IndexPlan, RegionDay, RegionHead, RegionHour, SealedHour } from './model.ts';
import type { Remembered } from './own-objects.ts';
import {
  asHour,
  asRegionDay,
  asRegionHour,
  type HeadRow,
  type HourRow,
  type RegionDayRow,
  type RegionHourRow,
} from './rows.ts';

type Row = Record<string, SqlStorageValue>;

export class PublisherStore {
  readonly google: GoogleStore;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.google = new GoogleStore(storage);
  }

  transaction<T>(body: () => T): T {
    return this.#storage.transactionSync(body);
  }

  // --- meta and counters

  meta(name: string): number | null {
    return this.#rows<{ value: number }>('SELECT value FROM meta WHERE name = ?', name)[0]?.value ?? null;
  }

  setMeta(name: string, value: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value);
  }

  count(name: string, by = 1): void {
    if (by === 0) return;
    this.#sql.exec(
      'INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
      name,
      by,
    );
  }

  counters(): Record<string, number> {
    const rows = this.#rows<{ name: string; value: number }>('SELECT name, value FROM counter ORDER BY name');
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  /** @returns how far each alert's counter went up since the last call; a crash before they are logged loses the line alone */
  newAlerts(): Record<string, number> {
    const sql = `SELECT name, value - reported AS value FROM counter WHERE value > reported
      AND (name LIKE 'alert%' OR name LIKE 'cwa_keys_aged_out%' OR name = 'hours_missed') ORDER BY name`;
    const rows = this.#rows<{ name: string; value: number }>(sql);
    if (rows.length > 0) this.#sql.exec('UPDATE counter SET reported = value');
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  // --- hours

  hour(hour: number): SealedHour {
    const row = this.#rows<HourRow>('SELECT * FROM sealed_hour WHERE hour = ?', hour)[0];
    return row === undefined ? { hour, state: 'OPEN', setNo: null, decision: null, record: null } : asHour(row);
  }

  /** Oldest hour that isn't done with in every region; null when nothing was ever frozen: then the first is the next. */
  oldestUnpurged(): number | null {
    const sql = `SELECT coalesce(min(CASE WHEN state <> 'PURGED' THEN hour END), max(hour) + 1) AS hour FROM sealed_hour`;
    return this.#rows<{ hour: number | null }>(sql)[0]?.hour ?? null;
  }

  hoursIn(state: HourState): SealedHour[] {
    return this.#rows<HourRow>('SELECT * FROM sealed_hour WHERE state = ? ORDER BY hour', state).map(asHour);
  }

  hoursBetween(first: number, last: number): SealedHour[] {
    return this.#rows<HourRow>('SELECT * FROM sealed_hour WHERE hour BETWEEN ? AND ? ORDER BY hour', first, last).map(
      asHour,
    );
  }

  putHour(h: SealedHour): void {
    const record = h.record === null ? null : JSON.stringify(h.record);
    this.#sql.exec(
      'INSERT OR REPLACE INTO sealed_hour VALUES (?, ?, ?, ?, ?)',
      h.hour,
      h.state,
      h.setNo,
      h.decision,
      record,
    );
  }

  /** Number of the last set that was taken over, 0 before the first. */
  lastSet(): number {
    return this.meta('last_set') ?? 0;
  }

  forgetHours(before: number): void {
    this.#sql.exec('DELETE FROM sealed_hour WHERE hour < ?', before);
    this.#sql.exec('DELETE FROM region_hour WHERE hour < ?', before);
  }

  // --- regions

  regionHour(region: string, hour: number): RegionHour | null {
    const row = this.#rows<RegionHourRow>('SELECT * FROM region_hour WHERE region = ? AND hour = ?', region, hour)[0];
    return row === undefined ? null : asRegionHour(row);
  }

  regionHours(region: string, first: number, last: number): RegionHour[] {
    const sql = 'SELECT * FROM region_hour WHERE region = ? AND hour BETWEEN ? AND ? ORDER BY hour';
    return this.#rows<RegionHourRow>(sql, region, first, last).map(asRegionHour);
  }

  putRegionHour(r: RegionHour): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO region_hour VALUES (?, ?, ?, ?, ?, ?)',
      r.region,
      r.hour,
      r.state,
      JSON.stringify(r.chunks),
      JSON.stringify(r.cwa),
      JSON.stringify(r.sealed),
    );
  }

  /** Last hour that is WRITTEN in a region, all before it too; null before the first. */
  writtenThrough(region: string): number | null {
    const sql = 'SELECT max(hour) AS hour FROM region_hour WHERE region = ?';
    return this.#rows<{ hour: number | null }>(sql, region)[0]?.hour ?? null;
  }

  markIndexed(region: string, throughHour: number): void {
    this.#sql.exec(`UPDATE region_hour SET state = 'INDEXED' WHERE region = ? AND hour <= ?`, region, throughHour);
  }

  regionDay(region: string, day: number): RegionDay | null {
    const row = this.#rows<RegionDayRow>('SELECT * FROM region_day WHERE region = ? AND day = ?', region, day)[0];
    return row === undefined ? null : asRegionDay(row);
  }

  regionDays(region: string, first: number, last: number): RegionDay[] {
    const sql = 'SELECT * FROM region_day WHERE region = ? AND day BETWEEN ? AND ? ORDER BY day';
    return this.#rows<RegionDayRow>(sql, region, first, last).map(asRegionDay);
  }

  putRegionDay(d: RegionDay): void {
    const [chunks, files] = [JSON.stringify(d.chunks), JSON.stringify(d.sealed)];
    const sql = 'INSERT OR REPLACE INTO region_day VALUES (?, ?, ?, ?, ?, ?, ?)';
    this.#sql.exec(sql, d.region, d.day, d.checked, d.cut, chunks, files, d.revised);
  }

  forgetDays(before: number): void {
    this.#sql.exec('DELETE FROM region_day WHERE day < ?', before);
  }

  head(region: string): RegionHead | null {
    const row = this.#rows<HeadRow>('SELECT * FROM region_head WHERE region = ?', region)[0];
    if (row === undefined) return null;
    return {
      region,
      sequence: row.sequence,
      payloadSha256: row.payload_sha256,
      etag: row.etag,
      validUntil: row.valid_until,
      throughHour: row.through_hour,
    };
  }

  putHead(h: RegionHead): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO region_head VALUES (?, ?, ?, ?, ?, ?)',
      h.region,
      h.sequence,
      h.payloadSha256,
      h.etag,
      h.validUntil,
      h.throughHour,
    );
  }

  pendingIndex(region: string): IndexPlan | null {
    const row = this.#rows<{ plan: string }>('SELECT plan FROM pending_index WHERE region = ?', region)[0];
    return row === undefined ? null : (JSON.parse(row.plan) as IndexPlan);
  }

  putPendingIndex(plan: IndexPlan): void {
    this.#sql.exec('INSERT OR REPLACE INTO pending_index VALUES (?, ?)', plan.region, JSON.stringify(plan));
  }

  /** What was pending is published now, and kept so that it can be put again. */
  publishedPending(region: string): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO published_index SELECT region, plan FROM pending_index WHERE region = ?',
      region,
    );
    this.#sql.exec('DELETE FROM pending_index WHERE region = ?', region);
  }

  /** What a region publishes now; null before the first. */
  publishedIndex(region: string): IndexPlan | null {
    const row = this.#rows<{ plan: string }>('SELECT plan FROM published_index WHERE region = ?', region)[0];
    return row === undefined ? null : (JSON.parse(row.plan) as IndexPlan);
  }

  // --- CWA's backlog: rows had already, by record and day

  backlog(region: string): { hour: number; offsets: Record<number, number> }[] {
    const sql = 'SELECT hour, offsets FROM cwa_backlog WHERE region = ? ORDER BY hour';
    return this.#rows<{ hour: number; offsets: string }>(sql, region).map(({ hour, offsets }) => ({
      hour,
      offsets: JSON.parse(offsets) as Record<number, number>,
    }));
  }

  setBacklog(region: string, backlog: readonly { hour: number; offsets: Readonly<Record<number, number>> }[]): void {
    this.#sql.exec('DELETE FROM cwa_backlog WHERE region = ?', region);
    for (const { hour, offsets } of backlog) {
      this.#sql.exec('INSERT INTO cwa_backlog VALUES (?, ?, ?)', region, hour, JSON.stringify(offsets));
    }
  }

  // --- inventory of the public bucket

  /** Notes an object before it is put, so that none is ever forgotten. */
  noteObject(key: string, region: string): void {
    this.#sql.exec(`INSERT OR IGNORE INTO public_object VALUES (?, ?, NULL, '', NULL)`, key, region);
  }

  /** See own-objects.ts. */
  remembered(key: string): Remembered | null {
    const sql = 'SELECT mark, sha256 FROM public_object WHERE key = ?';
    return this.#rows<{ mark: string | null; sha256: string | null }>(sql, key)[0] ?? null;
  }

  /** See own-objects.ts. */
  intend(key: string, hash: string): void {
    this.#sql.exec('UPDATE public_object SET sha256 = ? WHERE key = ?', hash, key);
  }

  /** See own-objects.ts. */
  settle(key: string, mark: string): void {
    this.#sql.exec('UPDATE public_object SET mark = ?, sha256 = NULL WHERE key = ?', mark, key);
  }

  /** Objects of the region that `named` leaves out die at `deleteAt`, unless they die earlier; the others live. */
  setNamed(region: string, named: readonly string[], deleteAt: number): void {
    const alive = new Set(named);
    const rows = this.#rows<{ key: string; delete_at: number | null }>(
      'SELECT key, delete_at FROM public_object WHERE region = ?',
      region,
    );
    for (const { key, delete_at: dies } of rows) {
      if (alive.has(key) && dies !== null)
        this.#sql.exec('UPDATE public_object SET delete_at = NULL WHERE key = ?', key);
      if (!alive.has(key) && dies === null) {
        this.#sql.exec('UPDATE public_object SET delete_at = ? WHERE key = ?', deleteAt, key);
      }
    }
  }

  doomedObjects(now: number): string[] {
    const sql = 'SELECT key FROM public_object WHERE delete_at <= ? ORDER BY key LIMIT 1000';
    return this.#rows<{ key: string }>(sql, now).map(({ key }) => key);
  }

  /** Earliest instant at which an object dies, or null. */
  nextDeath(): number | null {
    const sql = 'SELECT min(delete_at) AS at FROM public_object WHERE delete_at IS NOT NULL';
    return this.#rows<{ at: number | null }>(sql)[0]?.at ?? null;
  }

  forgetObjects(keys: readonly string[]): void {
    for (const key of keys) {
      const revoked = this.#rows('SELECT 1 FROM former_etag WHERE key = ? AND revoked = 1 LIMIT 1', key);
      if (revoked.length > 0) this.setMeta('packages_changed', 1);
      this.#sql.exec('DELETE FROM public_object WHERE key = ?', key);
      this.#sql.exec('DELETE FROM former_etag WHERE key = ?', key);
    }
  }

  noteFormerEtag(key: string, etag: string, day: number, revoked = false): void {
    this.#sql.exec('INSERT OR IGNORE INTO former_etag VALUES (?, ?, ?, ?)', key, etag, day, revoked ? 1 : 0);
  }

  #rows<T extends Row>(sql: string, ...values: unknown[]): T[] {
    return this.#sql.exec<T>(sql, ...values).toArray();
  }
}
