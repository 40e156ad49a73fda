/**
 * @module What a run prints: a table for people, CSV by day, an SVG of four charts. Pure: text out of findings.
 */
import { barChart, lineChart } from '../scripts/support/chart.ts';
import { PLACES, type PlaceKind } from './day-plan.ts';
import { type Findings, type PhoneBytes, STEPS, type Share, interval, quantile } from './findings.ts';
import { MODELS, type Model } from './warnings.ts';

/** What people read for each way of scoring. */
const MODEL_NAMES: Readonly<Record<Model, string>> = {
  v1: 'v1, combined risk',
  v2: 'v2, daily summaries',
  cwa: "CWA's calculation",
  figure12: 'figure 12, weighted sum',
};

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');
const hours = (value: number): string => value.toFixed(1);
const percent = ({ count, of }: Share): string => (of === 0 ? '–' : `${((100 * count) / of).toFixed(1)} %`);

function withInterval(share: Share): string {
  if (share.of === 0) return '–';
  const { low, high } = interval(share);
  return `${percent(share)} (${(100 * low).toFixed(0)}–${(100 * high).toFixed(0)})`;
}

function modelRow(f: Findings, model: Model): string[] {
  const m = f.models[model];
  const delay =
    m.delayHours === null
      ? '–'
      : `${hours(m.delayHours.median)} (${hours(m.delayHours.p10)}–${hours(m.delayHours.p90)})`;
  return [
    MODEL_NAMES[model],
    grouped(m.warned),
    withInterval(m.sensitivity),
    percent(m.sensitivityOfOwners),
    percent(m.sensitivityOfPeople),
    withInterval(m.falseAlarms),
    percent(m.falseAlarmRate),
    delay,
  ];
}

const MODEL_HEADS = [
  'scoring',
  'warned',
  'sensitivity (95 %)',
  'of owners',
  'of people',
  'false alarms (95 %)',
  'of unexposed',
  'hours swab → warning (p10–p90)',
];

function placeRow(f: Findings, kind: PlaceKind): string[] {
  const { contacts, warned, falselyWarned } = f.places[kind];
  return [
    kind,
    grouped(contacts),
    ...MODELS.map((model) => percent({ count: warned[model], of: contacts })),
    ...MODELS.map((model) => grouped(falselyWarned[model])),
  ];
}

const PLACE_HEADS = ['place', 'risk contacts', ...MODELS, ...MODELS.map((model) => `false ${model}`)];

function outsideInfectiousDays(f: Findings): string {
  const counts = MODELS.map((model) => {
    const { count } = f.models[model].falseAlarms;
    return `${model} ${percent({ count: f.falselyWarnedOutsideInfectiousDays[model], of: count })}`;
  });
  return `Falsely warned by days alone on which the case doesn't count as infectious: ${counts.join(', ')}.`;
}

function bytesRow(name: string, bytes: PhoneBytes): string[] {
  const { downloads, head, pages, chunks, total } = bytes;
  return [name, downloads.toFixed(1), ...[head, pages, chunks, total].map(grouped)];
}

/** @param rows the first is the head @returns aligned columns, the first to the left */
function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) => row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!))).join('  '))
    .join('\n');
}

