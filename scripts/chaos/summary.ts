/**
 * @module What a run of `npm run chaos` came to, as JSON and line by line.
 */
import type { Target } from './moments.ts';
import type { Met } from './phones.ts';
import type { Count } from './taking-back.ts';
import type { Verdict } from './verdict.ts';

/** All of it. */
export interface RunResult {
  readonly kills: Record<Target, number>;
  /** Of the kills. */
  readonly during: Readonly<Record<'sealing' | 'rollback' | 'withdrawals' | 'restore', number>>;
  readonly attempts: number;
  readonly acknowledgedUploads: number;
  readonly abandonedUploads: number;
  /** Their batch had ended, or as {@link refusedRetries}. */
  readonly refusedUploads: number;
  /** Without a code card: stored after the last journal before a loss, and the phone heard nothing of that. */
  readonly refusedRetries: number;
  /** Keys that were acknowledged after the last journal before a loss. */
  readonly acknowledgedAfterJournal: number;
  /** Seconds from the last journal to each loss. */
  readonly journalAges: readonly number[];
  /** Keys whose withdrawal was heard after it, and that may come back. */
  readonly withdrawnAfterJournal: number;
  /** Keys of a set that was being recorded, and that the journal hadn't: they wait again without the batch of their card. */
  readonly withoutBatch: number;
  readonly rollbacks: Count;
  readonly withdrawals: Count;
  readonly dummies: Count;
  readonly regions: readonly Verdict[];
  readonly phones: Met;
  /** What is wrong with the logs. */
  readonly logs: readonly string[];
  readonly clean: boolean;
}

const countText = (what: string, { asked, done }: Count): string => `${what} ${done} of ${asked}`;

/** @param result of a run @returns it for a person, line by line */
export function summary(result: RunResult): string[] {
  const { kills, during, phones } = result;
  return [
    `kills: ${kills.workerd} of workerd, ${kills.group} of the group, ${kills.storage} with the loss of all that origin stores;` +
      ` around ${during.sealing} seals, ${during.rollback} rollbacks, ${during.withdrawals} times withdrawals, and ${during.restore} in a restore`,
    `uploads: ${result.attempts} attempts, ${result.acknowledgedUploads} acknowledged, ${result.abandonedUploads} given up without an answer, ${result.refusedUploads} refused`,
    `keys acknowledged after the last journal before a loss: ${result.acknowledgedAfterJournal}; withdrawn after it: ${result.withdrawnAfterJournal};` +
      ` waiting again without their batch: ${result.withoutBatch}` +
      `; age of that journal: ${result.journalAges.map((seconds) => `${seconds.toFixed(1)} s`).join(', ') || 'none'}`,
    `retries told that their TAN was used, since the first attempt was lost after its answer: ${result.refusedRetries}`,
    `done of what was asked: ${[
      countText('rollbacks', result.rollbacks),
      countText('withdrawals', result.withdrawals),
      countText('dummies of withdrawals', result.dummies),
    ].join(', ')}`,
    ...result.regions.map(
      (v) =>
        `${v.region} published ${v.published}, revoked ${v.revoked}, missing ${v.missing}, doubled ${v.doubled}, taken back and there ${v.left},` +
        ` not revoked once ${v.notRevoked}, wrongly revoked ${v.wronglyRevoked}, half-stored uploads ${v.halfStored}, strangers ${v.strangers},` +
        ` in one tree alone ${v.differing}, head ${v.sequence}, broken links ${v.brokenLinks}`,
    ),
    `phones: a phone that saw only the end meets ${phones.matches} keys, ${phones.differing} others meet not the same;` +
      ` ${phones.takenBack} matches were had and taken back; errors of the last download: ${phones.errors.join(', ') || 'none'}`,
    `event log, everything public made again from it, audit log: ${result.logs.length === 0 ? 'whole' : result.logs.join('; ')}`,
    result.clean
      ? 'every acknowledged key that a record or a journal had is published exactly once in each region, unless it was taken back; what was taken back is gone, and revoked once'
      : 'NOT CLEAN',
  ];
}
