/**
 * @module A laboratory's table as rows to post: read by csv-parse, checked line by line before anything is sent, hashed as phones hash
 * (docs/laboratory.md). What is refused is told by line and column, never by its value.
 */
import { parse } from 'csv-parse/sync';
import type { ResultKind } from '../../domain/test-result.ts';
import { scanQrCode } from '../../phone/verification/codes.ts';

/** One row as the laboratory Worker takes it. */
export interface WireRow {
  readonly id: string;
  readonly result: number;
  /** Unix seconds; left out where the table doesn't say. */
  readonly sc?: number;
}

/** A line that can be sent: one row, and before it the one with the date of birth where there is one. */
export interface Line {
  /** In the file, the heading being 1. */
  readonly line: number;
  readonly rows: readonly WireRow[];
}

/** A line that isn't stored, and why. */
export interface Refused {
  readonly line: number;
  readonly reason: string;
}

/** What a table holds. */
export interface Table {
  readonly lines: readonly Line[];
  readonly refused: readonly Refused[];
  /** GUIDs with small letters: they count as they are written, and QR codes mostly have capitals. */
  readonly smallLetters: number;
}

/** The table as a whole can't be read: the message says why. */
class TableError extends Error {
  override name = 'TableError';
}

const COLUMNS = ['guid', 'hash', 'birth_date', 'result', 'sample_collected'] as const;
type Column = (typeof COLUMNS)[number];
type Cells = Readonly<Partial<Record<Column, string>>>;

const WORDS = ['pending', 'negative', 'positive', 'invalid', 'redeemed'];
/** Where each route's codes begin (docs/spec/cwa.md §3.5), and which of the words it takes. */
const ROUTES: Readonly<Record<ResultKind, { readonly first: number; readonly words: readonly string[] }>> = {
  lab: { first: 0, words: WORDS.slice(1, 4) },
  quicktest: { first: 5, words: WORDS },
  pocnat: { first: 10, words: WORDS },
};
/** ISO 8601 with its zone: a time without one is off by hours somewhere. */
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const QR_PREFIX = 'https://localhost/?';
const UNEVEN = 'has another number of columns than the heading';
/** As the Worker: a laboratory's clock may be ahead by an hour. */
const SKEW_SECONDS = 3_600;

/**
 * @param text the file's, with or without a byte order mark; columns between commas or semicolons, named in the first line
 * @param kind the route it is for
 * @param now Unix seconds
 * @returns what can be sent, in the file's order, and what not
 * @throws TableError when it is no such table, or a column is missing or unknown
 */
export function readTable(text: string, kind: ResultKind, now: number): Table {
  const wanted = kind === 'lab' ? 'guid' : 'hash';
  const lines: Line[] = [];
  const refused: Refused[] = [];
  const seen = new Map<string, number>();
  let smallLetters = 0;
  for (const { record, info } of records(text, wanted, (line) => refused.push({ line, reason: UNEVEN }))) {
    // The line at which the record ends: quoted cells may hold several.
    const line = info.lines;
    const read = kind === 'lab' ? testRows(record, now) : partnerRows(record, kind, now);
    const id = typeof read === 'string' ? '' : (read.at(-1)?.id ?? '');
    const before = seen.get(id);
    if (typeof read === 'string') refused.push({ line, reason: read });
    else if (before !== undefined) refused.push({ line, reason: `${wanted}: stands in line ${before} already` });
    else {
      seen.set(id, line);
      lines.push({ line, rows: read });
      if (kind === 'lab' && /[a-f]/.test((record.guid ?? '').replace(QR_PREFIX, ''))) smallLetters++;
    }
  }
  return { lines, refused, smallLetters };
}

interface CsvRecord {
  readonly record: Cells;
  readonly info: { readonly lines: number };
}

