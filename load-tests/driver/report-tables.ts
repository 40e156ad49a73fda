/**
 * @module The tables of the load report as data, the same for Markdown and HTML. Pure.
 */
import type { MeasuredBytes, PhoneDay } from './bytes.ts';
import { compared, type Repetition, type Server, serversIn } from './compare.ts';
import type { CompleteRun, ReportTargets } from './load-run.ts';

/** A table: heads, rows of text, and which rows say that something was met or missed. */
export interface Table {
  readonly title: string;
  readonly note: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** @param value any number @param digits after the point @returns with thousands separated */
const grouped = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** @param bytes any @returns megabytes with three digits after the point */
const megabytes = (bytes: number): string => `${grouped(bytes / 1e6, 3)} MB`;

const percent = (share: number, digits = 2): string => `${(share * 100).toFixed(digits)} %`;
const verdict = (met: boolean): string => (met ? 'met' : 'MISSED');

/**
 * @param run a complete run
 * @param targets load-tests/targets.json
 * @returns what was to be shown, and whether it was
 */
export function targetTable(run: CompleteRun, targets: ReportTargets): Table {
  const { bytes, held } = run;
  const full = targets.rates.phones30Million.sessionsPerSecond;
  const sixty = targets.rates.phones60Million.sessionsPerSecond;
  const limit = targets.bytesPerPhoneAndDay;
  const all = run.results.flatMap(({ assertions }) => assertions);
  const missed = all.filter(({ holds }) => !holds).length;
  const bound = run.results.filter(({ originReads }) => originReads !== null);
  const reads = bound.reduce((sum, { originReads }) => sum + (originReads?.reads ?? 0), 0);
  const allowed = bound.reduce((sum, { originReads }) => sum + (originReads?.allowed ?? 0), 0);
  const requests = bound.reduce((sum, result) => sum + result.requests, 0);
  return {
    title: 'Targets',
    note: 'Rates and times are of this machine, where k6, three edges, the shield and the Workers share the cores. Bounds and bytes are not.',
    heads: ['What', 'Target', 'Found', ''],
    rows: [
      [
        'Origin reads per object, TTL and tier',
        '≤ 1',
        `${grouped(reads)} reads, ${grouped(allowed)} allowed, for ${grouped(requests)} requests`,
        verdict(reads <= allowed),
      ],
      [
        'Bytes a day, daily phone, manifest',
        `≤ ${megabytes(limit.dailyClient)}`,
        megabytes(bytes.manifestDaily.total),
        verdict(bytes.manifestDaily.total <= limit.dailyClient),
      ],
      [
        'Bytes a day, hourly phone, manifest',
        `≤ ${megabytes(limit.hourlyClient)}`,
        megabytes(bytes.manifestHourly.total),
        verdict(bytes.manifestHourly.total <= limit.hourlyClient),
      ],
      [
        'Sessions a second held here',
        `${grouped(full)} and ${grouped(sixty)}`,
        `${grouped(held * full)}: ${percent(held, 1)} of 30 million phones, ${percent((held * full) / sixty, 1)} of 60 million`,
        'see below',
      ],
      ['Assertions of all scenarios', 'all', `${all.length - missed} of ${all.length} hold`, verdict(missed === 0)],
    ],
  };
}

/** @param run a complete run @returns one row a scenario */
export function scenarioTable(run: CompleteRun): Table {
  return {
    title: 'Scenarios',
    note: 'Each behind caches that were empty at its start. Session times are a whole session with its TLS handshake; for uploads and polls, of a request, whose deadline is 1,000 ms.',
    heads: [
      'Scenario',
      'Factor',
      'Sessions/s',
      'Requests/s',
      'Dropped',
      'p95 ms',
      'p99 ms',
      'Origin reads (allowed)',
      'Offload',
    ],
    rows: run.results.map((result) => [
      result.scenario,
      String(result.factor),
      grouped(result.sessionsPerSecond, 1),
      grouped(result.requestsPerSecond, 1),
      grouped(result.dropped),
      grouped(result.p95, 1),
      grouped(result.p99, 1),
      result.originReads === null ? '–' : `${result.originReads.reads} (${result.originReads.allowed})`,
      result.offload === null ? '–' : percent(result.offload),
    ]),
  };
}

/** @param run a complete run @returns the search for the held factor */
export function searchTable(run: CompleteRun): Table {
  return {
    title: 'Highest rate that was held',
    note: 'download-steady at rising parts of 8,333 sessions/s (30 million phones), until sessions were dropped or the thresholds on times were missed.',
    heads: ['Factor', 'Sessions/s', 'Requests/s', 'Dropped', 'p95 ms', 'p99 ms', ''],
    rows: run.steps.map((step) => [
      String(step.factor),
      grouped(step.sessionsPerSecond),
      grouped(step.requestsPerSecond),
      grouped(step.dropped),
      grouped(step.p95, 1),
      grouped(step.p99, 1),
      step.factor <= run.held ? 'held' : 'not held',
    ]),
  };
}

/** What a phone by CWA's tree gets a day where its bound of 600,000 keys is reached: from the parts, not measured. */
const CWA_KEYS_PER_DAY = 600_000;

/** @param run a complete run @param targets for CWA's estimate @returns bytes a phone and day */
export function bytesTable(run: CompleteRun, targets: ReportTargets): Table {
  const { bytes, big } = run;
  const { parts } = bytes;
  const row = (name: string, cases: number, day: PhoneDay, how: string): string[] => [
    name,
    grouped(cases),
    megabytes(day.total),
    megabytes(day.received),
    grouped(day.sent),
    grouped(day.tcpIp),
    how,
  ];
  const keysBig = big.casesPerDay * 14;
  const dailyBig = parts.manifestIndex + keysBig * big.bytesPerKey + Math.ceil(keysBig / 1e5) * parts.manifestFile;
  const cwaBig = CWA_KEYS_PER_DAY * big.zipBytesPerKey + parts.cwaLists + parts.cwaFile;
  const computed = (name: string, total: number, how: string): string[] => [
    name,
    grouped(big.casesPerDay),
    megabytes(total),
    '–',
    '–',
    '–',
    how,
  ];
  return {
    title: 'Bytes a phone and day',
    note:
      `k6's counters below TLS 1.3, a certificate chain of ${grouped(bytes.chainBytes)} bytes, a new connection for each session, ` +
      'one session in fifty failed at its end and made again. Configuration apart. ' +
      `The Corona-Warn-App's estimate for 2,000 cases is ${megabytes(targets.bytesPerPhoneAndDay.seedEstimate)}. ` +
      `${parts.bytesPerKey.toFixed(2)} bytes a key in hour files of about 1,170 keys (${parts.zipBytesPerKey.toFixed(2)} in ZIPs, as CWA’s tree has them); a head is ${grouped(parts.headAlone)} bytes a session, a 304 ${grouped(run.headAgain)}. ` +
      'TCP/IP headers are computed and not in the sum.',
    heads: ['Phone', 'Cases a day', 'Sum', 'Received', 'Sent', 'TCP/IP', 'How'],
    rows: [
      row('Manifest, daily', bytes.casesPerDay, bytes.manifestDaily, 'measured'),
      row('Manifest, hourly', bytes.casesPerDay, bytes.manifestHourly, 'measured'),
      row("CWA's tree, daily", bytes.casesPerDay, bytes.cwaDaily, 'measured'),
      row("CWA's tree, hourly (then the day again)", bytes.casesPerDay, bytes.cwaHourly, 'measured'),
      ...journeys(bytes).map(([name, day]) =>
        row(
          `${name}, on a journey`,
          bytes.casesPerDay,
          day,
          'measured: base, two more regions as large, and the union, at three hosts',
        ),
      ),
      row(
        'Manifest, hourly',
        big.casesPerDay,
        big.manifestHourly,
        `measured: 24 sessions of an hour of ${grouped(big.keys)} keys`,
      ),
      computed('Manifest, daily', dailyBig, 'from the measured parts'),
      computed("CWA's tree, daily, 600,000 keys at most", cwaBig, 'from the measured parts'),
      computed(
        "CWA's tree, hourly, 600,000 keys at most",
        2 * cwaBig + 23 * (parts.cwaLists + parts.cwaFile),
        'from the measured parts',
      ),
    ],
  };
}

/** @returns days of phones that read four feeds; none in older runs */
function journeys({ roamingDaily, roamingHourly }: MeasuredBytes): [name: string, day: PhoneDay][] {
  return [
    ...(roamingDaily === undefined ? [] : [['Manifest, daily', roamingDaily] as [string, PhoneDay]]),
    ...(roamingHourly === undefined ? [] : [['Manifest, hourly', roamingHourly] as [string, PhoneDay]]),
  ];
}

/** Names of what is compared. */
export const SERVER_NAMES: Readonly<Record<Server, string>> = {
  static: 'nginx, static files',
  edge: 'edge tier',
  serve: 'npm run serve, behind its nginx',
  workers: 'Workers, no cache',
  'serve-workers': 'npm run serve, no cache',
};

/** @param run its comparison alone is looked at @returns the comparison in one run */
export function comparisonTable(run: { readonly comparison: readonly Repetition[] }): Table {
  return {
    title: 'Compared in one run',
    note: 'The same k6 file as fast as 24 phones can, 5 repetitions of 4 s in turns: median, lowest and highest. The deployed entry files, R2 simulated by miniflare; npm run serve is workerd alone, the same objects in versitygw.',
    heads: ['Server', 'Sessions/s', 'Spread', 'Of static', 'Spread'],
    rows: serversIn(run.comparison).map((server) => {
      const { rate, ofStatic } = compared(run.comparison, server);
      return [
        SERVER_NAMES[server],
        grouped(rate.median),
        `${grouped(rate.low)}–${grouped(rate.high)}`,
        percent(ofStatic.median, 1),
        `${percent(ofStatic.low, 1)}–${percent(ofStatic.high, 1)}`,
      ];
    }),
  };
}

/** @param run a complete run @returns CPU of workerd */
export function cpuTable(run: CompleteRun): Table {
  const row = (name: string, value: number): string[] => [name, grouped(value, 2)];
  return {
    title: 'CPU of workerd for one request',
    note: "miniflare's routing and its simulation of R2 and Durable Object storage included: an upper bound of what is billed.",
    heads: ['Request', 'ms'],
    rows: [
      row('index, without a cache', run.cpu.index),
      row('real upload, durable', run.cpu.upload),
      row('dummy', run.cpu.dummy),
    ],
  };
}
