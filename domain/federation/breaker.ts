/**
 * @module Breakers (docs/spec/europe.md §2.4 R14): a batch that is too large by itself, for its day, or beside what the peer usually sends is set aside until a person has looked. What is bad with a
 * peer that sends a hundred times its share is no single key.
 */

/** What a peer may send, in keys. */
export interface BreakerLimits {
  readonly keysPerBatch: number;
  readonly keysPerDay: number;
  /** Times the mean of the days before. */
  readonly ratio: number;
  /** So many a day are no outburst, whatever the mean is: small countries vary. */
  readonly quietKeysPerDay: number;
}

/** 200,000 keys are 14,000 cases of 14 keys, a day of a large country in its worst week; the file is 3.4 MB. */
export const DEFAULT_LIMITS: BreakerLimits = {
  keysPerBatch: 200_000,
  keysPerDay: 1_000_000,
  ratio: 10,
  quietKeysPerDay: 5_000,
};

/** Days that the mean is of. */
const TRAILING_DAYS = 7;
/** A mean of fewer days says nothing yet: the first batch of a feed brings fourteen. */
const FEWEST_DAYS = 2;

/** Keys that were imported on a UTC day, days since the Unix epoch. */
export interface DayCount {
  readonly day: number;
  readonly keys: number;
  /** Of these, in batches that were set aside and two persons let in; left out: none. They have been judged: on their day they leave the peer its whole share. */
  readonly letIn?: number;
}

/** Which limit a batch is beyond. */
export interface Trip {
  readonly rule: 'keys-per-batch' | 'keys-per-day' | 'ratio';
  /** Keys that would have been allowed. */
  readonly limit: number;
  readonly keys: number;
}

/**
 * @param history what was imported before, each day once, in any order; days without a row had none
 * @param since the day of the first import, null before it: days before it aren't counted as empty
 * @param today days since the Unix epoch
 * @param keys of the batch, after validation, revocations included
 * @returns null when it may be imported
 */
export function tripOf(
  limits: BreakerLimits,
  { history, since }: { readonly history: readonly DayCount[]; readonly since: number | null },
  today: number,
  keys: number,
): Trip | null {
  if (keys > limits.keysPerBatch) return { rule: 'keys-per-batch', limit: limits.keysPerBatch, keys };
  const own = history.find((one) => one.day === today);
  const day = keys + (own === undefined ? 0 : own.keys - (own.letIn ?? 0));
  if (day > limits.keysPerDay) return { rule: 'keys-per-day', limit: limits.keysPerDay, keys: day };
  const first = Math.max(today - TRAILING_DAYS, since ?? today);
  const days = today - first;
  if (days < FEWEST_DAYS) return null;
  const mean = sum(history.filter((one) => one.day >= first && one.day < today)) / days;
  const limit = Math.max(limits.quietKeysPerDay, Math.floor(mean * limits.ratio));
  return day > limit ? { rule: 'ratio', limit, keys: day } : null;
}

const sum = (days: readonly DayCount[]): number => days.reduce((n, { keys }) => n + keys, 0);
