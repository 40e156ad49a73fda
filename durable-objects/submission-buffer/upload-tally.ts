/**
 * @module What uploads of one transaction add to the counts: by region (`release_counter`) and by issue id (`issue_count`), written once for all of
 * them (group-commit.ts) and not with each, since they count in the same few rows.
 *
 * Durable order: written within the transaction that stores the uploads, at its end, or before whatever else in it reads or changes the counts. So a
 * crash leaves keys with their counts or neither.
 */
import { insertRows, type InsertTarget } from '../insert-rows.ts';
import type { GroupEdges } from '../group-commit.ts';

/** Counts are added to those that are there. */
export const RELEASE_COUNTER: InsertTarget = {
  table: 'release_counter',
  columns: 7,
  onConflict: `ON CONFLICT (release_hour, region) DO UPDATE SET
    keys = keys + excluded.keys, first_uploads = first_uploads + excluded.first_uploads,
    any_uploads = any_uploads + excluded.any_uploads, synthetic_keys = synthetic_keys + excluded.synthetic_keys,
    synthetic_first_uploads = synthetic_first_uploads + excluded.synthetic_first_uploads`,
};

const ISSUE_COUNT: InsertTarget = {
  table: 'issue_count',
  columns: 4,
  onConflict:
    'ON CONFLICT (name, release_hour) DO UPDATE SET uploads = uploads + excluded.uploads, keys = keys + excluded.keys',
};

/** What one upload, real or a decoy, adds. */
export interface Added {
  /** Each once, the union among them. */
  readonly regions: readonly string[];
  /** New keys by release hour, one hour at least: the upload counts in the first. */
  readonly perHour: ReadonlyMap<number, number>;
  readonly synthetic: boolean;
  /** What its issue id is called here (issue-counts.ts); null: not counted by one. */
  readonly issueName: Uint8Array | null;
}

/** Rows of both tables in memory, by what they are told apart by. */
export class UploadTally implements GroupEdges {
  readonly #sql: SqlStorage;
  readonly #byRegion = new Map<string, [number, string, ...number[]]>();
  readonly #byIssue = new Map<Uint8Array, Map<number, [number, number]>>();
  readonly #done = new Set<string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A transaction begins; what one that was undone has left is none of it. */
  begin(): void {
    this.#byRegion.clear();
    this.#byIssue.clear();
    this.#done.clear();
  }

  /** @returns whether this is the first time in this transaction: what several uploads would write alike is written once */
  once(what: string): boolean {
    if (this.#done.has(what)) return false;
    this.#done.add(what);
    return true;
  }

  /** @param added see {@link Added}; written at the latest when the transaction ends */
  add({ regions, perHour, synthetic, issueName }: Added): void {
    const first = Math.min(...perHour.keys());
    for (const [hour, keys] of perHour) {
      const isFirst = hour === first ? 1 : 0;
      const counts = [keys, isFirst, 1, synthetic ? keys : 0, synthetic ? isFirst : 0];
      for (const region of regions) {
        const row = this.#byRegion.get(`${hour} ${region}`);
        if (row === undefined) this.#byRegion.set(`${hour} ${region}`, [hour, region, ...counts]);
        else for (const [n, count] of counts.entries()) (row[n + 2] as number) += count;
      }
      if (issueName === null) continue;
      const hours = this.#byIssue.get(issueName) ?? new Map<number, [number, number]>();
      const [uploads, ofIssue] = hours.get(hour) ?? [0, 0];
      this.#byIssue.set(issueName, hours.set(hour, [uploads + isFirst, ofIssue + keys]));
    }
  }

  /** Writes what was added. Idempotent; runs inside the transaction. */
  end(): void {
    insertRows(this.#sql, RELEASE_COUNTER, [...this.#byRegion.values()].flat());
    const issues = [...this.#byIssue].flatMap(([name, hours]) =>
      [...hours].flatMap(([hour, [uploads, keys]]) => [name, hour, uploads, keys]),
    );
    insertRows(this.#sql, ISSUE_COUNT, issues);
    this.begin();
  }
}
