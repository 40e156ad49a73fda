/**
 * @module The SubmissionBuffer object: one a deployment (docs/architecture.md §4.5). A shell: storage, clock and RPC; what it does
 * is in *-ops.ts. Never grouped by person, never read by anybody but the Publisher and the origin's Intake.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { RandomBytes } from '../../domain/decoys.ts';
import type { AcceptedUpload, AcceptReply, ClockStatus, ResolveReply } from '../../domain/rpc.ts';
import { ClockGuard, r2Clock, type SecondClock } from '../clock-guard.ts';
import { GroupCommit } from '../group-commit.ts';
import { migrate } from '../migrations.ts';
import { acceptUpload, resolveUpload } from './accept-ops.ts';
import { markBatch, withdrawnBatches, type WithdrawnBatch } from './batch-ops.ts';
import { parseBufferConfig, type BufferConfig } from './config.ts';
import type { BufferPort, FreezeRequest, FrozenSet, KeyPage } from './contract.ts';
import { freezeHour } from './freeze-ops.ts';
import { expireBuffer, purgeSet, readPage } from './page-ops.ts';
import { MIGRATIONS } from './schema.ts';

export class SubmissionBuffer extends DurableObject implements BufferPort {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** R2's clock; the local edge overrides it. */
  protected secondClock: SecondClock;
  /** What decoys are drawn from; tests seed it. */
  protected random: RandomBytes = (n) => crypto.getRandomValues(new Uint8Array(n));
  protected config: BufferConfig;
  readonly #commits: GroupCommit;
  readonly #guard: ClockGuard;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.config = parseBufferConfig(env as Record<string, unknown>);
    this.#commits = new GroupCommit(ctx.storage);
    migrate(ctx.storage, MIGRATIONS);
    this.#guard = new ClockGuard(ctx.storage);
    this.secondClock = r2Clock((env as { readonly PRIVATE: R2Bucket }).PRIVATE);
  }

  /** Stores an upload once (domain/rpc.ts). */
  async accept(uploadId: string, upload: AcceptedUpload): Promise<AcceptReply> {
    const now = await this.#now();
    return this.#commits.run(() => acceptUpload(this.ctx.storage.sql, this.config, now, uploadId, upload));
  }

  /** Says whether an upload id was stored, and declares it dead if not. */
  async resolve(uploadId: string): Promise<ResolveReply> {
    const now = await this.#now();
    return this.#commits.run(() => resolveUpload(this.ctx.storage.sql, this.config, now, uploadId));
  }

  /** Marks a batch of code cards as withdrawn from an instant on (Unix seconds, kept as its hour); idempotent. */
  async markBatch(codeBatchId: string, from: number): Promise<void> {
    markBatch(this.ctx.storage.sql, codeBatchId, from, await this.#now());
  }

  async withdrawnBatches(): Promise<WithdrawnBatch[]> {
    return withdrawnBatches(this.ctx.storage.sql);
  }

  async firstHour(): Promise<number | null> {
    const rows = this.ctx.storage.sql.exec<{ value: number }>(`SELECT value FROM meta WHERE name = 'first_hour'`);
    return rows.toArray()[0]?.value ?? null;
  }

  async freeze(request: FreezeRequest): Promise<FrozenSet> {
    return freezeHour(this.ctx.storage, this.config, await this.#now(), this.random, request);
  }

  async page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    return readPage(this.ctx.storage.sql, setNo, after, limit);
  }

  async purge(setNo: number): Promise<void> {
    purgeSet(this.ctx.storage, setNo);
  }

  async expire(): Promise<void> {
    expireBuffer(this.ctx.storage, await this.#now());
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /**
   * The believed time. An upload is never refused for a clock: by an earlier one its keys go to an earlier hour that is
   * still open, and their release rule holds whatever the clock says.
   */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
  }
}
