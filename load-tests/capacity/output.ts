/**
 * @module What the capacity model prints: a table for people, CSV for sheets, an SVG of traffic and cost against phones
 * and incidence. Pure: text out of assumptions and prices.
 */
import { lineChart, type Series } from '../../scripts/support/chart.ts';
import type { Assumptions } from './assumptions.ts';
import { monthlyBill, type Prices, SERVING, type Serving } from './bill.ts';
import { capacity } from './model.ts';

/** What people read for each way of serving. */
const SERVING_NAMES: Readonly<Record<Serving, string>> = {
  worker: 'Worker, no cache',
  'workers-cache': 'Workers Cache',
  'r2-custom-domain': 'R2, config Worker',
  'r2-for-all': 'R2 for all',
  'cloud-egress': 'Cloud, no CDN',
};

const TERABYTE = 1e12;
const TEBIBYTE = 2 ** 40;

const grouped = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const percent = (share: number): string => `${(share * 100).toFixed(share > 0.9999 ? 6 : 2)} %`;
const megabytes = (bytes: number): string => grouped(bytes / 1e6, 3);
const dollars = (value: number): string => grouped(value, value < 100 ? 2 : 0);

/** One line of the table: what, value, unit. */
type Row = readonly [what: string, value: string, unit: string];

function rows(a: Assumptions): Row[] {
  const c = capacity(a);
  return [
    ['phones', grouped(a.phones), `${a.rhythm} clients, view: ${a.view}`],
    [
      'cases a day',
      grouped(a.casesPerDay),
      `${grouped(c.keysPerDay)} keys, ${grouped(c.bytesPerCase)} bytes for ${a.keysPerCase} keys`,
    ],
    ['keys left out by the view', grouped(c.keysLeftOut), 'a day'],
    [
      'sessions',
      grouped(c.sessionsPerSecond),
      `/s mean, ${grouped(c.sessionsPerSecondPeak)} /s peak, ${grouped(c.sessionsPerDay)} a day`,
    ],
    [
      'requests',
      grouped(c.requestsPerSecond),
      `/s mean, ${grouped(c.requestsPerSecondPeak)} /s peak, ${grouped(c.requestsPerDay)} a day`,
    ],
    [
      'bytes a phone',
      grouped((c.bytesPerPhone + c.tcpIpBytesPerPhone) / 1e6, 3),
      `MB a day: keys ${megabytes(c.keyBytesPerPhone)}, parameters ${megabytes(c.parameterBytesPerPhone)}, ` +
        `cover ${megabytes(c.coverBytesPerPhone)}, headers of TCP and IP ${megabytes(c.tcpIpBytesPerPhone)}`,
    ],
    ['traffic', grouped(c.bytesPerDay / TERABYTE, 2), `TB a day = ${grouped(c.bytesPerDay / TEBIBYTE, 2)} TiB`],
    ['bandwidth', grouped(c.bitsPerSecond / 1e9, 2), `Gbit/s mean, ${grouped(c.bitsPerSecondPeak / 1e9, 2)} peak`],
    ['bucket reads', grouped(c.bucketReadsPerDay), `a day behind the caches; offload ${percent(c.offload)}`],
    [
      'bucket writes',
      grouped(c.bucketWritesPerDay),
      `a day; ${grouped(c.objects)} objects, ${grouped(c.storedBytes / 1e6)} MB`,
    ],
    [
      'configuration',
      grouped(c.configRequestsPerSecond),
      `/s, ${grouped(a.parameterPollsPerDay, 1)} polls a phone and day, ${grouped(c.configReadsPerDay)} reads behind the caches`,
    ],
    [
      'cover',
      grouped(c.actionsPerPhone, 2),
      `actions a phone and day, two questions and an upload each; ${grouped(c.resultPollsPerDay)} a day wait for a result`,
    ],
    [
      'uploads',
      grouped(c.uploadRequestsPerSecond, 3),
      `/s, of ${grouped(c.uploadRequestsPerDay)} a day ${grouped(c.uploadsPerDay)} real`,
    ],
    [
      'questions',
      grouped(c.verificationRequestsPerSecond, 3),
      `/s to verification, ${grouped(c.verificationRequestsPerDay)} a day, of ${grouped(a.testsPerPhone * a.phones)} real tests`,
    ],
    ['CPU of both', grouped((c.uploadCpuMillisecondsPerDay + c.verificationCpuMillisecondsPerDay) / 1000), 's a day'],
    [
      'Durable Objects',
      grouped(c.objectCallsPerDay),
      `calls a day, ${grouped(c.bufferCallsPerSecond, 3)} /s on the buffer, ${grouped(c.objectRowsWrittenPerDay)} rows written`,
    ],
    ...(a.sites > 1
      ? ([
          [
            'decoys that fill hours',
            grouped(c.paddingPerDay),
            `a day of all ${a.sites} sites at most, what is set aside among them`,
          ],
          [
            'feeds between sites',
            grouped(c.feedRequestsPerDay),
            `requests a day, ${grouped(c.feedBytesPerDay / 1e9, 2)} GB; of one site ${grouped(c.feedBytesPerDay / a.sites / 1e6)} MB`,
          ],
        ] satisfies Row[])
      : []),
  ];
}

/**
 * The table that `npm run capacity` prints.
 *
 * @param a the assumptions
 * @param prices dated list prices
 * @returns text of about thirty lines
 */
