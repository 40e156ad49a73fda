/**
 * @module Who vouched for a session, as an issue id (domain/issue.ts). The books are the code desk's; what a session says of its source is
 * looked up when it is given a TAN, so that a test or a card that nobody ever uploads with leaves nothing here.
 */
import type { IssueSource } from '../../domain/issue.ts';
import type { TestResultReply } from '../../domain/rpc.ts';
import type { Session } from '../../domain/session.ts';
import type { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { VerificationEnv } from './bindings.ts';

/** granted: with this id, null for a teleTAN of before there were any. over: its source has ended for that day: no TAN. */
export type Vouched = { readonly kind: 'granted'; readonly issueId: string | null } | { readonly kind: 'over' };

const OVER: Vouched = { kind: 'over' };

export class Issues {
  readonly #namespace: VerificationEnv['CODE_DESK'];

  constructor(env: VerificationEnv) {
    this.#namespace = env.CODE_DESK;
  }

  /** A stub belongs to the request that made it, so it is made anew each time. */
  get #desk(): DurableObjectStub<CodeDesk> {
    return this.#namespace.getByName('desk');
  }

  /**
   * @param session registered
   * @param reply what its laboratory said, if it is a test
   */
  async of(session: Session, reply: TestResultReply): Promise<Vouched> {
    const about = sourceOf(session, reply);
    if (about === null) return this.#again(session.issueId);
    const issueId = await this.#desk.issueOf(about);
    return issueId === null ? OVER : { kind: 'granted', issueId };
  }

  /** @returns whether a source has ended for the day of this id */
  async isOver(issueId: string | null): Promise<boolean> {
    return issueId !== null && (await this.#desk.isIssueOver(issueId));
  }

  /** The id of whoever has TANs issued by a command, today. */
  async ofStaff(issuer: string): Promise<Vouched> {
    const issueId = await this.#desk.issueOfToday('staff', issuer);
    return issueId === null ? OVER : { kind: 'granted', issueId };
  }

  /** The id of a health authority, today, for a certificate that is used for the first time; null when the day was rolled back. @param authorityId as the document of authorities has it */
  async ofAuthority(authorityId: string): Promise<string | null> {
    return this.#desk.issueOfToday('authority', authorityId);
  }

  /** A teleTAN's session has had its id since it was issued. */
  async #again(issueId: string | null): Promise<Vouched> {
    return (await this.isOver(issueId)) ? OVER : { kind: 'granted', issueId };
  }
}

/** @returns who vouched, and when: a laboratory when it made the test positive, since a thief of its certificate changes what it posted before; a card's provider when it was used */
function sourceOf(session: Session, reply: TestResultReply): IssueSource | null {
  const dayOf = (at: number): number => Math.floor(at / SECONDS_PER_DAY);
  const { authorisation, codeBatchId, registeredAt } = session;
  if (authorisation === 'card' && codeBatchId !== null) {
    return { kind: 'card', source: codeBatchId, day: dayOf(registeredAt ?? 0) };
  }
  if (authorisation === 'laboratory' && reply.labId !== null && reply.positiveDay !== null) {
    return { kind: 'laboratory', source: reply.labId, day: reply.positiveDay };
  }
  return null;
}
