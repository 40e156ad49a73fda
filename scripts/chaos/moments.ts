/**
 * @module When something is killed: what it is, what is going on just then, and how far that has come. A hand of ten is dealt and shuffled by the seed, so that a run
 * of ten kills has each kind of moment, whatever its seed; a shorter run has the kinds that are dealt first.
 */

/** What is killed: workerd alone (Miniflare starts another), or everything; `storage`: everything, and what `origin` stores is lost. */
export type Target = 'workerd' | 'group' | 'storage';

/** What goes on beside uploads. */
type Work = 'nothing' | 'rollback' | 'withdrawals';

/** before: the kill comes first, and the work meets an edge that is down; after: as soon as it was answered. */
type When = 'before' | 'middle' | 'after';

/** One kill. */
export interface Moment {
  readonly target: Target;
  readonly work: Work;
  readonly when: When;
  /** Whether an hour is sealed at the same time. */
  readonly sealing: boolean;
  /** Of the longest wait, 0..1: how far the work has come in the middle of it. */
  readonly part: number;
  /** After a loss: of the longest restore, 0..1, at which that is killed too; null: it is left in peace. */
  readonly restoreCutAt: number | null;
}

const HAND = 10;
const WORKS: readonly Work[] = ['rollback', 'withdrawals', 'nothing', 'withdrawals', 'nothing', 'rollback', 'nothing'];
const WHENS: readonly When[] = ['middle', 'before', 'after', 'middle'];
/** One in a hand; null: one process or all of them, by a coin. */
const LOST: readonly Target[] = ['storage'];

/**
 * @param kills how many, at least 1
 * @param byte draws 0..255
 * @returns the moments, in order
 */
export function drawMoments(kills: number, byte: () => number): Moment[] {
  const moments: Moment[] = [];
  while (moments.length < kills) {
    const size = Math.min(HAND, kills - moments.length);
    const numbers = Array.from({ length: size }, (_, n) => n);
    const targets = shuffled(
      numbers.map((n) => LOST[n] ?? null),
      byte,
    );
    const works = shuffled(
      numbers.map((n) => WORKS[n] ?? 'nothing'),
      byte,
    );
    // Each kind of work is cut in each of these ways, over some hands.
    for (const [n, work] of works.entries()) {
      const process: Target = byte() < 128 ? 'workerd' : 'group';
      moments.push({
        target: targets[n] ?? process,
        work,
        when: WHENS[byte() % WHENS.length]!,
        sealing: byte() < 128,
        part: byte() / 255,
        restoreCutAt: byte() < 128 ? byte() / 255 : null,
      });
    }
  }
  return moments;
}

/** Fisher and Yates. */
function shuffled<T>(values: T[], byte: () => number): T[] {
  for (let n = values.length - 1; n > 0; n--) {
    const other = byte() % (n + 1);
    [values[n], values[other]] = [values[other]!, values[n]!];
  }
  return values;
}
