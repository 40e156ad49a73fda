/** @module What one run of `npm run load` found, and what a report compares it with. */
import type { Prices } from '../capacity/bill.ts';
import type { BigHour, MeasuredBytes } from './bytes.ts';
import type { Repetition } from './compare.ts';
import type { ScenarioResult } from './context.ts';
import type { MeasuredCover, MeasuredCpu } from './cpu.ts';

/** Everything one run found. */
export interface LoadRun {
  readonly date: Date;
  readonly machine: string;
  /** Version of k6. */
  readonly k6: string;
  readonly days: number;
  readonly casesPerDay: number;
  readonly bytes?: MeasuredBytes | undefined;
  readonly big?: BigHour | undefined;
  /** Bytes of a session whose head had not changed. */
  readonly headAgain?: number;
  /** What an action of cover costs. */
  readonly cover?: MeasuredCover;
  /** Highest part of the rate of 30 million phones that was held. */
  readonly held?: number;
  readonly steps?: readonly ScenarioResult[];
  readonly results?: readonly ScenarioResult[];
  readonly comparison?: readonly Repetition[];
  readonly cpu?: MeasuredCpu;
}

/** A run with all its parts: what a report is made of. */
export type CompleteRun = { readonly [K in keyof LoadRun]-?: NonNullable<LoadRun[K]> };

/** The parts of load-tests/targets.json that a report compares with. */
export interface ReportTargets {
  readonly rates: Readonly<Record<'phones30Million' | 'phones60Million', { readonly sessionsPerSecond: number }>>;
  readonly bytesPerPhoneAndDay: Readonly<Record<'dailyClient' | 'hourlyClient' | 'seedEstimate', number>>;
  readonly prices: Prices;
}
