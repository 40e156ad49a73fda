/**
 * @module What `portal` may ask of `verification` and `origin` about rollbacks (docs/rollback.md): parts of their back offices (rpc.ts). Types alone.
 */
import type { IssueSource } from './issue.ts';
import type { RollbackDay, RollbackOutcome, RollbackTarget, RollbackWait } from './rollback.ts';

/** Part of verification#BackOffice. */
export interface VerificationRollbackRpc {
  /** @returns the issue ids that a target's sources had on its days */
  issuesOf(target: RollbackTarget): Promise<readonly string[]>;
  /** @returns whose ids these are; those that the books have forgotten are left out */
  issueSources(issueIds: readonly string[]): Promise<readonly IssueSource[]>;
  /**
   * Ends a target's sources for its days and no others: no TAN is given any more, and those that aren't used yet are withdrawn; idempotent.
   *
   * @param askedDay UTC day on which it was asked for: if that is one of them, cards that nobody has used end too
   */
  endIssues(target: RollbackTarget, askedDay: number): Promise<void>;
}

/** Part of origin#BackOffice. */
export interface OriginRollbackRpc {
  /** @param undoKey PKCS#8 PEM, for this call alone @returns what taking these ids' keys back would do; nothing changes */
  planRollback(issueIds: readonly string[], undoKey: string): Promise<PlanReply>;
  /** Ends issue ids and takes their keys back; idempotent by the request's id, and goes on where it was cut off. */
  rollBack(request: RollBackRequest): Promise<RollBackReply>;
  /** @returns for each request what its published keys wait for now; null: nothing of it can be read any more, or it never had any */
  rollbackWaits(ids: readonly string[]): Promise<readonly (RollbackWait | null)[]>;
}

/** What `origin` is asked to roll back (workers/origin/rollback.ts). */
export interface RollBackRequest {
  /** A random UUID. */
  readonly id: string;
  readonly issueIds: readonly string[];
  /** PKCS#8 PEM, for this call alone; null: only what waits is dropped. */
  readonly undoKey: string | null;
}

/** bad-key: it doesn't open the records' issue ids; `reason` names no byte of it. */
interface BadUndoKey {
  readonly kind: 'bad-key';
  readonly reason: string;
}

/** `others`: issue ids that are mixed with the target's. */
export type PlanReply =
  | { readonly kind: 'plan'; readonly days: readonly RollbackDay[]; readonly others: readonly string[] }
  | BadUndoKey;

export type RollBackReply = ({ readonly kind: 'rolled-back' } & RollbackOutcome) | BadUndoKey;
