/**
 * @module Rollbacks as staff ask for and confirm them (docs/rollback.md): who vouched stands in `verification`'s books, the keys are `origin`'s, and who agreed is in StaffRoom. The undo key passes through
 * in one call, and is kept and logged nowhere.
 *
 * Durable writes: the confirmation with its entry of the audit log, the end of the source, the keys, what came of it. A crash in between leaves a rollback that is confirmed and not done; whoever may ask goes on with it,
 * and each step is idempotent by the rollback's id.
 */
import type { IssueSource } from '../../domain/issue.ts';
import {
  MAX_ROLLBACK_DAYS,
  type Rollback,
  type RollbackPlan,
  type RollbackTarget,
  targetText,
} from '../../domain/rollback.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { audit, auditedName, type StaffContext } from './staff-context.ts';

/** nothing: the books have no id for it, so no key can be meant. */
export type PlanAnswer =
  | { readonly kind: 'plan'; readonly plan: RollbackPlan }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'bad-key'; readonly reason: string };

export type AskAnswer =
  | (Extract<PlanAnswer, { readonly kind: 'plan' }> & { readonly id: string })
  | Exclude<PlanAnswer, { readonly kind: 'plan' }>;

/** noted: it is confirmed, and this is how far it has come. own: whoever asked can't be the second person. */
export type ConfirmAnswer =
  | { readonly kind: 'noted'; readonly rollback: Rollback }
  | { readonly kind: 'own' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'bad-key'; readonly reason: string };

/** A dry run: changes nothing. @param undoKey PKCS#8 PEM */
export async function plan(c: StaffContext, target: RollbackTarget, undoKey: string): Promise<PlanAnswer> {
  const issueIds = await c.env.VERIFICATION.issuesOf(target);
  if (issueIds.length === 0) return { kind: 'nothing' };
  const reply = await c.env.ORIGIN.planRollback([...issueIds], undoKey);
  if (reply.kind === 'bad-key') return { kind: 'bad-key', reason: reply.reason };
  const others = await c.env.VERIFICATION.issueSources([...reply.others]);
  const named = others.map(({ kind, source, day }): IssueSource => ({ kind, source, day }));
  return { kind: 'plan', plan: { days: reply.days.map((line) => ({ ...line })), others: named } };
}

/** Asks for a rollback, with what the dry run says of it now. @param undoKey PKCS#8 PEM */
export async function ask(c: StaffContext, target: RollbackTarget, undoKey: string): Promise<AskAnswer> {
  const planned = await plan(c, target, undoKey);
  if (planned.kind !== 'plan') return planned;
  const id = crypto.randomUUID();
  await audit(c, 'rollback.ask', `${targetText(target)} ${id}`);
  await c.var.room.askForRollback({ id, target, plan: planned.plan, by: c.var.identity.person });
  return { ...planned, id };
}

/**
 * The second person confirms, or anybody goes on with what is confirmed.
 *
 * @param undoKey PKCS#8 PEM; null: the source ends and what waits is dropped, published keys wait for the key
 */
export async function confirm(c: StaffContext, id: string, undoKey: string | null): Promise<ConfirmAnswer> {
  const said = { who: auditedName(c), what: undoKey === null ? 'rollback.confirm' : 'rollback.take-back' };
  const confirmed = await c.var.room.confirmRollback(id, c.var.identity.person, said);
  if (confirmed.kind !== 'confirmed') return { kind: confirmed.kind };
  const { target, askedAt } = confirmed.rollback;
  await c.env.VERIFICATION.endIssues(target, Math.floor(askedAt / SECONDS_PER_DAY));
  const issueIds = await c.env.VERIFICATION.issuesOf(target);
  const reply = await c.env.ORIGIN.rollBack({ id, issueIds: [...issueIds], undoKey });
  if (reply.kind === 'bad-key') return { kind: 'bad-key', reason: reply.reason };
  const { state, dropped, taken, waits } = reply;
  await c.var.room.noteRollback(id, { state, dropped, taken, waits });
  const now = (await c.var.room.rollbacks()).find((one) => one.id === id);
  return now === undefined ? { kind: 'gone' } : { kind: 'noted', rollback: { ...now } };
}

/** @returns what was asked for, newest first; of what waits `origin` says anew how far it is. Changes nothing. */
export async function standings(c: StaffContext): Promise<Rollback[]> {
  const rollbacks = (await c.var.room.rollbacks()).map((one) => ({ ...one }));
  const waiting = rollbacks.flatMap(({ id, outcome }) => (outcome?.state === 'waiting' ? [id] : []));
  if (waiting.length === 0) return rollbacks;
  const waits = await c.env.ORIGIN.rollbackWaits(waiting);
  return rollbacks.map((rollback) => {
    const { id, outcome } = rollback;
    const at = waiting.indexOf(id);
    if (outcome === null || at < 0) return rollback;
    const wait = waits[at] ?? null;
    return { ...rollback, outcome: { ...outcome, state: wait === null ? 'done' : 'waiting', waits: wait } };
  });
}

/** Ends one that nobody confirmed. @returns false when there is none */
export async function decline(c: StaffContext, id: string): Promise<boolean> {
  await audit(c, 'rollback.decline', id);
  return c.var.room.declineRollback(id);
}

/**
 * A batch that is withdrawn back to a date: keys that came with its cards on the days since then and wait are dropped. What is published, two people roll back.
 *
 * @param from Unix seconds
 */
export async function dropUnpublished(c: StaffContext, batchId: string, from: number): Promise<void> {
  const today = Math.floor(c.var.now / SECONDS_PER_DAY);
  // Whole days: who used a card before the withdrawal counts is never meant.
  const fromDay = Math.max(Math.ceil(from / SECONDS_PER_DAY), today - MAX_ROLLBACK_DAYS + 1);
  if (fromDay > today) return;
  const issueIds = await c.env.VERIFICATION.issuesOf({ kind: 'batch', name: batchId, fromDay, toDay: today });
  // A batch is withdrawn as often as one likes, and its id names the request.
  await c.env.ORIGIN.rollBack({ id: batchId, issueIds: [...issueIds], undoKey: null });
}
