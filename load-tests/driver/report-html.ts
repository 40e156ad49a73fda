/**
 * @module The load report as one HTML file that needs nothing else: tables, plots, and the capacity model on top. Pure.
 */
import { type Measured, ours } from '../capacity/assumptions.ts';
import { asTable, capacityCharts } from '../capacity/output.ts';
import { scheduleOf } from '../capacity/schedule.ts';
import { barChart, escapeText, lineChart } from '../../scripts/support/chart.ts';
import { compared, serversIn } from './compare.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import type { ScenarioResult } from './context.ts';
import type { Sample } from './k6-run.ts';
import type { CompleteRun, ReportTargets } from './load-run.ts';
import {
  bytesTable,
  comparisonTable,
  cpuTable,
  scenarioTable,
  searchTable,
  SERVER_NAMES,
  type Table,
  targetTable,
} from './report-tables.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1c1c; --soft: #5b5b5b; --line: #d9d9d9; --paper: #fff; --met: #00724f; --missed: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececec; --soft: #a9a9a9; --line: #3d3d3d; --paper: #181818; --met: #4cc38a; --missed: #ff8a80; }
}
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 2.5rem 0 .25rem; font-size: 1.2rem; }
h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 62rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
.met { color: var(--met); font-weight: 600; } .missed { color: var(--missed); font-weight: 600; }
ul { margin: .25rem 0 .75rem; padding-left: 1.1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1.25rem; }
svg { width: 100%; height: auto; display: block; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid var(--line); font-size: 13px; line-height: 1.4; }
`;

const marked = (text: string): string => {
  const kind = /^(met|held)$/.test(text) ? 'met' : /^(MISSED|not held)$/.test(text) ? 'missed' : '';
  return kind === '' ? escapeText(text) : `<span class="${kind}">${escapeText(text)}</span>`;
};

function table({ title, note, heads, rows }: Table): string {
  // A column is one of numbers when all its cells begin with a digit, or say that there is none.
  const numeric = heads.map((_, column) =>
    rows.every((row) => /^(\d|–|≤)/.test(row[column] ?? '') && (row[column] ?? '').length < 20),
  );
  const kind = (column: number): string => (numeric[column] === true ? ' class="number"' : '');
  const head = heads.map((text, column) => `<th${kind(column)}>${escapeText(text)}</th>`).join('');
  const cells = (row: readonly string[]): string =>
    row.map((text, column) => `<td${kind(column)}>${marked(text)}</td>`).join('');
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n');
  return `<h2>${escapeText(title)}</h2><p>${escapeText(note)}</p>
<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

/** Counts of samples into rates between them. */
function rateOf(samples: readonly Sample[], count: (sample: Sample) => number): [number, number][] {
  return samples.slice(1).map((sample, index) => {
    const before = samples[index] ?? sample;
    return [sample.at, (count(sample) - count(before)) / Math.max(0.001, sample.at - before.at)];
  });
}

function scenarioPlots(result: ScenarioResult): string {
  const { scenario, question, samples, assertions } = result;
  const time = { label: 'seconds', scale: 'linear' } as const;
  const plots = [
    lineChart(
      'Rate',
      [
        { name: 'sessions/s', points: rateOf(samples, (sample) => sample.iterations) },
        { name: 'requests/s', points: rateOf(samples, (sample) => sample.requests) },
      ],
      time,
      { label: 'a second', scale: 'linear' },
    ),
    lineChart(
      'p95 so far',
      [{ name: 'p95', points: samples.filter(({ p95 }) => p95 > 0).map(({ at, p95 }) => [at, p95] as const) }],
      time,
      { label: 'ms', scale: 'linear' },
    ),
    lineChart('Received', [{ name: 'MB/s', points: rateOf(samples, (sample) => sample.received / 1e6) }], time, {
      label: 'MB a second',
      scale: 'linear',
    }),
  ];
  const list = assertions.map(
    ({ text, holds }) =>
      `<li><span class="${holds ? 'met' : 'missed'}">${holds ? 'holds' : 'MISSED'}</span> ${escapeText(text)}</li>`,
  );
  return `<h3>${escapeText(scenario)}</h3><p>${escapeText(question)}</p><ul>${list.join('')}</ul>
<div class="plots">${plots.join('')}</div>`;
}

