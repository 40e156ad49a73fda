/**
 * @module A rollback as `verification` carries it out (docs/rollback.md): which issue ids a source had, and that it gets no TAN any more for the days that are rolled back.
 *
 * Durable order: the end in the books, batches and their sessions, TANs that are not used, credentials for other regions, codes and tokens of Google's dialect. Each is idempotent, so asking again mends a crash; a TAN or a credential that is being given meanwhile is
 * withdrawn by whoever gives it (sessions.ts, credentials.ts).
 */
import type { IssueSource } from '../../domain/issue.ts';
import { ISSUE_KINDS_OF, type RollbackTarget } from '../../domain/rollback.ts';
import type { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import type { IssueSelection } from '../../durable-objects/code-desk/issue-ops.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { VerificationEnv } from './bindings.ts';
import type { Desk } from './desk.ts';
import type { Ledger } from './ledger.ts';

export class RollbackBooks {
  readonly #env: VerificationEnv;
  readonly #desk: Desk;
  readonly #ledger: Ledger;

  constructor(env: VerificationEnv, desk: Desk, ledger: Ledger) {
    this.#env = env;
    this.#desk = desk;
    this.#ledger = ledger;
  }

  get #books(): DurableObjectStub<CodeDesk> {
    return this.#env.CODE_DESK.getByName('desk');
  }

  /** @returns the ids that the target's sources had */
  async issuesOf(target: RollbackTarget): Promise<string[]> {
    const found: string[] = [];
    for (const selection of await this.#selections(target)) {
      found.push(...(await this.#books.issuesOf(selection)).map(({ issueId }) => issueId));
    }
    return found.toSorted();
  }

  /** @returns whose ids these are */
  async sources(issueIds: readonly string[]): Promise<IssueSource[]> {
    return (await this.#books.sourcesOf(issueIds)).map(({ kind, source, day }) => ({ kind, source, day }));
  }

  /** Ends the target for its days and no others; idempotent. @param askedDay UTC day on which it was asked for: if that is one of them, it reaches cards that nobody has used yet */
  async end(target: RollbackTarget, askedDay: number): Promise<void> {
    const selections = await this.#selections(target);
    for (const selection of selections) await this.#books.endIssues(selection);
    for (const { kind, sources } of selections) {
      if (kind !== 'card') continue;
      const [from, before] = [target.fromDay * SECONDS_PER_DAY, (target.toDay + 1) * SECONDS_PER_DAY];
      for (const batchId of sources) await this.#desk.endDays(batchId, from, before, target.toDay >= askedDay);
    }
    const issueIds = await this.issuesOf(target);
    await this.#ledger.withdrawIssues(issueIds);
    await this.#env.CREDENTIAL_DESK.getByName('desk').revokeIssues(issueIds);
    await this.#env.CODE_STORE.getByName('store').endIssues(issueIds);
  }

  async #selections({ kind, name, fromDay, toDay }: RollbackTarget): Promise<IssueSelection[]> {
    const sources = kind === 'provider' ? await this.#books.batchesOf(name) : [name];
    return ISSUE_KINDS_OF[kind].map((issueKind) => ({ kind: issueKind, sources, fromDay, toDay }));
  }
}
