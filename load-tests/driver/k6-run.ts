/**
 * @module Runs one scenario in k6, bounded in time, and follows it by k6's REST API: the curves of the report.
 */
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { K6 } from './k6.ts';
import { endAtInterrupt } from '../../scripts/support/command-line/interrupt.ts';

const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');
const SAMPLE_MILLISECONDS = 1_000;

/** A metric of k6's summary (handleSummary). */
export interface Metric {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** One look at a running test. */
export interface Sample {
  /** Seconds since k6 was started. */
  readonly at: number;
  readonly iterations: number;
  readonly requests: number;
  /** Of the last interval, from the counts; p95 is of the run so far, ms. */
  readonly p95: number;
  readonly received: number;
}

/** What a run gave. */
export interface K6Result {
  readonly exitCode: number;
  readonly metrics: Readonly<Record<string, Metric>>;
  /** Thresholds that were missed, `metric: rule`. */
  readonly missed: readonly string[];
  readonly samples: readonly Sample[];
  /** What k6 printed, for a failure. */
  readonly output: string;
  readonly seconds: number;
}

/** How to run. */
export interface K6Options {
  readonly k6: K6;
  /** File in load-tests/, without extension. */
  readonly scenario: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Folder for the summary. */
  readonly folder: string;
  /** The run is ended by its process id after this long. */
  readonly atMostSeconds: number;
  /** Called once, this many seconds after the start. */
  readonly during?: { readonly seconds: number; readonly act: () => Promise<void> };
}

/**
 * Runs a scenario to its end.
 *
 * @param options see {@link K6Options}
 * @returns summary, missed thresholds and curves
 * @throws Error when k6 ended without a summary (a script that fails in its init or setup)
 */
export async function runK6(options: K6Options): Promise<K6Result> {
  const port = await freePort();
  const summary = join(options.folder, `${options.scenario}.summary.json`);
  rmSync(summary, { force: true });
  const started = Date.now();
  const child = spawn(
    options.k6.path,
    [
      'run',
      '--quiet',
      '--no-usage-report',
      '--address',
      `127.0.0.1:${port}`,
      join(SCENARIOS, `${options.scenario}.ts`),
    ],
    {
      env: { ...process.env, ...options.environment, SUMMARY: summary, K6_NO_USAGE_REPORT: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)));
  }
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const off = endAtInterrupt(() => void child.kill('SIGKILL'));
  const tooLong = setTimeout(() => child.kill('SIGKILL'), options.atMostSeconds * 1_000);
  const running = { now: true };
  const curves = follow(port, started, running);
  const { during } = options;
  const act = during === undefined ? Promise.resolve() : sleep(during.seconds * 1_000).then(during.act);
  const [exitCode] = await Promise.all([ended, act]).finally(() => {
    running.now = false;
    clearTimeout(tooLong);
    off();
  });
  const samples = await curves;
  const seconds = (Date.now() - started) / 1_000;
  const metrics = readMetrics(summary, options.scenario, output);
  return { exitCode, metrics, missed: missedOf(metrics), samples, output, seconds };
}

function readMetrics(file: string, scenario: string, output: string): Readonly<Record<string, Metric>> {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { metrics: Record<string, Metric> }).metrics;
  } catch {
    throw new Error(`load: k6 ended without a summary of ${scenario}:\n${output.slice(-3_000)}`);
  }
}

/**
 * @param result of a run
 * @returns why it doesn't count, none when it does: each iteration was a session and each session was good, no threshold was
 *   missed, and k6 says so too
 */
export function failuresOf({ metrics, missed, exitCode, output }: Omit<K6Result, 'samples' | 'seconds'>): string[] {
  const [iterations = 0, begun = 0, good = 0] = ['iterations', 'sessions_begun', 'sessions_good'].map(
    (metric) => metrics[metric]?.values['count'] ?? 0,
  );
  const sessions =
    iterations > 0 && iterations === begun && begun === good
      ? []
      : [`${iterations} iterations, ${begun} sessions, ${good} good ones`];
  const silent = exitCode !== 0 && missed.length === 0;
  return [...missed, ...sessions, ...(silent ? [`k6 ended with ${exitCode}: ${output.slice(-400)}`] : [])];
}

/**
 * @param metrics of a summary
 * @returns thresholds that were missed, `metric: rule`
 */
function missedOf(metrics: Readonly<Record<string, Metric>>): string[] {
  return Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.entries(thresholds).flatMap(([rule, { ok }]) => (ok ? [] : [`${name}: ${rule}`])),
  );
}

interface ApiMetric {
  readonly id: string;
  readonly attributes: { readonly sample: Readonly<Record<string, number>> };
}

async function follow(port: number, started: number, running: { now: boolean }): Promise<Sample[]> {
  const samples: Sample[] = [];
  while (running.now) {
    await sleep(SAMPLE_MILLISECONDS);
    const answer = await fetch(`http://127.0.0.1:${port}/v1/metrics`).catch(() => null);
    if (answer === null || !answer.ok) continue;
    const { data } = (await answer.json()) as { readonly data: readonly ApiMetric[] };
    const value = (id: string, name: string): number =>
      data.find((metric) => metric.id === id)?.attributes.sample[name] ?? 0;
    samples.push({
      at: (Date.now() - started) / 1_000,
      iterations: value('iterations', 'count'),
      requests: value('http_reqs', 'count'),
      p95: value('session_duration', 'p(95)') || value('http_req_duration', 'p(95)'),
      received: value('data_received', 'count'),
    });
  }
  return samples;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { readonly port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
