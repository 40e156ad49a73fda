/**
 * @module The credential desk: one object that keeps which places of our status list are taken and taken back, and what other regions' lists said last (docs/credential.md). One object is enough: 3,000 credentials a
 * day are one in half a minute.
 *
 * Durable writes: a place is taken before the session that gives the credential says so (workers/verification/credentials.ts). A crash in between leaves a place of nobody, which is free again when it would have expired.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { Head } from '../../protocol/directory/merkle.ts';
import { ClockGuard, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import { SCHEMA } from './schema.ts';
import {
  believedHead,
  forgetStatuses,
  keepBelievedHead,
  keepPeerList,
  type PeerList,
  peerList,
  revokedPlaces,
  revokeIssues,
  revokePlaces,
  takePlace,
  type WantedPlace,
} from './status-ops.ts';

const CLEANUP_EVERY_MS = 6 * 3_600_000;
const random32 = (): number => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

export class CredentialDesk<Env = unknown> extends EndableObject<Env> {
  /** Unix seconds; the local edge overrides it with its own clock (docs/architecture.md §11). */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** Deployed, none but the cron and an operator confirm the clock; the local edge overrides it. */
  protected secondClock: SecondClock | null = null;
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

  /** See {@link takePlace}. */
  async take(wanted: WantedPlace): Promise<number | null> {
    const place = this.ctx.storage.transactionSync(() => takePlace(this.#sql, wanted, random32));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return place;
  }

  /** See {@link revokePlaces}. */
  revoke(places: readonly number[]): void {
    revokePlaces(this.#sql, places);
  }

  /** See {@link revokeIssues}. */
  revokeIssues(issueIds: readonly string[]): void {
    revokeIssues(this.#sql, issueIds);
  }

  /** See {@link revokedPlaces}. */
  revoked(): number[] {
    return revokedPlaces(this.#sql);
  }

  /** See {@link keepPeerList}. */
  async keepPeerList(region: string, list: PeerList): Promise<boolean> {
    const kept = this.ctx.storage.transactionSync(() => keepPeerList(this.#sql, region, list));
    await this.#alarm.keep(CLEANUP_EVERY_MS);
    return kept;
  }

  /** See {@link peerList}. */
  peerList(region: string): PeerList | null {
    return peerList(this.#sql, region);
  }

  /** See {@link believedHead}. */
  directoryHead(log: string): Head | null {
    return believedHead(this.#sql, log);
  }

  /** See {@link keepBelievedHead}. */
  keepDirectoryHead(log: string, from: Head | null, to: Head): Head {
    return this.ctx.storage.transactionSync(() => keepBelievedHead(this.#sql, log, from, to));
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

  /** Cleanup. Armed again first, so a failure in between only repeats it hours later. */
  override async alarm(): Promise<void> {
    await this.#alarm.set(CLEANUP_EVERY_MS);
    const now = Math.floor(await this.#guard.believe(await this.clock(), this.secondClock));
    await inSlices(
      () => forgetStatuses(this.#sql, now),
      (more) => more,
    );
  }
}

// What was issued can still be taken back, and others can still be told so.
closesAtEnd<CredentialDesk>(CredentialDesk, {
  stopped: { take: async () => null },
  purged: {
    revoked: () => [],
    peerList: () => null,
    keepPeerList: async () => false,
    directoryHead: () => null,
    keepDirectoryHead: (_log, _from, to) => to,
  },
});
