/**
 * @module What the Publisher keeps of keys that are taken back: requests, how far the hour that does them has come, and what each region has published of it. As in
 * store.ts, each method is one synchronous transaction or part of the caller's. No row holds a key, nor which rows they are.
 */
import type { RevisedType } from '../../protocol/gaen/keys.ts';
import type { EventOf, RecordObject, SealedFile } from '../../domain/event-log/entry.ts';
import type { TakeBackReply } from '../../domain/publication/taken.ts';
import type { ChunkEntry } from '../../protocol/index/manifest.ts';

/** A request that was asked for (take-back.ts). */
export interface AskedRequest {
  readonly id: string;
  /** Report type that its keys are to have; null: they are to end. */
  readonly to: RevisedType | null;
  readonly askedHour: number;
  /** With which it is done; null while no hour has taken it up. */
  readonly hour: number | null;
  readonly done: boolean;
  /** Rows that no request before it named, while that one was waiting; 0 after a restore. */
  readonly rows: number;
}

/** How many rows of a part were taken back, and which regions had them. */
type TakenPartRow = EventOf<'taken'>['parts'][number];

/** Rows that leave at one midnight. */
export interface TakenDay {
  readonly day: number;
  /** That says which they are; null when none is left to take back. */
  readonly object: RecordObject | null;
  readonly parts: readonly TakenPartRow[];
}

/** What ended with an hour, or got another report type: one of the two, so that each of its lists is of one report type. */
export interface Taking {
  readonly hour: number;
  /** That its keys have from then on; null: they were taken back. */
  readonly to: RevisedType | null;
  readonly state: 'PLANNED' | 'TAKEN';
  readonly rows: number;
  /** Hours of the records that the rows were of, ascending. */
  readonly touched: readonly number[];
  /** Hours whose reserve goes with them. */
  readonly reserve: readonly number[];
  /** Regions whose list would have been too small: rows that they publish wait for another hour. */
  readonly waiting: readonly string[];
  /** Of the private bucket, as long as they are there. */
  readonly objects: readonly RecordObject[];
}

/** What a region publishes of a {@link Taking}. */
export interface RegionRevocation {
  readonly region: string;
  readonly hour: number;
  readonly to: RevisedType | null;
  /** The last midnight at which it was looked at, and the one at which its files were cut: days since the Unix epoch. */
  readonly checked: number;
  readonly cut: number;
  /** Of the records, ascending. */
  readonly days: readonly number[];
  /** None when no row of the region is left. */
  readonly chunks: readonly ChunkEntry[];
  readonly files: readonly SealedFile[];
}

type RequestRow = {
  id: string;
  asked_hour: number;
  hour: number | null;
  done: number;
  rows: number;
  revised_to: RevisedType | null;
};
type TakingRow = {
  hour: number;
  state: Taking['state'];
  rows: number;
  touched: string;
  reserve: string;
  objects: string;
  waiting: string;
  revised_to: RevisedType | null;
};
type RevocationRow = {
  region: string;
  hour: number;
  checked: number;
  cut: number;
  days: string;
  chunks: string;
  files: string;
  revised_to: RevisedType | null;
};

export class TakingStore {
  /** Requests that are on their way, by the name of their object, in memory alone: no midnight may take them for strays, and who asks again meanwhile hears the same. */
  readonly beingKept = new Map<string, Promise<TakeBackReply>>();
  /** Whether the rows of a request go without anybody else's once they are late, as it was after an hour; in memory alone (waits.ts). */
  readonly ownCompany = new Map<string, { readonly after: number; readonly goes: boolean }>();
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @returns null for one that nobody made */
  request(id: string): AskedRequest | null {
    return this.#requests('WHERE id = ?', id)[0] ?? null;
  }

  /** @returns those that aren't done, in an order that only their ids decide */
  openRequests(): AskedRequest[] {
    return this.#requests('WHERE done = 0 ORDER BY id');
  }

  /** @returns the same of those whose keys are to have that report type; null: to end */
  openTo(to: RevisedType | null): AskedRequest[] {
    return this.openRequests().filter((request) => request.to === to);
  }

  putRequest({ id, askedHour, hour, done, rows, to }: AskedRequest): void {
    const values = [id, askedHour, hour, done ? 1 : 0, rows, to];
    this.#sql.exec('INSERT OR REPLACE INTO take_back VALUES (?, ?, ?, ?, ?, ?)', ...values);
  }

  /** @returns null when the hour took nothing back, or hasn't yet */
  taking(hour: number): Taking | null {
    return this.#takings('WHERE hour = ?', hour)[0] ?? null;
  }

  /** @returns those that are TAKEN, of hours from `first` to `last`, ascending */
  between(first: number, last: number): Taking[] {
    return this.#takings(`WHERE state = 'TAKEN' AND hour BETWEEN ? AND ? ORDER BY hour`, first, last);
  }

