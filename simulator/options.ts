/**
 * @module What a run is asked for, and the one place for assumptions about people: counts, shares and times that no
 * document of the seeds gives. The radio's are in radio.ts.
 */

/** Monday, 15 June 2026, 00:00 UTC: day 0 of every run. Local time is UTC. */
export const START = 1_781_481_600;
export const SECONDS_PER_MINUTE = 60;
export const SECONDS_PER_DAY = 86_400;

export interface SimulationOptions {
  /** Phones that take part; the population is phones / adoption. */
  readonly phones: number;
  /** Days in which people meet. Tests, uploads and downloads go on until the last key has reached everybody. */
  readonly days: number;
  /** 0..2³²−1 */
  readonly seed: number;
  /** Share of people with a phone that takes part, 0 < x ≤ 1. */
  readonly adoption: number;
  /** People who fall ill and are tested positive, per 100,000 and day. */
  readonly incidence: number;
  /** Mean hours from the swab to the result; a single result takes half to one and a half times that. */
  readonly testDelay: number;
  /** Share of positive phone owners who upload their keys. */
  readonly sharing: number;
  /** Share of Android among the phones; the rest are iPhones. */
  readonly android: number;
  /** dB at 2 m without obstacle. */
  readonly referenceDb: number;
  /** Phones whose downloads and matching are done in full, by the real client. */
  readonly sample: number;
}

export const DEFAULTS: SimulationOptions = {
  phones: 10_000,
  days: 14,
  seed: 1,
  adoption: 0.6,
  incidence: 50,
  testDelay: 24,
  sharing: 0.6,
  android: 0.6,
  referenceDb: 50,
  sample: 8,
};

/** @returns Unix seconds of the midnight that begins a day; days before the run are negative */
export function dayStart(day: number): number {
  return START + day * SECONDS_PER_DAY;
}

/** @returns the day of the run that holds an instant */
export function dayOfRun(unixSeconds: number): number {
  return Math.floor((unixSeconds - START) / SECONDS_PER_DAY);
}

/** Infectious from two days before onset to eight after it, as contact tracing counts (assumption). */
export const INFECTIOUS = { beforeOnsetDays: 2, afterOnsetDays: 8 } as const;
/** A swab is taken half a day to two days after onset; from then on the person stays at home (assumption). */
export const SWAB_AFTER_ONSET_DAYS = { min: 0.5, max: 2 } as const;

/** A risk contact as contact tracing defines it: 15 minutes within 2 m of an infectious person in one day. */
export const RISK_CONTACT = { meters: 2, minutes: 15 } as const;

/**
 * v2's daily summaries carry no threshold of their own, apps have one; 15 weighted minutes in a day, the duration that
 * defines a risk contact (assumption).
 */
export const DAILY_SUMMARY_ALERT_SECONDS = 900;
