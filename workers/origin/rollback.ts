/**
 * @module A rollback as `origin` carries it out (docs/rollback.md): what waits is dropped, what is published is taken back. Which ids are meant, `verification`'s books say; the undo key is an
 * argument of one call, goes to Publisher for that call, and is kept and logged nowhere.
 *
 * Durable order: the ids end (nothing more is stored with them) and rows that wait are dropped, the request to take rows back is kept. Each step is idempotent by the request's id, so a crash
 * between any two is mended by asking again.
 *
 * Regions are apart: one that fails neither stops a rollback nor is forgotten. What is taken back is so with the next hour, whenever a region comes to write it.
 */
import type { PlanReply, RollBackReply, RollBackRequest } from '../../domain/rollback-rpc.ts';
import { coarseDays } from '../../domain/rollback-counts.ts';
import { planDays, type RollbackOutcome, type RollbackWait } from '../../domain/rollback.ts';
import type { OriginObjects } from './bindings.ts';

/** Steps of the publisher that a rollback waits for, so that a set that is being written is recorded: an hour takes about ten. */
const MAX_STEPS = 60;

/** What a rollback of these ids would do; changes nothing. */
export async function planRollback(
  { buffer, publisher }: OriginObjects,
  issueIds: readonly string[],
  undoKey: string,
): Promise<PlanReply> {
  const standing = await buffer.issueStanding(issueIds);
  const found = await publisher.publishedIssues(issueIds, undoKey);
  if (found.kind === 'bad-key') return { kind: 'bad-key', reason: found.reason };
  const counted = planDays(found.regions, standing, found.days);
  // No exact count leaves `origin`: of a source with one upload it would be one person's.
  return { kind: 'plan', days: coarseDays(counted, issueIds, found.step), others: [...found.others] };
}

/** Carries a rollback out as far as it can: without the undo key what waits is dropped, and no more. */
export async function rollBack(
  objects: OriginObjects,
  { id, issueIds, undoKey }: RollBackRequest,
): Promise<RollBackReply> {
  const { buffer, publisher } = objects;
  const { dropped, frozen, newestSet, journalled } = await buffer.dropWaiting({ id, issueIds });
  // Done is what no restore brings back: until the journal is without the rows, whoever asked asks again. What is published ends meanwhile.
  const soFar = (state: RollbackOutcome['state'], taken = 0, waits: RollbackWait | null = null): RollBackReply => ({
    kind: 'rolled-back',
    ...(journalled ? { state, waits } : { state: 'sealing', waits: null }),
    dropped,
    taken,
  });
  if (undoKey === null) return soFar('key');
  if (frozen > 0) await untilIdle(publisher);
  const throughSet = frozen > 0 ? newestSet : 0;
  const reply = await publisher.takeBackIssues({ id, issueIds, undoKey, throughSet });
  if (reply.kind === 'bad-key') return { kind: 'bad-key', reason: reply.reason };
  if (reply.kind === 'sealing') return soFar('sealing');
  const { rows, wait } = reply;
  return wait === null ? soFar('done', rows) : soFar('waiting', rows, { ...wait, regions: [...wait.regions] });
}

/** A set that is frozen is recorded by the publisher's next steps. One that throws is the last that is left: all others are taken, and whether the set is recorded, Publisher knows. */
export async function untilIdle(publisher: OriginObjects['publisher']): Promise<void> {
  try {
    for (let step = 0; step < MAX_STEPS; step++) if ((await publisher.advance()).idle) return;
  } catch {
    // Counted by Publisher (`alert_region_failed_…`), and tried again with its alarm.
  }
}
