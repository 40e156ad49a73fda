/**
 * @module Privacy against cost: what each schedule of cover traffic that was attacked tells, and what it costs (decision 026). Pure.
 */
import { lineChart } from '../../scripts/support/chart.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import type { Assumptions } from './assumptions.ts';
import { type Attacked, attackOn } from './attacked.ts';
import { monthlyBill, type Prices } from './bill.ts';
import { capacity } from './model.ts';
import { scheduleOf } from './schedule.ts';

/** One schedule's price and what it tells. */
export interface Weighed {
  readonly name: string;
  /** Whether it is the one that the model was run with. */
  readonly isChosen: boolean;
  readonly actionsPerPhone: number;
  readonly uploadRequestsPerSecond: number;
  readonly verificationRequestsPerSecond: number;
  /** Of a phone and day, with headers of TCP and IP: what cover adds. */
  readonly coverBytesPerPhone: number;
  /** US$ a month that cover adds, whatever serves the reads. */
  readonly dollarsPerMonth: number;
  /** Of courses that somebody sees, those that are real at most: tests a phone and day by courses. */
  readonly realShare: number;
  /** Null: nobody attacked this schedule. */
  readonly worstAuc: number | null;
  readonly posterior: number | null;
  readonly baseRate: number | null;
}

/**
 * @param a the assumptions, by the chosen document
 * @param chosen the document
 * @param attacked schedules that were attacked, at least one
 * @param prices dated list prices
 * @returns each of them with the chosen one, the cheapest first
 */
export function weigh(a: Assumptions, chosen: Parameters, attacked: readonly Attacked[], prices: Prices): Weighed[] {
  const known = attackOn(chosen, attacked);
  const all: readonly (Pick<Attacked, 'name' | 'parameters'> & Partial<Attacked>)[] =
    known === null ? [{ name: 'the document given', parameters: chosen }, ...attacked] : attacked;
  return all
    .map((one): Weighed => {
      const isChosen = one === known || one.parameters === chosen;
      const { polling, coverTraffic } = one.parameters;
      // Times of actions are the schedule's; all else stays as it was chosen.
      const at = isChosen ? a : { ...a, ...scheduleOf({ ...chosen, polling, coverTraffic }, a.testsPerPhone) };
      return { ...priceOf(at, prices), name: one.name, isChosen, ...toldBy(one) };
    })
    .toSorted((m, n) => m.dollarsPerMonth - n.dollarsPerMonth);
}

type Told = Pick<Weighed, 'worstAuc' | 'posterior' | 'baseRate'>;

const toldBy = ({ worstAuc = null, posterior = null, baseRate = null }: Partial<Told>): Told => ({
  worstAuc,
  posterior,
  baseRate,
});

/** What cover adds: the same phones with their cover and without. */
function priceOf(a: Assumptions, prices: Prices) {
  const bare = { ...a, coursesPerPhone: 0 };
  const [c, without] = [capacity(a), capacity(bare)];
  const bill = (one: Assumptions, of: typeof c): number => monthlyBill('r2-for-all', one, of, prices).total;
  return {
    actionsPerPhone: c.actionsPerPhone,
    uploadRequestsPerSecond: c.uploadRequestsPerSecond,
    verificationRequestsPerSecond: c.verificationRequestsPerSecond,
    coverBytesPerPhone: c.bytesPerPhone + c.tcpIpBytesPerPhone - without.bytesPerPhone - without.tcpIpBytesPerPhone,
    dollarsPerMonth: bill(a, c) - bill(bare, without),
    realShare: Math.min(1, a.testsPerPhone / Math.max(a.coursesPerPhone, a.testsPerPhone)),
  };
}

const percent = (share: number | null, digits = 0): string =>
  share === null ? '–' : `${(share * 100).toFixed(digits)} %`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

const COLUMNS = ['requests', 'kB', 'uploads/s', 'questions/s', 'US$ a month', 'real', 'AUC', 'posterior'] as const;

/**
 * @param weighed see {@link weigh}
 * @returns a table for people, a line a schedule, and what its columns are
 */
export function asPrivacyTable(weighed: readonly Weighed[]): string {
  const lines = weighed.map((one) => {
    const cells = [
      (3 * one.actionsPerPhone).toFixed(1),
      (one.coverBytesPerPhone / 1_000).toFixed(1),
      whole(one.uploadRequestsPerSecond),
      whole(one.verificationRequestsPerSecond),
      whole(one.dollarsPerMonth),
      percent(one.realShare, 1),
      one.worstAuc === null ? '–' : one.worstAuc.toFixed(2),
      percent(one.posterior),
    ];
    return `${one.isChosen ? '→' : ' '} ${one.name.padEnd(80)}${cells.map((cell) => cell.padStart(12)).join('')}`;
  });
  const base = percent(weighed.find(({ baseRate }) => baseRate !== null)?.baseRate ?? null);
  const notes = [
    'requests and kB are a phone and day, dollars what cover adds to each way of serving, → the document above.',
    'real: of courses that somebody sees, those of a real test at most. AUC: how well an observer of sixty days tells the kind of test that is told best, upper',
    `end of 95 % (0.5: not at all). posterior: of phones that look tested, at one false alarm in a hundred, those that are; of all phones ${base}.`,
    'A posterior is good to about a third, so that 26 and 33 % are not told apart.',
    ...(weighed.some(({ isChosen, posterior }) => isChosen && posterior === null)
      ? ['What the document given tells is not known: nobody attacked its schedule (npm run attack -- cover).']
      : []),
  ];
  return [
    'Privacy against cost: schedules that npm run attack -- cover tried (decision 026, benchmarks/results/attack-cover.md)',
    `  ${''.padEnd(80)}${COLUMNS.map((column) => column.padStart(12)).join('')}`,
    ...lines,
    ...notes,
  ].join('\n');
}

/**
 * @param weighed see {@link weigh}
 * @returns one `<svg>`: what an observer knows against what cover costs
 */
export function privacyChart(weighed: readonly Weighed[]): string {
  const points = weighed.flatMap(({ dollarsPerMonth, posterior }) =>
    posterior === null ? [] : [[dollarsPerMonth, posterior * 100] as const],
  );
  const bases = weighed.flatMap(({ dollarsPerMonth, baseRate }) =>
    baseRate === null ? [] : [[dollarsPerMonth, baseRate * 100] as const],
  );
  return lineChart(
    'Privacy against cost of cover',
    [
      { name: 'tested, of those who look so', points },
      { name: 'tested, of all', points: bases, dashed: true },
      { name: 'real, of courses seen', points: weighed.map((one) => [one.dollarsPerMonth, one.realShare * 100]) },
    ],
    { label: 'US$ a month that cover costs', scale: 'linear' },
    { label: '%', scale: 'linear' },
  );
}