function overview(run: CompleteRun, targets: ReportTargets): string {
  const { steps, bytes, results } = run;
  const full = targets.rates.phones30Million.sessionsPerSecond;
  const offered = steps.map((step) => [step.factor * full, step.factor * full] as const);
  const downloads = results.filter(({ offload }) => offload !== null);
  const limit = targets.bytesPerPhoneAndDay;
  const bar = (name: string, value: number, pale = false) => ({ name, median: value, low: value, high: value, pale });
  const inMegabytes = (name: string, bytesADay: number, pale = false) => bar(name, bytesADay / 1e6, pale);
  const plots = [
    lineChart(
      'Sessions made by sessions offered',
      [
        { name: 'offered', points: offered, dashed: true },
        { name: 'made', points: steps.map((step) => [step.factor * full, step.sessionsPerSecond]) },
      ],
      { label: 'sessions offered a second', scale: 'linear' },
      { label: 'sessions made a second', scale: 'linear' },
    ),
    lineChart(
      'Session time by rate',
      [
        { name: 'p95', points: steps.map((step) => [step.factor * full, step.p95]) },
        { name: 'p99', points: steps.map((step) => [step.factor * full, step.p99]) },
      ],
      { label: 'sessions offered a second', scale: 'linear' },
      { label: 'ms', scale: 'log' },
    ),
    barChart(
      'Bytes a phone and day',
      [
        inMegabytes('Manifest, daily', bytes.manifestDaily.total),
        inMegabytes('its target', limit.dailyClient, true),
        inMegabytes('Manifest, hourly', bytes.manifestHourly.total),
        inMegabytes('its target', limit.hourlyClient, true),
        inMegabytes("CWA's tree, daily", bytes.cwaDaily.total),
        inMegabytes("CWA's tree, hourly", bytes.cwaHourly.total),
        inMegabytes("CWA's own estimate", limit.seedEstimate, true),
      ],
      'MB',
    ),
    barChart(
      'Requests of phones for each read of the origin',
      downloads.map(({ scenario, requests, originReads }) =>
        bar(scenario, requests / Math.max(1, originReads?.reads ?? 1)),
      ),
      '',
    ),
    barChart(
      'Sessions a second, 24 phones, spread of 5 repetitions',
      serversIn(run.comparison).map((server) => ({
        name: SERVER_NAMES[server],
        ...compared(run.comparison, server).rate,
      })),
      '/s',
    ),
  ];
  return `<h2>At a glance</h2><div class="plots">${plots.join('')}</div>`;
}

/**
 * @param run a complete run
 * @param targets load-tests/targets.json
 * @param measured what the capacity model takes in
 * @param parameters whose cover traffic and polls the model counts
 * @returns a complete HTML document without a reference to anything outside
 */
export function asHtml(run: CompleteRun, targets: ReportTargets, measured: Measured, parameters: Parameters): string {
  const date = run.date.toISOString().slice(0, 10);
  const model = ours(measured, 'manifest', 'hourly', scheduleOf(parameters));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>exposure-edge: load report ${date}</title><style>${STYLE}</style></head><body>
<h1>exposure-edge: load report</h1>
<p>${date}, <code>npm run load</code> on ${escapeText(run.machine)}, k6 ${escapeText(run.k6)}. ${run.days} days of
${run.casesPerDay} cases were sealed by the real origin first. Everything on 127.0.0.1.</p>
${table(targetTable(run, targets))}
${overview(run, targets)}
${table(bytesTable(run, targets))}
${table(scenarioTable(run))}
${table(searchTable(run))}
${table(comparisonTable(run))}
${table(cpuTable(run))}
<h2>60 million phones</h2>
<p>The capacity model on the bytes and CPU above and the list prices of ${escapeText(targets.prices.date)}: <code>npm run capacity</code>.</p>
<pre>${escapeText(asTable(model, targets.prices))}</pre>
<div class="plots">${capacityCharts(model, targets.prices).join('')}</div>
<h2>Each scenario</h2>
${run.results.map(scenarioPlots).join('\n')}
</body></html>
`;
}