/** @param onUneven gets each line that has too many or too few columns; the others are read all the same */
function records(text: string, wanted: Column, onUneven: (line: number) => void): CsvRecord[] {
  if (text.trim() === '') throw new TableError('no table: it is empty');
  const heading = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  try {
    return parse(text, {
      bom: true,
      columns: (names: string[]) => checkedColumns(names, wanted),
      delimiter: heading.includes(';') ? ';' : ',',
      info: true,
      on_skip: (error) => {
        const { code, lines } = error as { readonly code?: string; readonly lines?: number };
        if (code !== 'CSV_RECORD_INCONSISTENT_COLUMNS') throw new TableError(`no table: ${messageOf(error)}`);
        onUneven(lines ?? 0);
      },
      skip_records_with_error: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as CsvRecord[];
  } catch (error) {
    throw new TableError(error instanceof TableError ? error.message : `no table: ${messageOf(error)}`);
  }
}

/** csv-parse quotes what it couldn't read; its code says as much, and no cell of a patient's. */
function messageOf(error: unknown): string {
  const { code, lines } = error as { readonly code?: string; readonly lines?: number };
  return `${code ?? 'unreadable'}${lines === undefined ? '' : ` at line ${lines}`}`;
}

function checkedColumns(names: readonly string[], wanted: Column): string[] {
  const columns = names.map((name) => name.trim().toLowerCase());
  const expected = COLUMNS.filter((name) =>
    wanted === 'guid' ? name !== 'hash' : !['guid', 'birth_date'].includes(name),
  );
  const [position] = [columns.findIndex((name) => !expected.some((one) => one === name))];
  if (position !== -1)
    throw new TableError(`column ${position + 1}: the columns of this route are ${expected.join(', ')}`);
  for (const name of [wanted, 'result'])
    if (!columns.includes(name)) throw new TableError(`column ${name}: is missing`);
  if (new Set(columns).size !== columns.length) throw new TableError('columns: one stands twice');
  return columns;
}

/** @returns the rows of a PCR test, or why it is refused */
function testRows({ guid = '', birth_date = '', ...cells }: Cells, now: number): WireRow[] | string {
  const scanned = scanQrCode(
    guid.startsWith(QR_PREFIX) ? guid : `${QR_PREFIX}${guid}`,
    birth_date === '' ? null : birth_date,
  );
  if (!scanned.ok) {
    return scanned.error.kind === 'bad-date'
      ? 'birth_date: must be YYYY-MM-DD'
      : 'guid: must be that of a QR code, 6-8-4-4-4-12 hex digits';
  }
  const said = saidBy(cells, 'lab', now);
  if (typeof said === 'string') return said;
  const { key, keyDob } = scanned.value;
  return [...(keyDob === null ? [] : [{ id: keyDob, ...said }]), { id: key, ...said }];
}

function partnerRows({ hash = '', ...cells }: Cells, kind: ResultKind, now: number): WireRow[] | string {
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) return "hash: must be the QR code's, 64 hex digits";
  const said = saidBy(cells, kind, now);
  return typeof said === 'string' ? said : [{ id: hash.toLowerCase(), ...said }];
}

function saidBy(cells: Cells, kind: ResultKind, now: number): Omit<WireRow, 'id'> | string {
  const { first, words } = ROUTES[kind];
  const word = (cells.result ?? '').toLowerCase();
  const code = words.includes(word) ? first + WORDS.indexOf(word) : Number(/^\d{1,2}$/.exec(word)?.[0] ?? Number.NaN);
  if (!words.some((one) => first + WORDS.indexOf(one) === code)) {
    const codes = words.map((one) => `${one} or ${first + WORDS.indexOf(one)}`);
    return `result: must be ${codes.join(', ')}`;
  }
  const when = cells.sample_collected ?? '';
  if (when === '') return { result: code };
  const sc = /^\d{9,10}$/.test(when)
    ? Number(when)
    : INSTANT.test(when)
      ? Math.floor(Date.parse(when) / 1000)
      : Number.NaN;
  if (!Number.isFinite(sc)) return 'sample_collected: must be 2026-11-24T08:30:00+01:00 or Unix seconds';
  return sc > now + SKEW_SECONDS ? 'sample_collected: is in the future' : { result: code, sc };
}
