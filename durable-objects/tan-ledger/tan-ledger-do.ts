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
import { type KeyRing, keyRing } from '../../protocol/primitives/key-ring.ts';
import { GroupCommit } from '../group-commit.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject, refuseEnded } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import {
  MIGRATIONS,
  findTan,
  forgetTans,
  nextForgetAt,
  type TanNames,
  withdrawnName,
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
  /** Of each one, in their order, what it may be known by already (see {@link TanNames}); left out: nothing. */
  readonly others?: readonly (readonly string[])[];
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
  readonly #permitKeys: KeyRing;

  /** @throws KeyRingError when `PERMIT_KEY` is no ring of keys */
  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#permitKeys = keyRing((env as unknown as { readonly PERMIT_KEY?: string }).PERMIT_KEY, 'PERMIT_KEY');
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

  /** Records new TANs. @param batch see {@link IssueBatch}; one that is there already keeps its row @returns under which name each is there */
  async issue({ hashes, others = [], issueId, lifetimeSeconds }: IssueBatch): Promise<readonly string[]> {
    const expiresAt = await this.endOfTan(lifetimeSeconds);
    const recorded = this.ctx.storage.transactionSync(() =>
      hashes.map((one, i) => {
        const names: TanNames = [one, ...(others[i] ?? [])];
        const { hash, row } = findTan(this.#sql, names);
        const withdrawn = row === null ? withdrawnName(this.#sql, names) : null;
        if (row === null && withdrawn === null) writeTan(this.#sql, hash, { state: 'issued', issueId, expiresAt });
        return withdrawn ?? hash;
      }),
    );
    await this.#keepAlarm();
    return recorded;
  }

  /**
   * See `RedeemRpc.reserve`.
   *
   * @param hash keyed hash of the TAN
   * @param request its digest hashed with a key of `verification`
   * @param leaseSeconds > 0 @param others see {@link TanNames}
   */
  async reserve(
    hash: string,
    request: ReserveRequest,
    leaseSeconds: number,
    others: readonly string[] = [],
  ): Promise<ReserveReply> {
    return this.#reserve(request, leaseSeconds, null, () => findTan(this.#sql, [hash, ...others]));
  }

  /**
   * See `RedeemRpc.reserveCertificate`. One commit makes the row and reserves it: a crash leaves both or nothing, and then the certificate is as new.
   *
   * @param hash keyed hash of the certificate's name
   * @param issued what its first use writes; a row that is there stays as it is
   * @param request as of {@link reserve}
   * @param leaseSeconds > 0 @param others see {@link TanNames}
   */
  async reserveCertificate(
    hash: string,
    issued: IssuedCertificate,
    request: ReserveRequest,
    leaseSeconds: number,
    others: readonly string[] = [],
  ): Promise<ReserveReply> {
    const { issueId } = issued;
    const names: TanNames = [hash, ...others];
    const expiresAt = Math.ceil(issued.expiresAt / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
    let isNew = false;
    const reply = await this.#reserve(request, leaseSeconds, issued.certified, () => {
      const found = findTan(this.#sql, names);
      if (found.row !== null || issueId === null || withdrawnName(this.#sql, names) !== null) return found;
      isNew = true;
      return { hash, row: { state: 'issued', issueId, expiresAt } };
    });
    // A row that was there has its alarm.
    if (isNew) await this.#keepAlarm();
    return reply;
  }

  async #reserve(
    request: ReserveRequest,
    leaseSeconds: number,
    certified: Certified | null,
    find: () => { readonly hash: string; readonly row: TanRow | null },
  ): Promise<ReserveReply> {
    const now = await this.clock();
    const reply = await this.#commits.run(() => {
      const { hash, row } = find();
      const step = reserve(row, { ...request, now, leaseSeconds });
      if (step.write !== null) writeTan(this.#sql, hash, step.write);
      return step.reply;
    });
    if (reply.kind !== 'reserved') return reply;
    const { kind, reservationId, issueId, idCommitment } = reply;
    const hour = hourOf(now);
    // The payload's commitment goes into the MAC and nowhere else: the reservation's id bounds what can be stored.
    const facts = { hour, idCommitment, payloadCommitment: request.payloadCommitment, issueId, certified };
    const permit = { hour, mac: signPermit(this.#permitKeys.current, facts) };
    return { kind, reservationId, idCommitment, issueId, permit };
  }

  /**
   * See `RedeemRpc.commit`.
   *
   * @param hash keyed hash of the TAN
   * @param reservationId of the upload that was stored
   * @param isCertificate whether the row is to lead to that upload, until it is forgotten @param others see {@link TanNames}
   */
  async commit(
    hash: string,
    reservationId: string,
    isCertificate = false,
    others: readonly string[] = [],
  ): Promise<void> {
    await this.#change([hash, ...others], (row) => commit(row, reservationId, isCertificate));
  }

  /**
   * See `RedeemRpc.release`.
   *
   * @param hash keyed hash of the TAN
   * @param reservationId of the upload that is given up
   * @param receipt of `origin`, that its id is dead @param others see {@link TanNames}
   */
  async release(hash: string, reservationId: string, receipt: string, others: readonly string[] = []): Promise<void> {
    const proven = (idCommitment: string) =>
      this.#permitKeys.all.some((key) => provesDeath(key, idCommitment, receipt));
    await this.#change([hash, ...others], (row) => release(row, reservationId, proven));
  }

  /** See `TanStatus`. @param hash keyed hash of the TAN @returns what became of it; a withdrawn one has expired */
  async status(hash: string): Promise<TanStatus> {
    return (await this.standing([hash])).status;
  }

  /** As {@link status}, of a TAN that may be known by several names. @returns by which it is, too; the first one where it is by none */
  async standing(names: TanNames): Promise<{ readonly status: TanStatus; readonly name: string }> {
    const now = await this.clock();
    const withdrawn = withdrawnName(this.#sql, names);
    if (withdrawn !== null) return { status: 'expired', name: withdrawn };
    const { hash, row } = findTan(this.#sql, names);
    return { status: tanStatus(row, now), name: hash };
  }

  /** Ends a TAN that is not committed, and that the caller has given to nobody. @param hash keyed hash of the TAN @param others see {@link TanNames} */
  withdraw(hash: string, others: readonly string[] = []): void {
    this.ctx.storage.transactionSync(() => withdrawTan(this.#sql, [hash, ...others]));
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

  #change(names: TanNames, step: (row: TanRow | null) => TanRow | null): Promise<void> {
    return this.#commits.run(() => {
      const { hash, row } = findTan(this.#sql, names);
      const next = step(row);
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
