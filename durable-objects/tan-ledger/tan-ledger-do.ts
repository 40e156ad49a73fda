/**
 * @module The issued TANs, in one object (docs/decisions/012): a shell around domain/reservation.ts that keeps rows and
 * an alarm. A TAN itself never gets here, only its keyed hash (docs/architecture.md §4.4).
 */
import type { Clock } from '../../domain/clock.ts';
import { provesDeath, signPermit } from '../../domain/intake-permit.ts';
import type { Certified } from '../../domain/rpc-publish.ts';
import { commit, release, reserve, type TanRow, tanStatus } from '../../domain/reservation.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import type { TanStatus } from '../../domain/session.ts';
import { hourOf, SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { GroupCommit } from '../group-commit.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import {
  MIGRATIONS,
  forgetTans,
  isWithdrawn,
  nextForgetAt,
  readTan,
  withdrawTan,
  withdrawTans,
  writeTan,
} from './tan-rows.ts';

/** While a clean-up runs, the alarm that would repeat it if it failed. */
const RETRY_MS = 60_000;
/** `setAlarm` takes dates up to the year 275760; a clock of another century must not exceed that. */
const LONGEST_ALARM_MS = 30 * 86_400_000;

/** What {@link TanLedger.issue} takes. */
export interface IssueBatch {
  /** Keyed hashes of new TANs, hex. */
  readonly hashes: readonly string[];
  /** Of who vouched, and when (domain/issue.ts); null for a session of before there were any. */
  readonly issueId: string | null;
  readonly lifetimeSeconds: number;
}

/** What a certificate's row begins with. */
export interface IssuedCertificate {
  /** Of its authority and the day of its first use (domain/issue.ts); null: that day was rolled back, and no row begins. */
  readonly issueId: string | null;
  /** Unix seconds after which it is good for nothing; the row ends with the full hour. */
  readonly expiresAt: number;
  /** What it says of its keys; into the permit, and kept nowhere. */
  readonly certified: Certified;
}

/** Durable Object class; one object, named `ledger`. */
export class TanLedger extends EndableObject {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Date.now() / 1000;
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
  readonly #sql: SqlStorage;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;
  readonly #commits: GroupCommit;
  readonly #permitKey: Uint8Array;

  /** @throws Error when `PERMIT_KEY` is not base64 of 32 bytes */
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#permitKey = fromBase64((env as unknown as { readonly PERMIT_KEY?: string }).PERMIT_KEY ?? '');
    if (this.#permitKey.length !== 32) throw new Error('PERMIT_KEY must be base64 of 32 bytes');
    this.#sql = ctx.storage.sql;
    this.#commits = new GroupCommit(ctx.storage);
    migrate(ctx.storage, MIGRATIONS);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
  }

