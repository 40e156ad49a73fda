/**
 * @module The staff room: one object of the portal's own, with staff sessions, the audit log, and who may come by a
 * professional's card (docs/architecture.md §7). One object is enough: a few thousand staff make some actions a second.
 * It knows no patient, no code and no key.
 *
 * Durable writes: an action is written into the log before it is done. A crash in between leaves an entry for something
 * that did not happen; nothing ever happens without an entry. A session's entry is written with its first use, in one
 * transaction. What a crash leaves of a list of revoked certificates: authority-ops.ts; of a form: form-ops.ts.
 */
import { type Rollback, type RollbackOutcome, targetText } from '../../domain/rollback.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { AuditEnd } from '../../domain/sunset.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import {
  appendAudit,
  auditChain,
  type AuditChain,
  type AuditFound,
  type AuditRecord,
  type AuditSearch,
  searchAudit,
  verifyNextSlice,
} from './audit-ops.ts';
import { forgetLists } from './authority-ops.ts';
import { blockedCertificates, holdCard } from './card-ops.ts';
import { ActRoom } from './act-room.ts';
import { answerForm, forgetForms, formAnswer, type FormReply, takeForm } from './form-ops.ts';
import { forgetPeerActs } from './peer-act-ops.ts';
import { endProposal, forgetProposals, type Proposal, proposals, propose } from './proposal-ops.ts';
import {
  askForRollback,
  type ConfirmReply,
  confirmRollback,
  declineRollback,
  forgetRollbacks,
  noteRollback,
  rollbacks,
} from './rollback-ops.ts';
import { SCHEMA } from './schema.ts';
import { auditEnd, consentToEnd, type EndConsent, type EndStep } from './sunset-ops.ts';
import {
  admitCommand,
  COMMANDS_PER_MINUTE,
  countAction,
  endSession,
  forgetSessions,
  openSession,
  revokeSessions,
  runningSessions,
  type SessionClaim,
  type SessionReply,
  setLanguage,
  signInByCard,
  type StaffSession,
} from './session-ops.ts';

const CLEANUP_EVERY_MS = 3_600_000;
/** Between two slices others have their turn. */
const NEXT_SLICE_MS = 1_000;

