/**
 * @module The end of a run: the whole summary as JSON for the report (load-tests/driver/cli.ts), and a few lines for a person.
 * Contract of handleSummary: k6 release notes v0.30.0.
 */

import { SIGNATURES_CHECKED } from './signed.ts';

interface Metric {
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

/** What k6 hands to handleSummary. */
interface SummaryData {
  readonly metrics: Readonly<Record<string, Metric>>;
}

/**
 * @param data k6's summary
 * @returns what k6 is to write where
 */
export function handleSummary(data: SummaryData): Record<string, string> {
  const value = (metric: string, name: string): string => {
    const number = data.metrics[metric]?.values[name];
    return number === undefined ? '–' : `${Math.round(number * 100) / 100}`;
  };
  const missed = Object.entries(data.metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds ?? {}).flatMap(([rule, { ok }]) => (ok ? [] : [`${name}: ${rule}`])),
  );
  const lines = [
    `  iterations ${value('iterations', 'count')} (${value('iterations', 'rate')}/s), sessions ${value('sessions_begun', 'count')}, good ${value('sessions_good', 'count')}, dropped ${value('dropped_iterations', 'count')}`,
    `  requests ${value('http_reqs', 'count')} (${value('http_reqs', 'rate')}/s), session p95 ${value('session_duration', 'p(95)')} ms`,
    ...(SIGNATURES_CHECKED ? [] : ['  signatures of heads were NOT checked: MANIFEST_KEY is not set']),
    missed.length === 0 ? '  all thresholds met' : `  MISSED: ${missed.join('; ')}`,
  ];
  const target = __ENV['SUMMARY'];
  return { stdout: `${lines.join('\n')}\n`, ...(target === undefined ? {} : { [target]: JSON.stringify(data) }) };
}