function markdown(rows: readonly (readonly string[])[]): string {
  const [head, ...body] = rows as [readonly string[], ...string[][]];
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function sections(f: Findings, table: (rows: readonly (readonly string[])[]) => string): string[] {
  const { options: o, steps } = f;
  const perPhone = f.sample.map(({ sightings }) => sightings).toSorted((a, b) => a - b);
  const intro =
    `${grouped(o.phones)} phones among ${grouped(f.people)} people, ${o.days} days, seed ${o.seed}, ` +
    `${o.incidence} cases per 100,000 and day, results after ${o.testDelay} h, ${Math.round(o.sharing * 100)} % share: ` +
    `${f.cases} cases, ${f.uploads} uploads, ${grouped(f.realKeys)} keys, ${grouped(f.decoyKeys)} decoys and ${grouped(f.reserveKeys)} synthetic keys set aside.`;
  const exposed =
    `Risk contacts (15 min within 2 m of an infectious person in a day): ${grouped(f.exposedPeople)} people, ` +
    `${grouped(f.exposedOwners)} of them with a phone, ${grouped(f.reachableOwners)} with a source who shared that day's key.`;
  const bytes = (['android', 'ios'] as const).flatMap((platform) => {
    const found = f.bytes[platform];
    return found === null ? [] : [bytesRow(`${platform} (${found.phones} sampled)`, found)];
  });
  const agree = f.sample.filter(({ agrees }) => agrees).length;
  const all = [
    intro,
    exposed,
    table([MODEL_HEADS, ...MODELS.map((model) => modelRow(f, model))]),
    table([PLACE_HEADS, ...PLACES.map((kind) => placeRow(f, kind))]),
    outsideInfectiousDays(f),
  ];
  if (steps.warning.length > 0) {
    const medians = STEPS.map((step) => `${step} ${hours(quantile(steps[step], 0.5))}`);
    all.push(`Median hours from swab to each step (CWA): ${medians.join(', ')}.`);
  }
  if (bytes.length > 0) {
    all.push(
      table([['bytes a phone and day', 'downloads', 'head', 'pages', 'chunks', 'total'], ...bytes]),
      `Sample in full: ${agree} of ${f.sample.length} phones found the same matches as the short way; ` +
        `${grouped(quantile(perPhone, 0.5))} sightings a phone and day (median), ${grouped(quantile(perPhone, 1))} at most.`,
    );
  }
  return all;
}

/** @returns what `npm run simulate` prints */
export function asTable(f: Findings): string {
  return sections(f, aligned).join('\n\n');
}

/** @returns the same for the report, Markdown */
export function asMarkdown(f: Findings): string {
  return sections(f, markdown).join('\n\n');
}

/** @returns RFC 4180 text with a header line, one line a day; days after the last meeting too */
export function asCsv(f: Findings): string {
  const head = ['day', 'cases', 'uploads', 'keys_published', 'risk_contacts'];
  const names = MODELS.flatMap((model) => [`warned_${model}`, `falsely_warned_${model}`]);
  const lines = f.days.map((day) => [
    day.day,
    day.cases,
    day.uploads,
    day.keys,
    day.riskContacts,
    ...MODELS.flatMap((model) => [day.warned[model], day.falselyWarned[model]]),
  ]);
  return `${[[...head, ...names], ...lines].map((line) => line.join(',')).join('\r\n')}\r\n`;
}

const bar = (f: Findings, of: 'sensitivity' | 'falseAlarms') =>
  MODELS.map((model) => {
    const share = f.models[model][of];
    const { low, high } = interval(share);
    const median = share.of === 0 ? 0 : (100 * share.count) / share.of;
    return { name: MODEL_NAMES[model], median, low: Math.min(median, 100 * low), high: Math.max(median, 100 * high) };
  });

/** At most this many points a curve. */
const CURVE_POINTS = 100;

function curve(sorted: readonly number[]): (readonly [number, number])[] {
  const points = Math.min(CURVE_POINTS, sorted.length);
  return Array.from({ length: points }, (_, n) => {
    const share = (n + 1) / points;
    return [quantile(sorted, share), 100 * share] as const;
  });
}

/** Bars of four are 194 high, curves 300. */
const SECOND_ROW = 214;
const MARGIN = 10;
const HEIGHT = SECOND_ROW + 300 + 2 * MARGIN;

/**
 * Four charts in one: sensitivity, false alarms, delays, a run's days.
 *
 * @returns a complete SVG document, 1320 × 534
 */
export function asSvg(f: Findings): string {
  const perDay = (of: (day: Findings['days'][number]) => number) => f.days.map((day) => [day.day, of(day)] as const);
  const charts = [
    barChart('Sensitivity, % of reachable risk contacts (95 %)', bar(f, 'sensitivity'), '%'),
    barChart('False alarms, % of warned phones (95 %)', bar(f, 'falseAlarms'), '%'),
    lineChart(
      "From swab to warning, CWA's calculation: % that got so far",
      STEPS.map((step) => ({ name: step, points: curve(f.steps[step]) })),
      { label: 'hours since the swab', scale: 'linear' },
      { label: '%', scale: 'linear' },
    ),
    lineChart(
      "Days of the run, CWA's calculation",
      [
        { name: 'positive swabs', points: perDay((day) => day.cases) },
        { name: 'warned', points: perDay((day) => day.warned.cwa) },
        { name: 'falsely warned', points: perDay((day) => day.falselyWarned.cwa) },
      ],
      { label: 'day', scale: 'linear' },
      { label: 'people', scale: 'linear' },
    ),
  ];
  const placed = charts.map((chart, index) => {
    const [, height = '300'] = /viewBox="0 0 640 (\d+)"/.exec(chart) ?? [];
    const sized = chart.replace('<svg ', `<svg width="640" height="${height}" `);
    return `<g transform="translate(${(index % 2) * 660} ${index < 2 ? 0 : SECOND_ROW})">${sized}</g>`;
  });
  const box = `${-MARGIN} ${-MARGIN} 1320 ${HEIGHT}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${box}" width="1320" height="${HEIGHT}">` +
    `<rect x="${-MARGIN}" y="${-MARGIN}" width="1320" height="${HEIGHT}" fill="#fff"/>${placed.join('')}</svg>\n`
  );
}