export function asTable(a: Assumptions, prices: Prices): string {
  const lines = rows(a).map(([what, value, unit]) => `${what.padEnd(26)} ${value.padStart(16)}  ${unit}`);
  const c = capacity(a);
  const bills = SERVING.map((serving) => {
    const bill = monthlyBill(serving, a, c, prices);
    const parts = [bill.requests, bill.cpu, bill.bucketOperations, bill.storage, bill.egress, bill.durableObjects];
    return [
      SERVING_NAMES[serving].padEnd(22),
      ...[...parts, bill.total].map((part) => dollars(part).padStart(13)),
    ].join('');
  });
  const heads = ['requests', 'CPU', 'bucket ops', 'storage', 'egress', 'objects', 'total'];
  return [
    `Capacity, assumptions "${a.name}"`,
    ...lines,
    '',
    `Bill a month of 30 days, US$, list prices of ${prices.date} (load-tests/targets.json)`,
    [''.padEnd(22), ...heads.map((head) => head.padStart(13))].join(''),
    ...bills,
  ].join('\n');
}

const PHONES = [1e5, 3e5, 1e6, 3e6, 1e7, 3e7, 6e7, 1e8];
const CASES = [100, 500, 2_000, 10_000, 50_000, 200_000];

/**
 * The model over a grid of phones and cases.
 *
 * @param a the assumptions whose phones and cases are replaced
 * @param prices dated list prices
 * @returns RFC 4180 text with a header line
 */
export function asCsv(a: Assumptions, prices: Prices): string {
  const head = [
    'phones',
    'cases_per_day',
    'sessions_per_second',
    'requests_per_second',
    'bytes_per_phone_day',
    'terabytes_per_day',
    'gbit_per_second',
    'bucket_reads_per_day',
    'offload',
    ...SERVING.map((serving) => `usd_per_month_${serving.replaceAll('-', '_')}`),
  ];
  const lines = [...new Set([...PHONES, a.phones])]
    .toSorted((m, n) => m - n)
    .flatMap((phones) =>
      [...new Set([...CASES, a.casesPerDay])]
        .toSorted((m, n) => m - n)
        .map((casesPerDay) => {
          const at = { ...a, phones, casesPerDay };
          const c = capacity(at);
          const bills = SERVING.map((serving) => monthlyBill(serving, at, c, prices).total.toFixed(2));
          const perPhone = c.bytesPerPhone + c.tcpIpBytesPerPhone;
          const figures = [c.sessionsPerSecond, c.requestsPerSecond, perPhone, c.bytesPerDay / TERABYTE];
          return [
            phones,
            casesPerDay,
            ...figures.map((figure) => Number(figure.toPrecision(6))),
            Number((c.bitsPerSecond / 1e9).toPrecision(6)),
            Math.round(c.bucketReadsPerDay),
            c.offload,
            ...bills,
          ].join(',');
        }),
    );
  return `${[head.join(','), ...lines].join('\r\n')}\r\n`;
}

/**
 * Four charts, one SVG: cost and traffic, each against phones and against cases.
 *
 * @param a the assumptions
 * @param prices dated list prices
 * @param more charts that come after them
 * @returns a complete SVG document
 */
export function asSvg(a: Assumptions, prices: Prices, more: readonly string[] = []): string {
  const charts = [...capacityCharts(a, prices), ...more];
  const height = 320 * Math.ceil(charts.length / 2);
  const placed = charts.map(
    (chart, index) =>
      `<g transform="translate(${(index % 2) * 660} ${Math.floor(index / 2) * 320})">${sized(chart)}</g>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 1320 ${height}" width="1320" height="${height}">` +
    `<rect x="-10" y="-10" width="1320" height="${height}" fill="#fff"/>${placed.join('')}</svg>\n`
  );
}

const sized = (svg: string): string => svg.replace('<svg ', '<svg width="640" height="300" ');

/**
 * The four charts one by one, for a page that lays them out itself.
 *
 * @param a the assumptions
 * @param prices dated list prices
 * @returns four `<svg>` elements
 */
export function capacityCharts(a: Assumptions, prices: Prices): string[] {
  const vary = (field: 'phones' | 'casesPerDay', values: readonly number[]): { cost: Series[]; traffic: Series[] } => ({
    cost: SERVING.map((serving) => ({
      name: SERVING_NAMES[serving],
      points: values.map((value) => {
        const at = { ...a, [field]: value };
        return [value, monthlyBill(serving, at, capacity(at), prices).total] as const;
      }),
    })),
    traffic: [
      {
        name: 'TB a day',
        points: values.map((value) => [value, capacity({ ...a, [field]: value }).bytesPerDay / TERABYTE]),
      },
    ],
  });
  const byPhones = vary('phones', PHONES);
  const byCases = vary('casesPerDay', CASES);
  const cost = { label: 'US$ a month', scale: 'log' } as const;
  const traffic = { label: 'TB a day', scale: 'log' } as const;
  const phones = { label: `phones (${grouped(a.casesPerDay)} cases a day)`, scale: 'log' } as const;
  const cases = { label: `cases a day (${grouped(a.phones)} phones)`, scale: 'log' } as const;
  return [
    lineChart('Bill by phones', byPhones.cost, phones, cost),
    lineChart('Bill by incidence', byCases.cost, cases, cost),
    lineChart('Traffic by phones', byPhones.traffic, phones, traffic),
    lineChart('Traffic by incidence', byCases.traffic, cases, traffic),
  ];
}
