/** @module What `npm run world` prints and draws: a table of schemes, the check against simulated backends, charts against regions and travellers. Pure: text out of figures. */
import { lineChart, shortNumber, type Axis } from '../../scripts/support/chart.ts';
import type { Measured } from '../capacity/assumptions.ts';
import type { Checked } from './check.ts';
import type { WorldDay } from './costs.ts';
import { daysOf, SCHEMES, withRegions } from './schemes.ts';
import { faultOf, type World } from './world.ts';

const grouped = (value: number, digits = 0): string =>
  value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const megabytes = (bytes: number): string => grouped(bytes / 1e6, bytes < 1e7 ? 2 : 1);

/** A line of the table. */
type Row = readonly [what: string, unit: string, of: (day: WorldDay) => string];

const ROWS: readonly Row[] = [
  ['phone: keys', 'a day', ({ phone }) => grouped(phone.keys)],
  ['phone: bytes', 'MB a day', ({ phone }) => megabytes(phone.bytes)],
  ['phone on a journey: bytes', 'MB a day', ({ roamer }) => megabytes(roamer.bytes)],
  ['phone: requests', 'a day', ({ phone }) => grouped(phone.requests)],
  ["left out of CWA's tree", 'keys a day', ({ phone }) => grouped(phone.leftOutOfTree)],
  ['all phones: bytes', 'PB a day', ({ phones }) => grouped(phones.bytes / 1e15, 2)],
  ['all phones: requests', 'million a second', ({ phones }) => grouped(phones.requests / 86_400 / 1e6, 2)],
  ['region: own keys of people', 'a day', ({ region }) => grouped(region.people)],
  ['region: decoys', 'a day', ({ region }) => grouped(region.decoys)],
  ['region: keys imported', 'a day', ({ region }) => grouped(region.imported)],
  ['region: signatures', 'a day', ({ signatures }) => grouped(signatures.ofRegion)],
  ['region: stored', 'GB', ({ stored }) => grouped(stored.ofRegion / 1e9, 2)],
  ['between: requests', 'a second', ({ between }) => grouped(between.requests / 86_400, 1)],
  ['between: bytes', 'GB a day', ({ between }) => grouped(between.bytes / 1e9, 1)],
  ['all regions: signatures', 'a second', ({ signatures }) => grouped(signatures.all / 86_400, 1)],
  ['all regions: stored', 'TB', ({ stored }) => grouped(stored.all / 1e12, 2)],
  ['of that, feeds', 'TB', ({ stored }) => grouped(stored.feeds / 1e12, 2)],
];

/**
 * @param world whose days they are
 * @param days of each scheme
 * @returns text of some twenty lines
 */
export function asTable(world: World, days: readonly WorldDay[]): string {
  const head = ['', ...SCHEMES.map(({ name }) => name)];
  const lines = ROWS.map(([what, unit, of]) => [`${what}, ${unit}`, ...days.map(of)]);
  const lost = days[0]!.region.lost * world.regions;
  return [
    `${grouped(world.phones)} phones, ${grouped(world.casesPerDay)} cases a day, ${world.regions} regions in ${world.clusters} clusters;`,
    `${percent(world.travellers)} were elsewhere in 14 days, ${percent(world.travelInCluster)} of them within their cluster, in ${world.regionsVisited} other region(s);`,
    `${percent(world.consent)} consent; ${percent(world.phaseTwo)} of regions in phase II, ${percent(world.testedAbroad)} of who travels tested there: ${grouped(lost, 1)} cases a day can't share.`,
    '',
    ...[head, ...lines].map(
      ([what = '', ...figures]) => what.padEnd(40) + figures.map((figure) => figure.padStart(14)).join(''),
    ),
    '',
    ...SCHEMES.map(({ name, about }) => `${name}: ${about}`),
  ].join('\n');
}

/** What is doubled. */
const DOUBLED: readonly (readonly [what: string, (world: World) => World])[] = [
  ['phones', (world) => ({ ...world, phones: world.phones * 2 })],
  ['cases', (world) => ({ ...world, casesPerDay: world.casesPerDay * 2 })],
  ['regions', (world) => withRegions(world, world.regions * 2)],
  ['travellers', (world) => ({ ...world, travellers: world.travellers * 2 })],
];

const GROWING: readonly (readonly [what: string, of: (day: WorldDay) => number])[] = [
  ['a phone: bytes', ({ phone }) => phone.bytes],
  ['all phones: requests', ({ phones }) => phones.requests],
  ['a region: decoys', ({ region }) => region.decoys],
  ['a region: signatures', ({ signatures }) => signatures.ofRegion],
  ['a region: stored', ({ stored }) => stored.ofRegion],
  ['between: requests', ({ between }) => between.requests],
  ['between: bytes', ({ between }) => between.bytes],
  ['all regions: signatures', ({ signatures }) => signatures.all],
  ['all regions: stored', ({ stored }) => stored.all],
];

