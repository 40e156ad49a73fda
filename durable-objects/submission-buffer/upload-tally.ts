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
  table: 'issue_count (name, release_hour, uploads, keys)',
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
  /** Left out: it is; a peer's keys are no upload. */
  readonly isUpload?: boolean;
  /** What its issue id is called here (issue-counts.ts); null: not counted by one. */
  readonly issueName: Uint8Array | null;
}

/** Counts by region and by issue name of an hour, as their columns have them. */
interface HourCounts {
  readonly byRegion: Map<string, number[]>;
  readonly byIssue: Map<Uint8Array, number[]>;
  readonly labels: Set<number>;
}

/** Rows in memory, until they are written. */
export class UploadTally implements GroupEdges {
  readonly #sql: SqlStorage;
  readonly #hours = new Map<number, HourCounts>();
  #isFirst = true;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** A transaction begins; what one that was undone has left is none of it. */
  begin(): void {
    this.#hours.clear();
    this.#isFirst = true;
  }

  /** @returns whether it is asked for the first time in this transaction: what all uploads would write alike is written once */
  isFirst(): boolean {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    return isFirst;
  }

  /** @param hour release hour @param label of rows (row-labels.ts) @returns whether it is the first with this label */
  isFirstWith(hour: number, label: number): boolean {
    const { labels } = this.#of(hour);
    if (labels.has(label)) return false;
    labels.add(label);
    return true;
  }

  /** @param added see {@link Added}; written when the transaction ends, or before */
  add({ regions, perHour, synthetic, isUpload = true, issueName }: Added): void {
    const first = Math.min(...perHour.keys());
    for (const [hour, keys] of perHour) {
      const { byRegion, byIssue } = this.#of(hour);
      const upload = isUpload ? 1 : 0;
      const isFirst = hour === first ? upload : 0;
      const counts = [keys, isFirst, upload, synthetic ? keys : 0, synthetic ? isFirst : 0];
      for (const region of regions) addTo(byRegion, region, counts);
      if (issueName !== null) addTo(byIssue, issueName, [isFirst, keys]);
    }
  }

  /** Writes what was added; runs inside the transaction. What comes after it is written by the next call. */
  end(): void {
    const regions: unknown[] = [];
    const issues: unknown[] = [];
    for (const [hour, { byRegion, byIssue }] of this.#hours) {
      for (const [region, counts] of byRegion) regions.push(hour, region, ...counts);
      for (const [name, counts] of byIssue) issues.push(name, hour, ...counts);
    }
    insertRows(this.#sql, RELEASE_COUNTER, regions);
    insertRows(this.#sql, ISSUE_COUNT, issues);
    this.begin();
  }

  #of(hour: number): HourCounts {
    let counts = this.#hours.get(hour);
    if (counts === undefined) {
      counts = { byRegion: new Map(), byIssue: new Map(), labels: new Set() };
      this.#hours.set(hour, counts);
    }
    return counts;
  }
}

function addTo<K>(rows: Map<K, number[]>, name: K, counts: readonly number[]): void {
  const row = rows.get(name);
  rows.set(name, row === undefined ? [...counts] : row.map((count, n) => count + counts[n]!));
}
