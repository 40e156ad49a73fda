/**
 * @module One deadline for every answer (docs/architecture.md §4.6): the timer starts in the Worker before any work does, and the
 * answer leaves when it rings, however the work went. Nobody learns from the clock which path a request took.
 */
import { ConfigError } from './env.ts';

/** How an answer came about. */
export interface DeadlineOptions<T> {
  /** Milliseconds from now, or null for "as soon as the work is done" (benchmarks alone). */
  readonly deadlineMs: number | null;
  readonly work: () => Promise<T>;
  /** The answer when the work is not done in time; it goes on under `waitUntil`, so that what is durable stays so. */
  readonly late: () => T;
  /** The answer when the work throws. */
  readonly failed: () => T;
  readonly waitUntil: (promise: Promise<unknown>) => void;
}

/**
 * Refuses to answer without a deadline where one is owed: then every answer's time would tell how it came about.
 *
 * @param config `answerDeadlineMs` is null when ANSWER_DEADLINE_MS is 0
 * @param mayAnswerAtOnce what the composition says: true in tests and benchmarks alone
 * @throws ConfigError at the first request
 */
export function requireDeadline(config: { readonly answerDeadlineMs: number | null }, mayAnswerAtOnce: boolean): void {
  if (config.answerDeadlineMs === null && !mayAnswerAtOnce) {
    throw new ConfigError('ANSWER_DEADLINE_MS', 'an integer 1..10000 is expected where it is deployed, got "0"');
  }
}

/** Stands for "the timer rang first"; no value of T can be mistaken for it. */
const RANG = Symbol('deadline');

/**
 * Runs the work and answers at the deadline, not before and not after.
 *
 * @param options see {@link DeadlineOptions}
 * @returns the answer; never rejects
 */
export async function answerAtDeadline<T>(options: DeadlineOptions<T>): Promise<T> {
  const { deadlineMs, work, late, failed, waitUntil } = options;
  const timer =
    deadlineMs === null ? null : new Promise<typeof RANG>((ring) => setTimeout(() => ring(RANG), deadlineMs));
  const outcome = settled(work, failed);
  if (timer === null) return outcome;
  const first = await Promise.race([outcome, timer]);
  if (first === RANG) {
    waitUntil(outcome);
    return late();
  }
  await timer;
  return first;
}

async function settled<T>(work: () => Promise<T>, failed: () => T): Promise<T> {
  try {
    return await work();
  } catch {
    return failed();
  }
}