  /** @returns hours whose reserve is used up, or about to be */
  usedReserve(): Set<number> {
    return new Set(this.#takings('').flatMap(({ reserve }) => reserve));
  }

  putTaking({ hour, state, rows, touched, reserve, objects, waiting, to }: Taking): void {
    const lists = [touched, reserve, objects, waiting].map((list) => JSON.stringify(list));
    this.#sql.exec('INSERT OR REPLACE INTO taking VALUES (?, ?, ?, ?, ?, ?, ?, ?)', hour, state, rows, ...lists, to);
  }

  /** @returns what was found out so far, ascending by day */
  days(hour: number): TakenDay[] {
    const rows = this.#sql.exec<{ plan: string }>('SELECT plan FROM taking_day WHERE hour = ? ORDER BY day', hour);
    return rows.toArray().map(({ plan }) => JSON.parse(plan) as TakenDay);
  }

  putDay(hour: number, plan: TakenDay): void {
    this.#sql.exec('INSERT OR REPLACE INTO taking_day VALUES (?, ?, ?)', hour, plan.day, JSON.stringify(plan));
  }

  forgetPlan(hour: number): void {
    this.#sql.exec('DELETE FROM taking_day WHERE hour = ?', hour);
  }

  revocation(region: string, hour: number): RegionRevocation | null {
    return this.#revocations('WHERE region = ? AND hour = ?', region, hour)[0] ?? null;
  }

  /** @returns those of hours up to `last` that have files, ascending */
  revocations(region: string, last: number): RegionRevocation[] {
    const all = this.#revocations('WHERE region = ? AND hour <= ? ORDER BY hour', region, last);
    return all.filter(({ chunks }) => chunks.length > 0);
  }

  putRevocation(r: RegionRevocation): void {
    const [days, chunks, files] = [JSON.stringify(r.days), JSON.stringify(r.chunks), JSON.stringify(r.files)];
    const sql = 'INSERT OR REPLACE INTO region_revocation VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
    this.#sql.exec(sql, r.region, r.hour, r.checked, r.cut, days, chunks, files, r.to);
  }

  /** What was replaced so far under a name held keys that were taken back: phones are to drop it (package-ops.ts). */
  revokeFormerEtags(key: string): void {
    this.#sql.exec('UPDATE former_etag SET revoked = 1 WHERE key = ?', key);
    this.#sql.exec(`INSERT OR REPLACE INTO meta VALUES ('packages_changed', 1)`);
  }

  /** @returns the objects that were replaced and held keys that were taken back, as long as their name lives */
  revokedEtags(): { key: string; etag: string }[] {
    const sql = 'SELECT key, etag FROM former_etag WHERE revoked = 1 ORDER BY key, etag';
    return this.#sql.exec<{ key: string; etag: string }>(sql).toArray();
  }

  /** Forgets what was done, and asked for, before an hour. */
  forget(before: number): void {
    this.ownCompany.clear();
    this.#sql.exec('DELETE FROM take_back WHERE done = 1 AND asked_hour < ?', before);
    this.#sql.exec(`DELETE FROM taking WHERE state = 'TAKEN' AND hour < ?`, before);
    this.#sql.exec('DELETE FROM region_revocation WHERE hour < ?', before);
  }

  #requests(where: string, ...values: unknown[]): AskedRequest[] {
    const rows = this.#sql.exec<RequestRow>(`SELECT * FROM take_back ${where}`, ...values).toArray();
    return rows.map(({ asked_hour: askedHour, done, revised_to: to, ...row }) => ({
      ...row,
      askedHour,
      done: done === 1,
      to,
    }));
  }

  #takings(where: string, ...values: unknown[]): Taking[] {
    const rows = this.#sql.exec<TakingRow>(`SELECT * FROM taking ${where}`, ...values).toArray();
    return rows.map(({ revised_to: to, ...row }) => ({
      ...row,
      to,
      touched: JSON.parse(row.touched) as number[],
      reserve: JSON.parse(row.reserve) as number[],
      objects: JSON.parse(row.objects) as RecordObject[],
      waiting: JSON.parse(row.waiting) as string[],
    }));
  }

  #revocations(where: string, ...values: unknown[]): RegionRevocation[] {
    const rows = this.#sql.exec<RevocationRow>(`SELECT * FROM region_revocation ${where}`, ...values).toArray();
    return rows.map(({ revised_to: to, ...row }) => ({
      ...row,
      to,
      days: JSON.parse(row.days) as number[],
      chunks: JSON.parse(row.chunks) as ChunkEntry[],
      files: JSON.parse(row.files) as SealedFile[],
    }));
  }
}
