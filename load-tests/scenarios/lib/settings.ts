/**
 * @module What a run is told by its environment, and the targets. `npm run load` sets all of it; by hand:
 *   BASE_URLS    edges, comma separated, e.g. https://127.0.0.1:8441,https://127.0.0.1:8442
 *   RATE_FACTOR  part of 8,333 sessions/s (30 million phones) that this machine makes; one file for laptop, CI and fleet
 *   DURATION     seconds of the constant part
 *   REGION       DE or EUR; CWA's phones read EUR
 *   HOME_REGION  home country, which phones on a journey read too
 *   PORTAL_URL   where staff pages are; an edge unless it is set
 *   MANIFEST_KEY file of the key that heads are signed with, public half, PEM; without it signatures are not checked
 *   TIMEOUT      seconds until a request counts as failed
 *   SUMMARY      where the JSON summary goes
 *   CHECK_TIMES  "no" leaves thresholds on times out (CI), never those on correctness
 * A fleet adds k6's own --execution-segment (README.md).
 */

import { sessionRules } from './session.ts';

interface Targets {
  readonly rates: Readonly<
    Record<'phones30Million' | 'phones60Million', { readonly phones: number; readonly sessionsPerSecond: number }>
  >;
  readonly download: Readonly<Record<'httpFailures' | 'droppedIterations', string>> &
    Readonly<Record<'sessionMillisecondsP95' | 'sessionMillisecondsP99', number>>;
  readonly flood: { readonly factor: number };
  readonly upload: Readonly<
    Record<
      | 'realPerSecond'
      | 'decoysPerReal'
      | 'floodFactor'
      | 'answerDeadlineMilliseconds'
      | 'deadlineSpreadMillisecondsP95',
      number
    >
  >;
  readonly publish: Readonly<Record<'realPerSecond' | 'decoysPerReal' | 'answerBytes', number>>;
  readonly cover: Readonly<Record<'chaffPerAction' | 'mostSessionsPerSecond', number>>;
  readonly certificate: Readonly<Record<'realPerSecond' | 'decoysPerReal' | 'answerBytes', number>>;
  readonly portal: Readonly<
    Record<'agents' | 'agentSecondsPerTeleTan' | 'lookUpsPerSecond' | 'pageMillisecondsP95', number>
  >;
}

/** load-tests/targets.json: the one place for numbers. */
export const TARGETS = JSON.parse(open('../../targets.json')) as Targets;

/** Reads a number from the environment, loudly. */
function numberFrom(name: string, otherwise: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name}=${text}: a number above 0 is needed`);
  return value;
}

/** Part of the full rate. */
export const RATE_FACTOR = numberFrom('RATE_FACTOR', 0.01);
/** Seconds of the constant part. */
export const DURATION = numberFrom('DURATION', 10);
/** What a phone of an unlucky moment would wait; past it a request counts as failed. */
export const REQUEST_TIMEOUT = `${numberFrom('TIMEOUT', 20)}s`;
/** Region read by the phones of this run. */
export const REGION = __ENV['REGION'] ?? 'EUR';
/** The home country of each backend, whose feed a phone on a journey reads beside its own region's. */
export const HOME = __ENV['HOME_REGION'] ?? 'DE';
/** Edges; a phone takes one at random, as anycast gives it the nearest. */
const EDGES = (__ENV['BASE_URLS'] ?? __ENV['BASE_URL'] ?? 'https://127.0.0.1:8441').split(',');
/** Sessions a second of 30 million phones at this factor. */
export const SESSIONS_PER_SECOND = TARGETS.rates.phones30Million.sessionsPerSecond * RATE_FACTOR;

const CHECK_TIMES = __ENV['CHECK_TIMES'] !== 'no';
/** `no` for nginx's static files, whose ETags are of their time and size. */
export const CHECK_ETAGS = __ENV['CHECK_ETAGS'] !== 'no';

/** @returns an edge's address without a trailing slash */
export function anyEdge(): string {
  return EDGES[Math.floor(Math.random() * EDGES.length)] ?? '';
}

/** @param index of a host, from 0 @returns its address; where there are fewer, some share one */
export function edgeAt(index: number): string {
  return EDGES[index % EDGES.length] ?? '';
}

/**
 * A k6 scenario with a constant arrival of sessions.
 *
 * @param perSecond sessions a second, may be below 1
 * @param exec name of the exported function
 * @param sessionSeconds how long a session may take, for the number of VUs
 * @returns the scenario's options
 */
export function arrival(perSecond: number, exec: string, sessionSeconds = 1): object {
  const whole = perSecond >= 1;
  const vus = Math.max(10, Math.ceil(perSecond * sessionSeconds));
  return {
    executor: 'constant-arrival-rate',
    rate: whole ? Math.round(perSecond) : Math.max(1, Math.round(perSecond * 60)),
    timeUnit: whole ? '1s' : '1m',
    duration: `${DURATION}s`,
    preAllocatedVUs: Math.min(vus, 4_000),
    maxVUs: Math.min(vus * 3, 6_000),
    gracefulStop: '10s',
    exec,
  };
}

/** Options that every scenario has: TLS is real, its certificate is made at start; each iteration is a new connection. */
const COMMON = {
  insecureSkipTLSVerify: true,
  noVUConnectionReuse: true,
  discardResponseBodies: false,
  userAgent: 'exposure-edge-load-test',
  summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  setupTimeout: '60s',
} as const;

/** What a scenario file runs and demands. */
interface Plan {
  /** k6's scenarios by name; the functions they run are made by `session`. */
  readonly scenarios: Readonly<Record<string, object>>;
  /** Thresholds beside those on sessions: what else must hold. */
  readonly correctness?: Readonly<Record<string, string[]>>;
  /** Thresholds on times, left out where CHECK_TIMES says so. */
  readonly times?: Readonly<Record<string, string[]>>;
}

/**
 * @param plan see {@link Plan}
 * @returns k6's options: in each of its scenarios some sessions were good, none was not, and none was dropped
 */
export function options({ scenarios, correctness = {}, times = {} }: Plan): object {
  return {
    ...COMMON,
    scenarios,
    thresholds: {
      dropped_iterations: [TARGETS.download.droppedIterations],
      ...sessionRules(Object.keys(scenarios)),
      // A wrong answer fails its check, and its session by that: this one is for what a session doesn't wait for.
      checks: ['rate==1'],
      ...correctness,
      ...(CHECK_TIMES ? times : {}),
    },
  };
}
