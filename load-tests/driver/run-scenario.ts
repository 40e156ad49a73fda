/**
 * @module One scenario from cold caches to its result: k6, the counters before and after, and the assertions that k6 itself
 * can't make.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import { holdBound, offloadRatio } from './bound.ts';
import { type Assertion, type Context, manifestKeyOf, type ScenarioResult, withTier } from './context.ts';
import { CALLS_BY_PHONES, counterDifference, type Counters, readCounters, sumOf } from './counters.ts';
import { failuresOf, type K6Options, type K6Result, runK6 } from './k6-run.ts';

/** How one scenario is run. */
export interface Plan {
  /** File in load-tests/, without extension. */
  readonly scenario: string;
  readonly factor: number;
  /** Seconds of the constant part. */
  readonly duration: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly during?: K6Options['during'];
  /** Assertions over the counters' difference and k6's metrics. */
  readonly assert?: (seen: Seen) => readonly Assertion[];
}

/** What assertions go by. */
export interface Seen {
  readonly counters: Counters;
  readonly k6: K6Result;
  readonly value: (metric: string, name: string) => number;
}

const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');

/** The question that a scenario's head asks. */
export function questionOf(scenario: string): string {
  const text = readFileSync(join(SCENARIOS, `${scenario}.ts`), 'utf8');
  return /Question: ([^?]+\?)/.exec(text)?.[1]?.replace(/\s*\n \*\s*/g, ' ') ?? scenario;
}

/**
 * Runs a scenario behind a tier of its own, whose caches are empty.
 *
 * @param context of the run
 * @param plan see {@link Plan}
 * @returns figures and assertions; nothing is thrown for a missed one
 */
export async function runScenario(context: Context, plan: Plan): Promise<ScenarioResult> {
  context.say(`${plan.scenario}: factor ${plan.factor}, ${plan.duration} s …`);
  return withTier(context, plan.scenario, async (tier) => {
    const before = await readCounters(context.edge);
    const k6 = await runK6({
      k6: context.k6,
      scenario: plan.scenario,
      folder: context.folder,
      environment: environmentOf(context, tier, plan),
      atMostSeconds: plan.duration + 90,
      ...(plan.during === undefined ? {} : { during: plan.during }),
    });
    const counters = counterDifference(before, await readCounters(context.edge));
    const result = resultOf(plan, tier, k6, counters);
    for (const { text, holds } of result.assertions) context.say(`  ${holds ? 'ok' : 'MISSED'}  ${text}`);
    return result;
  });
}

function environmentOf(context: Context, tier: EdgeTier, plan: Plan): Record<string, string> {
  return {
    BASE_URLS: tier.edges.join(','),
    DIRECT_URL: tier.uncached,
    RATE_FACTOR: String(plan.factor),
    DURATION: String(plan.duration),
    CHECK_TIMES: context.ci ? 'no' : 'yes',
    DAY: context.day,
    MANIFEST_KEY: manifestKeyOf(context.edge),
    ...plan.environment,
  };
}

function resultOf(plan: Plan, tier: EdgeTier, k6: K6Result, counters: Map<string, number>): ScenarioResult {
  const value = (metric: string, name: string): number => k6.metrics[metric]?.values[name] ?? 0;
  const isDownload = !/^(upload|verification|cover|portal)/.test(plan.scenario);
  const requests = value('http_reqs', 'count');
  const sessions = value('iterations', 'count');
  const seen: Seen = { counters, k6, value };
  const times = isDownload ? 'session_duration' : 'http_req_duration';
  const origin = isDownload ? originSide(tier, k6, counters) : null;
  return {
    scenario: plan.scenario,
    question: questionOf(plan.scenario),
    factor: plan.factor,
    seconds: k6.seconds,
    sessions,
    sessionsPerSecond: sessions / plan.duration,
    requests,
    requestsPerSecond: requests / plan.duration,
    dropped: value('dropped_iterations', 'count'),
    p95: value(times, 'p(95)'),
    p99: value(times, 'p(99)'),
    received: value('data_received', 'count'),
    originReads: origin?.bound ?? null,
    offload: origin === null ? null : offloadRatio(requests, tier.originReads().total),
    counters: Object.fromEntries(counters),
    assertions: [thresholdsMet(k6), ...(origin?.assertions ?? []), ...(plan.assert?.(seen) ?? [])],
    samples: k6.samples,
  };
}

function thresholdsMet(k6: K6Result): Assertion {
  const failures = failuresOf(k6);
  const good = k6.metrics['sessions_good']?.values['count'] ?? 0;
  const text =
    failures.length > 0 ? `k6: ${failures.join('; ')}` : `k6 thresholds are met, all ${good} sessions are good`;
  return { text, holds: failures.length === 0 };
}

/** The bound of docs/architecture.md §6, at the shield and at the edges, and that no Durable Object noticed. */
function originSide(tier: EdgeTier, k6: K6Result, counters: Counters) {
  const { seconds } = k6;
  const bound = holdBound(tier.originReads(), { seconds, caches: 1 });
  const edges = holdBound(tier.shieldReads(), { seconds, caches: tier.edges.length, readsPerExpiry: 2 });
  const calls = sumOf(counters, ...CALLS_BY_PHONES);
  const named = (broken: readonly string[]): string =>
    broken.length === 0 ? '' : `; broken by ${broken.slice(0, 3).join('; ')}`;
  const assertions: Assertion[] = [
    {
      text:
        `at most one origin read per object and TTL: ${bound.reads} reads of ${bound.objects} objects, ` +
        `${bound.allowed} allowed${named(bound.broken)}`,
      holds: bound.broken.length === 0 && bound.objects > 0,
    },
    {
      text: `at most one shield read per object, TTL and edge: ${edges.reads} reads, ${edges.allowed} allowed${named(edges.broken)}`,
      holds: edges.broken.length === 0 && edges.objects > 0,
    },
    { text: `Durable Objects called for phones: ${calls}`, holds: calls === 0 },
  ];
  return { bound, assertions };
}