/**
 * @param measured load-tests/measured.json
 * @param world that is grown from; what can't be doubled is left out
 * @param scheme of {@link SCHEMES}
 * @returns by which factor each figure grows when phones, cases, regions (the same people in twice as many, clusters as large) or travellers are doubled
 */
export function asGrowth(measured: Measured, world: World, scheme: number): string {
  const of = (one: World): WorldDay => daysOf(measured, one)[scheme]!;
  const base = of(world);
  const grown = DOUBLED.map(([what, double]) => [what, double(world)] as const)
    .filter(([, doubled]) => faultOf(doubled) === null)
    .map(([what, doubled]) => [what, of(doubled)] as const);
  return [
    `Twice as many, by the scheme "${SCHEMES[scheme]!.name}":`.padEnd(40) +
      grown.map(([what]) => what.padStart(14)).join(''),
    ...GROWING.map(
      ([what, figure]) =>
        what.padEnd(40) + grown.map(([, day]) => `× ${grouped(figure(day) / figure(base), 2)}`.padStart(14)).join(''),
    ),
  ].join('\n');
}

const percent = (share: number): string => `${grouped(share * 100, share * 100 === Math.round(share * 100) ? 0 : 1)} %`;

/** What a run of one scheme came to. */
export interface CheckedScheme {
  readonly name: string;
  readonly checked: readonly Checked[];
}

/** @returns the model beside the run, a line a figure */
export function asCheck(world: World, days: number, schemes: readonly CheckedScheme[]): string {
  const lines = schemes.flatMap(({ name, checked }) => [
    '',
    `${name}: a region and day`.padEnd(32) + ['model', 'run', 'off', 'bound'].map((head) => head.padStart(12)).join(''),
    ...checked.map(
      ({ what, model, run, off, bound }) =>
        `  ${what.padEnd(30)}${[
          grouped(model, 1),
          grouped(run, 1),
          `${grouped(off * 100, 1)} %`,
          `${grouped(bound * 100, 1)} %`,
        ]
          .map((figure) => figure.padStart(12))
          .join('')}${off > bound ? '  MISSED' : ''}`,
    ),
  ]);
  const cases = grouped(world.casesPerDay / world.regions, 1);
  return [
    `Played: ${world.regions} backends in ${world.clusters} clusters, ${cases} cases a day each, ${days} days`,
    ...lines,
  ].join('\n');
}

/** Where the charts have points. */
export const POINTS = {
  regions: [30, 60, 90, 120, 180, 240, 300, 450, 600],
  travellers: [0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
};

/** What is drawn. */
const CHARTS: readonly (readonly [title: string, label: string, of: (day: WorldDay) => number])[] = [
  ['Bytes a phone and day (mean, journeys included)', 'bytes', ({ phones }) => phones.bytes],
  ['Requests between backends a day, all', 'requests', ({ between }) => between.requests],
  ['Bytes between backends a day, all', 'bytes', ({ between }) => between.bytes],
  ['Signatures a day, all', 'signatures', ({ signatures }) => signatures.all],
  ['Stored, all', 'bytes', ({ stored }) => stored.all],
];

/**
 * @param measured load-tests/measured.json
 * @param world what is not varied
 * @param at numbers of regions, and shares of travellers
 * @returns an SVG document: each figure against regions, and against travellers
 */
export function asSvg(measured: Measured, world: World, at: typeof POINTS): string {
  const alone = { ...world, phones: 1 };
  const byRegions = at.regions.map((regions) => [regions, daysOf(measured, withRegions(alone, regions))] as const);
  const byTravellers = at.travellers.map(
    (travellers) => [travellers * 100, daysOf(measured, { ...alone, travellers })] as const,
  );
  const draw = (points: readonly (readonly [number, readonly WorldDay[]])[], x: Axis) =>
    CHARTS.map(([title, label, of]) =>
      lineChart(
        title,
        SCHEMES.map(({ name }, index) => ({
          name,
          points: points.map(([value, days]) => [value, of(days[index]!)] as const),
        })),
        x,
        { label, scale: 'log', format: shortNumber },
      ),
    );
  const size = world.regions / world.clusters;
  const left = draw(byRegions, {
    label: `regions, clusters of ${grouped(size)} (${percent(world.travellers)} were elsewhere)`,
    scale: 'log',
  });
  const right = draw(byTravellers, {
    label: `% who were elsewhere in 14 days (${world.regions} regions)`,
    scale: 'log',
  });
  const placed = left.flatMap((chart, row) => [place(chart, 0, row), place(right[row]!, 1, row)]);
  const height = CHARTS.length * 320;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 -10 1320 ${height}" width="1320" height="${height}">` +
    `<rect x="-10" y="-10" width="1320" height="${height}" fill="#fff"/>${placed.join('')}</svg>\n`
  );
}

const place = (chart: string, column: number, row: number): string =>
  `<g transform="translate(${column * 660} ${row * 320})">${chart.replace('<svg ', '<svg width="640" height="300" ')}</g>`;
