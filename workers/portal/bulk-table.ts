/**
 * @module A table of people who are to get verification codes, as staff bring it: CSV (RFC 4180, by csv-parse) with a head, a line a person. What is wrong with a line is said by its number and a word,
 * and nothing of the line is said again.
 */
import { parse } from 'csv-parse/sync';
import { readCodeDates } from '../../domain/code-dates.ts';
import type { CodeTestType, IssueCodeRequest } from '../../domain/rpc-codes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { phoneNumberIn } from '../../protocol/sms/phone-number.ts';

/** Lines of a table: a form of 512 KB holds them, and a person may issue as many a day. */
export const MAX_BULK_ROWS = 2_000;

/** What staff issue; a report of one's own is nobody else's. */
export const STAFF_TEST_TYPES = ['confirmed', 'likely', 'negative'] as const satisfies readonly CodeTestType[];

/** Why there is no code for a line; each has a text. The last four are of the issue itself. */
export const BULK_FAULTS = ['type', 'date', 'phone', 'columns', 'quota', 'sms', 'refused', 'broken'] as const;
export type BulkFault = (typeof BULK_FAULTS)[number];

/** A line that can be issued. */
export interface BulkRow extends Pick<IssueCodeRequest, 'symptomDate' | 'testDate' | 'phone'> {
  /** Of the file, the head being 1. */
  readonly line: number;
  readonly testType: (typeof STAFF_TEST_TYPES)[number];
}

/** What a table comes to. */
export interface BulkTable {
  readonly rows: readonly BulkRow[];
  readonly faults: readonly { readonly line: number; readonly fault: BulkFault }[];
}

/** Columns, their names in lower case, in the order in which {@link canonicalRow} writes them. */
const COLUMNS = ['line', 'testtype', 'testdate', 'symptomdate', 'phone'] as const;
type Cells = Partial<Record<(typeof COLUMNS)[number], string>>;

/**
 * @param text of a file, or of {@link canonicalRow}s below {@link CANONICAL_HEAD}
 * @param now Unix seconds
 * @returns its lines; null when it is no table
 */
export function readBulkTable(text: string, now: number): BulkTable | null {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      delimiter: [',', ';', '\t'],
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof records;
  } catch {
    return null;
  }
  const [head, ...rest] = records;
  const names = head?.record.map((name) => name.toLowerCase()) ?? [];
  const areKnown = names.every((name) => COLUMNS.includes(name as keyof Cells));
  const isHead = areKnown && new Set(names).size === names.length && names.includes('testtype');
  if (!isHead || rest.length < 1 || rest.length > MAX_BULK_ROWS) return null;
  const today = Math.floor(now / SECONDS_PER_DAY);
  const rows: BulkRow[] = [];
  const faults: { line: number; fault: BulkFault }[] = [];
  for (const { record, info } of rest) {
    const cells = Object.fromEntries(names.map((name, at) => [name, record[at] ?? ''])) as Cells;
    const line = /^\d{1,6}$/.test(cells.line ?? '') ? Number(cells.line) : info.lines;
    const row = record.length === names.length ? rowIn(cells, line, today) : 'columns';
    if (typeof row === 'string') faults.push({ line, fault: row });
    else rows.push(row);
  }
  return { rows, faults };
}

function rowIn(cells: Cells, line: number, today: number): BulkRow | BulkFault {
  const testType = STAFF_TEST_TYPES.find((type) => type === cells.testtype?.toLowerCase());
  if (testType === undefined) return 'type';
  const said = { symptomDate: cells.symptomdate || null, testDate: cells.testdate || null };
  if (typeof readCodeDates({ ...said, tzOffset: 0 }, today) === 'string') return 'date';
  const written = cells.phone ?? '';
  const phone = written === '' ? null : phoneNumberIn(written);
  return written !== '' && phone === null ? 'phone' : { line, testType, ...said, phone };
}

/** Head of a table of {@link canonicalRow}s. */
export const CANONICAL_HEAD = COLUMNS.join(',');

/** @returns a line as {@link readBulkTable} reads it: without quotes and line ends, so that a script may count and cut lines */
export const canonicalRow = ({ line, testType, testDate, symptomDate, phone }: BulkRow): string =>
  [line, testType, testDate ?? '', symptomDate ?? '', phone ?? ''].join(',');