export class StaffRoom<Env = unknown> extends ActRoom<Env> {
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  /** The local edge has no end of them: its clock stands still, and its driver gives commands by the hundred. */
  protected commandsPerMinute = COMMANDS_PER_MINUTE;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    migrate(ctx.storage, SCHEMA);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
  }

  /** See {@link openSession}; a session whose cookie came back for the first time is in the audit log. */
  async open(claim: SessionClaim): Promise<SessionReply> {
    const now = await this.#now();
    const reply = this.ctx.storage.transactionSync(() => {
      const opened = openSession(this.#sql, claim, now);
      if (opened.kind === 'open' && opened.first) {
        appendAudit(this.#sql, { who: claim.subject, what: 'session.begin', detail: '' }, now);
      }
      return opened;
    });
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return reply;
  }

  /** See {@link admitCommand}. */
  async admit(who: Pick<SessionClaim, 'subject' | 'authenticatedAt'>): Promise<'admitted' | 'ended' | 'many'> {
    return admitCommand(this.#sql, who, await this.#now(), this.commandsPerMinute);
  }

  /** See {@link signInByCard}. */
  async signInByCard(subject: string): Promise<boolean> {
    return signInByCard(this.#sql, subject, await this.#now());
  }

  /** See {@link countAction}. */
  async countAction(subject: string): Promise<boolean> {
    return countAction(this.#sql, subject, await this.#now());
  }

  /** See {@link takeForm}. */
  async takeForm(id: string): Promise<FormReply> {
    return takeForm(this.#sql, id, await this.#now());
  }

  /** See {@link answerForm}. */
  answerForm(id: string, location: string | null): void {
    answerForm(this.#sql, id, location);
  }

  /** See {@link formAnswer}. */
  formAnswer(id: string): string | null {
    return formAnswer(this.#sql, id);
  }

  /** See {@link propose}. @returns the proposal's id */
  async propose(proposal: Omit<Proposal, 'id' | 'at'>): Promise<string> {
    const id = crypto.randomUUID().replaceAll('-', '');
    const at = await this.#now();
    this.ctx.storage.transactionSync(() => propose(this.#sql, { ...proposal, id, at }));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return id;
  }

  /** See {@link proposals}. */
  async proposals(): Promise<Proposal[]> {
    return proposals(this.#sql, await this.#now());
  }

  /** See {@link endProposal}. */
  endProposal(id: string): void {
    endProposal(this.#sql, id);
  }

  /** See {@link consentToEnd}; it is in the audit log with it, so that no crash leaves a second person whom nobody knows. @param who for the audit log */
  async consentToEnd(step: EndStep, person: string, who: string): Promise<EndConsent> {
    const now = await this.#now();
    return this.ctx.storage.transactionSync(() => {
      const consent = consentToEnd(this.#sql, step, person, now);
      const detail = consent.kind === 'agreed' ? 'agreed' : 'asked';
      appendAudit(this.#sql, { who, what: `sunset.${step}`, detail }, now);
      return consent;
    });
  }

  /** See {@link auditEnd}; known beyond the end. */
  auditEnd(): AuditEnd {
    return this.ending.kept === null ? auditEnd(this.#sql) : (JSON.parse(this.ending.kept) as AuditEnd);
  }

  protected override keptAtEnd(): string {
    return JSON.stringify(auditEnd(this.#sql));
  }

  /** Ends one session: its owner signs out. */
  async end(idHash: string): Promise<void> {
    endSession(this.#sql, idHash, await this.#now());
  }

  /** Ends all sessions of a person; a card is kept out until it is let in again. @returns how many were running */
  async revoke(subject: string): Promise<number> {
    const now = await this.#now();
    holdCard(this.#sql, subject, true);
    return revokeSessions(this.#sql, subject, now);
  }

  /** @returns the running sessions */
  async sessions(): Promise<StaffSession[]> {
    return runningSessions(this.#sql, await this.#now());
  }

  /** Keeps the language a person chose. */
  setLanguage(idHash: string, language: string): void {
    setLanguage(this.#sql, idHash, language);
  }

  /** Appends to the audit log. */
  async record(record: AuditRecord): Promise<void> {
    appendAudit(this.#sql, record, await this.#now());
  }

  /** See {@link searchAudit}. */
  search(search: AuditSearch): AuditFound {
    return searchAudit(this.#sql, search);
  }

  /** See {@link auditChain}. */
  chain(): AuditChain {
    return auditChain(this.#sql);
  }

  /** @returns blocked certificates by their marks, the last first */
  blocked(): { mark: string; at: number }[] {
    return blockedCertificates(this.#sql);
  }

  /**
   * What a cron asks, so that whoever asks with a time is the alarm's watchdog too.
   *
   * @param object this object's name
   * @param at Unix seconds that another clock says, or null to tell only
   */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) {
      this.#guard.confirm(now, at);
      await this.#alarm.keep(CLEANUP_EVERY_MS);
    }
    return this.#guard.status(object, now);
  }

  /** See {@link askForRollback}. */
  async askForRollback(asked: Pick<Rollback, 'id' | 'target' | 'plan'> & { readonly by: string }): Promise<void> {
    askForRollback(this.#sql, { ...asked, askedBy: asked.by, askedAt: await this.#now() });
    await this.#alarm.keep(CLEANUP_EVERY_MS);
  }

  async rollbacks(): Promise<Rollback[]> {
    return rollbacks(this.#sql, await this.#now());
  }

  /** See {@link confirmRollback}; it is in the audit log with it, as the end is. */
  async confirmRollback(id: string, by: string, said: Omit<AuditRecord, 'detail'>): Promise<ConfirmReply> {
    const now = await this.#now();
    return this.ctx.storage.transactionSync(() => {
      const reply = confirmRollback(this.#sql, id, by, now);
      if (reply.kind === 'confirmed') {
        appendAudit(this.#sql, { ...said, detail: `${targetText(reply.rollback.target)} ${id}` }, now);
      }
      return reply;
    });
  }

  declineRollback(id: string): boolean {
    return declineRollback(this.#sql, id);
  }

  noteRollback(id: string, outcome: RollbackOutcome): void {
    noteRollback(this.#sql, id, outcome);
  }

  /** Cleanup, a slice at a time. Armed again first, so a failure in between only repeats it an hour later. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(CLEANUP_EVERY_MS);
    const now = await this.#guard.believe(await this.#now(), this.secondClock);
    forgetSessions(this.#sql, now);
    forgetForms(this.#sql, now);
    forgetProposals(this.#sql, now);
    forgetRollbacks(this.#sql, now);
    forgetPeerActs(this.#sql, now);
    const more = [forgetLists(this.#sql, now), verifyNextSlice(this.#sql, now)];
    if (more.includes(true)) await this.#alarm.set(NEXT_SLICE_MS);
  }

  async #now(): Promise<number> {
    return Math.floor(await this.clock());
  }
}

// Access still says who comes; of what they may do the proof alone is left, and purging what an interrupted purge left.
closesAtEnd<StaffRoom>(StaffRoom, {
  purged: { admit: async () => 'admitted', record: async () => {}, consentToEnd: async () => ({ kind: 'agreed' }) },
  open: ['auditEnd'],
});