  /**
   * A TAN is issued when a phone is about to use it: the full hour above says no more than an hour of that.
   *
   * @param lifetimeSeconds > 0
   * @returns Unix seconds at which a TAN that is issued now ends
   */
  async endOfTan(lifetimeSeconds: number): Promise<number> {
    return Math.ceil(((await this.clock()) + lifetimeSeconds) / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  }

  /** Records new TANs. @param batch see {@link IssueBatch}; a hash that is there already keeps its row */
  async issue(batch: IssueBatch): Promise<void> {
    const expiresAt = await this.endOfTan(batch.lifetimeSeconds);
    this.ctx.storage.transactionSync(() => {
      for (const hash of batch.hashes) {
        if (readTan(this.#sql, hash) !== null || isWithdrawn(this.#sql, hash)) continue;
        writeTan(this.#sql, hash, { state: 'issued', issueId: batch.issueId, expiresAt });
      }
    });
    await this.#keepAlarm();
  }

  /**
   * See `RedeemRpc.reserve`.
   *
   * @param hash keyed hash of the TAN
   * @param request its digest hashed with a key of `verification`
   * @param leaseSeconds > 0
   */
  async reserve(hash: string, request: ReserveRequest, leaseSeconds: number): Promise<ReserveReply> {
    return this.#reserve(request, leaseSeconds, null, hash, () => readTan(this.#sql, hash));
  }

  /**
   * See `RedeemRpc.reserveCertificate`. One commit makes the row and reserves it: a crash leaves both or nothing, and then the certificate is as new.
   *
   * @param hash keyed hash of the certificate's name
   * @param issued what its first use writes; a row that is there stays as it is
   * @param request as of {@link reserve}
   * @param leaseSeconds > 0
   */
  async reserveCertificate(
    hash: string,
    issued: IssuedCertificate,
    request: ReserveRequest,
    leaseSeconds: number,
  ): Promise<ReserveReply> {
    const { issueId } = issued;
    const expiresAt = Math.ceil(issued.expiresAt / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
    let isNew = false;
    const reply = await this.#reserve(request, leaseSeconds, issued.certified, hash, () => {
      const row = readTan(this.#sql, hash);
      if (row !== null || issueId === null || isWithdrawn(this.#sql, hash)) return row;
      isNew = true;
      return { state: 'issued', issueId, expiresAt };
    });
    // A row that was there has its alarm.
    if (isNew) await this.#keepAlarm();
    return reply;
  }

  async #reserve(
    request: ReserveRequest,
    leaseSeconds: number,
    certified: Certified | null,
    hash: string,
    row: () => TanRow | null,
  ): Promise<ReserveReply> {
    const now = await this.clock();
    const reply = await this.#commits.run(() => {
      const step = reserve(row(), { ...request, now, leaseSeconds });
      if (step.write !== null) writeTan(this.#sql, hash, step.write);
      return step.reply;
    });
    if (reply.kind !== 'reserved') return reply;
    const { kind, reservationId, issueId, idCommitment } = reply;
    const hour = hourOf(now);
    // The payload's commitment goes into the MAC and nowhere else: the reservation's id bounds what can be stored.
    const facts = { hour, idCommitment, payloadCommitment: request.payloadCommitment, issueId, certified };
    return { kind, reservationId, issueId, permit: { hour, mac: signPermit(this.#permitKey, facts) } };
  }

  /**
   * See `RedeemRpc.commit`.
   *
   * @param hash keyed hash of the TAN
   * @param reservationId of the upload that was stored
   * @param isCertificate whether the row is to lead to that upload, until it is forgotten
   */
  async commit(hash: string, reservationId: string, isCertificate = false): Promise<void> {
    await this.#change(hash, (row) => commit(row, reservationId, isCertificate));
  }

  /**
   * See `RedeemRpc.release`.
   *
   * @param hash keyed hash of the TAN
   * @param reservationId of the upload that is given up
   * @param receipt of `origin`, that its id is dead
   */
  async release(hash: string, reservationId: string, receipt: string): Promise<void> {
    const proven = (idCommitment: string) => provesDeath(this.#permitKey, idCommitment, receipt);
    await this.#change(hash, (row) => release(row, reservationId, proven));
  }

  /** See `TanStatus`. @param hash keyed hash of the TAN @returns what became of it; a withdrawn one has expired */
  async status(hash: string): Promise<TanStatus> {
    const now = await this.clock();
    return isWithdrawn(this.#sql, hash) ? 'expired' : tanStatus(readTan(this.#sql, hash), now);
  }

  /** Ends a TAN that is not committed, and that the caller has given to nobody. @param hash keyed hash of the TAN */
  withdraw(hash: string): void {
    this.ctx.storage.transactionSync(() => withdrawTan(this.#sql, hash));
  }

  /** Ends the TANs of these issue ids that are not committed; a reserved one is refused at its next `reserve`. */
  async withdrawIssues(issueIds: readonly string[]): Promise<void> {
    let after: string | null = '';
    await inSlices(
      () => (after = this.ctx.storage.transactionSync(() => withdrawTans(this.#sql, issueIds, after ?? ''))),
      (next) => next !== null,
    );
  }

  /** Deletes what has to be gone by the believed time. @returns how many TANs were forgotten */
  async forgetExpired(): Promise<number> {
    const now = await this.#guard.believe(await this.clock(), this.secondClock);
    let forgotten = 0;
    await inSlices(
      () => {
        const gone = forgetTans(this.#sql, now);
        forgotten += gone;
        return gone;
      },
      (gone) => gone > 0,
    );
    return forgotten;
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
      await this.#keepAlarm();
    }
    return this.#guard.status(object, now);
  }

  /** Re-arms first, so that a clean-up that throws is repeated whatever the platform's retry budget says. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(RETRY_MS);
    await this.forgetExpired();
    const due = nextForgetAt(this.#sql);
    if (due === null) await this.#alarm.clear();
    else await this.#alarm.set(await this.#msTo(due));
  }

  #change(hash: string, step: (row: TanRow | null) => TanRow | null): Promise<void> {
    return this.#commits.run(() => {
      const next = step(readTan(this.#sql, hash));
      if (next !== null) writeTan(this.#sql, hash, next);
    });
  }

  async #keepAlarm(): Promise<void> {
    const due = nextForgetAt(this.#sql);
    if (due !== null) await this.#alarm.keep(await this.#msTo(due));
  }

  /** Alarms run on real time, whatever our clock says (docs/architecture.md §11). @param due Unix seconds by our clock */
  async #msTo(due: number): Promise<number> {
    const leftMs = (due - (await this.clock())) * 1000;
    // What is due by a clock that nothing confirms stays due: it is looked at once in a while.
    return Math.min(LONGEST_ALARM_MS, Math.max(this.#guard.held ? RETRY_MS : 0, leftMs));
  }
}

// A TAN that was reserved before may still be committed: its keys are stored, and are published.
closesAtEnd(TanLedger, {
  stopped: {
    issue: refuseEnded,
    reserve: async () => ({ kind: 'unknown' }),
    reserveCertificate: async () => ({ kind: 'unknown' }),
  },
  purged: { forgetExpired: async () => 0 },
});
