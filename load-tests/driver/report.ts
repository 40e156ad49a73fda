/**
 * @module Writes what `npm run load` found: load-tests/measured.json for the capacity model, and the report as Markdown and as one
 * self-contained HTML file in load-tests/results/.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, relative } from 'node:path';
import type { Measured } from '../capacity/assumptions.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import type { MeasuredBytes, PhoneDay } from './bytes.ts';
import type { Repetition } from './compare.ts';
import type { CompleteRun, LoadRun, ReportTargets } from './load-run.ts';
import { asHtml } from './report-html.ts';
import { KEYS_PER_UPLOADED_CASE } from './seed.ts';
import { asMarkdown, asTable } from './report-markdown.ts';
import { comparisonTable } from './report-tables.ts';

/** One session in fifty is made again (load-tests/scenarios/bytes.ts). */
const RETRY_SHARE = 1 / 50;

const ROOT = join(import.meta.dirname, '..', '..');
const LOAD_TESTS = join(ROOT, 'load-tests');

/**
 * The parts that the capacity model takes in.
 *
 * @param run a complete run
 * @returns as load-tests/measured.json holds it, whole bytes and hundredths
 */
function measuredOf(run: CompleteRun): Measured {
  return {
    date: dayOf(run.date),
    machine: run.machine,
    ...phoneDaysOf(run.bytes, run.date),
    views: viewsOf(run.bytes),
    indexCpuMilliseconds: Number(run.cpu.index.toFixed(3)),
    uploadCpuMilliseconds: Number(run.cpu.upload.toFixed(3)),
    dummyCpuMilliseconds: Number(run.cpu.dummy.toFixed(3)),
    questionCpuMilliseconds: Number(run.cover.questionCpu.toFixed(3)),
    bytesPerUnchangedPoll: Math.round(run.headAgain),
    bytesPerCoverAction: Math.round(run.cover.bytesPerAction),
  };
}

/** What a phone's day is made of. */
function viewsOf({ parts, manifestHourly, casesPerDay }: MeasuredBytes): Measured['views'] {
  const bytes = (value: number): number => Math.max(0, Math.round(value));
  // What is left of an hourly phone's day when heads, page and keys are taken off: 24 files' own headers and frames.
  const sessions = 24 * (1 + RETRY_SHARE);
  const dayIndex = parts.manifestIndex - parts.headAlone;
  const hourKeys = parts.keysInHour ?? (casesPerDay * KEYS_PER_UPLOADED_CASE) / 24;
  const keys = 24 * hourKeys * parts.bytesPerKey * (1 + RETRY_SHARE);
  const hourFile = (manifestHourly.total - sessions * parts.headAlone - dayIndex - keys) / sessions;
  const view = (bytesPerKey: number, session: number, index: number) => ({
    bytesPerKey: Number(bytesPerKey.toFixed(2)),
    bytesPerSession: bytes(session),
    bytesPerFile: bytes(hourFile),
    bytesPerDayIndex: bytes(index),
  });
  return {
    manifest: view(parts.bytesPerKey, parts.headAlone, dayIndex),
    // A session of CWA's asks for one list; the other of the two comes once a day. Its files are ZIPs, with the same headers.
    cwa: view(parts.zipBytesPerKey, parts.cwaLists, 0),
  };
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

/** Bytes of whole days, as they were counted: of one region, and of a journey; older runs have none of the latter. */
function phoneDaysOf(bytes: MeasuredBytes, date: Date): Pick<Measured, 'phoneDays'> {
  const { casesPerDay, manifestDaily, manifestHourly, roamingDaily, roamingHourly } = bytes;
  if (roamingDaily === undefined || roamingHourly === undefined) return {};
  const of = (daily: PhoneDay, hourly: PhoneDay) => ({
    daily: Math.round(daily.total),
    hourly: Math.round(hourly.total),
  });
  return {
    phoneDays: {
      date: dayOf(date),
      casesPerDay,
      oneRegion: of(manifestDaily, manifestHourly),
      journey: of(roamingDaily, roamingHourly),
    },
  };
}

/**
 * Writes what a measurement of bytes alone found beside what load-tests/measured.json has.
 *
 * @returns the file, relative to the repository
 */
export function writePhoneDays(bytes: MeasuredBytes, date: Date): string {
  const file = join(LOAD_TESTS, 'measured.json');
  const before = JSON.parse(readFileSync(file, 'utf8')) as Measured;
  writeFileSync(
    file,
    `${JSON.stringify({ ...before, ...phoneDaysOf(bytes, date), views: viewsOf(bytes) }, null, 2)}\n`,
  );
  return relative(ROOT, file);
}

/**
 * Writes the comparison alone.
 *
 * @returns the file, relative to the repository
 */
export function writeComparison(comparison: readonly Repetition[], run: LoadRun): string {
  const file = join(LOAD_TESTS, 'results', 'own-hardware.md');
  const made = `Made by \`npm run load -- --compare\` on ${run.machine}, k6 ${run.k6}, ${dayOf(run.date)}; ${run.casesPerDay} cases a day.`;
  const load = (loadavg()[0] ?? Number.NaN).toFixed(1);
  const shared = `k6, nginx, workerd and the store share the cores; load average at the end ${load}. Rates are of this machine at that hour, ratios are taken within a turn.`;
  writeFileSync(
    file,
    `# One's own hardware beside nginx with static files\n\n${made}\n${shared}\n\n${asTable(comparisonTable({ comparison }))}`,
  );
  return relative(ROOT, file);
}

/**
 * Writes the report.
 *
 * @param run with all parts
 * @returns the files, relative to the repository
 * @throws Error naming the part that is missing
 */
export function writeReport(run: LoadRun): string[] {
  for (const part of ['bytes', 'big', 'headAgain', 'cover', 'held', 'steps', 'results', 'comparison', 'cpu'] as const) {
    if (run[part] === undefined) throw new Error(`report: the run has no ${part}`);
  }
  const complete = run as CompleteRun;
  const targets = JSON.parse(readFileSync(join(LOAD_TESTS, 'targets.json'), 'utf8')) as ReportTargets;
  const parameters = JSON.parse(readFileSync(join(ROOT, 'parameters/default.json'), 'utf8')) as Parameters;
  const folder = join(LOAD_TESTS, 'results');
  mkdirSync(folder, { recursive: true });
  const measured = measuredOf(complete);
  const name = dayOf(run.date);
  const files = [
    [join(LOAD_TESTS, 'measured.json'), `${JSON.stringify(measured, null, 2)}\n`],
    [join(folder, `${name}.md`), asMarkdown(complete, targets)],
    [join(folder, `${name}.html`), asHtml(complete, targets, measured, parameters)],
    // The figures themselves, so that a report can be drawn again.
    [join(folder, `${name}.json`), `${JSON.stringify(complete)}\n`],
  ] as const;
  for (const [file, text] of files) writeFileSync(file, text);
  return files.map(([file]) => relative(ROOT, file));
}

/**
 * Draws the report of an earlier run anew.
 *
 * @param file the JSON that {@link writeReport} left
 * @returns the files, relative to the repository
 */
export function drawAgain(file: string): string[] {
  const run = JSON.parse(readFileSync(file, 'utf8')) as LoadRun & { readonly date: string };
  return writeReport({ ...run, date: new Date(run.date) });
}
