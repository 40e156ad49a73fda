/** @module The travel story's tables: how each case came out, and what each backend saw of each phone. */
import { type Case, REGIONS } from './cast.ts';
import { type CaseCount, type PhoneEnd, sawOf, type SeenRequest } from './count.ts';

/** One case with its figures, as summary.json has it. */
export interface CaseRow extends CaseCount {
  readonly story: string;
  readonly positive: string;
  readonly warned: readonly string[];
  readonly spared: Case['spared'];
}

/** One phone, as summary.json has it. */
export interface PhoneRow {
  readonly phone: string;
  readonly home: string;
  readonly trips: readonly string[];
  /** Region → requests of each kind. */
  readonly saw: Readonly<Record<string, ReturnType<typeof sawOf>>>;
  readonly acts: readonly string[];
  readonly warnings: number;
}

/** @returns what each backend saw of each phone */
export function phoneRows(phones: readonly PhoneEnd[], requests: readonly SeenRequest[]): PhoneRow[] {
  return phones.map(({ name, home, trips, acts, warned }) => ({
    phone: name,
    home,
    trips,
    saw: Object.fromEntries(REGIONS.map(({ id }) => [id, sawOf(requests, name, id)])),
    acts: acts.map(({ what }) => what),
    warnings: warned.size,
  }));
}

/** @param hours of warnings @returns the shortest and the longest, to a tenth */
export function span(hours: readonly number[]): string {
  const [least, most] = [Math.min(...hours), Math.max(...hours)].map((one) => one.toFixed(1)) as [string, string];
  if (hours.length === 0) return '-';
  return least === most ? least : `${least} to ${most}`;
}

/** Columns of text, the first and the last to the left. */
function columns(rows: readonly (readonly string[])[]): string {
  const [first = []] = rows;
  const widths = first.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const isLeft = (at: number): boolean => at === 0 || at === widths.length - 1;
  const cell = (text: string, at: number): string =>
    isLeft(at) ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

/** @returns a line a case */
export function caseTable(rows: readonly CaseRow[]): string {
  const heading = ['story', 'positive', 'found', 'missed', 'false', 'hours', 'warned; must not be'];
  return columns([
    heading,
    ...rows.map(({ story, positive, found, missed, wrong, hours, warned, spared }) => [
      story,
      positive,
      String(found),
      String(missed),
      String(wrong),
      span(hours),
      `${warned.join(', ')}; not ${Object.keys(spared).join(', ')}`,
    ]),
  ]);
}

/** Reads, and where there were any, requests of tests and uploads, of which dummies are no small part. */
function sawText({ read, test, upload }: ReturnType<typeof sawOf>): string {
  if (read + test + upload === 0) return '-';
  return test + upload === 0 ? String(read) : `${read} + ${test} + ${upload}`;
}

/** @returns a line a phone: what each backend saw of it, and what its owner had to do */
export function phoneTable(rows: readonly PhoneRow[]): string {
  return columns([
    ['phone', 'lives in', 'was in', ...REGIONS.map(({ id }) => `${id} saw`), 'warnings', 'its owner'],
    ...rows.map(({ phone, home, trips, saw, acts, warnings }) => [
      phone,
      home,
      trips.join(', ') || '-',
      ...REGIONS.map(({ id }) => sawText(saw[id] ?? { read: 0, test: 0, upload: 0 })),
      String(warnings),
      acts.join('; ') || '-',
    ]),
  ]);
}
