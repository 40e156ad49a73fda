/**
 * @module The SubmissionBuffer object: one a deployment (docs/architecture.md §4.5). A shell: storage, clock and RPC; what it does
 * is in *-ops.ts. Never grouped by person, never read by anybody but the Publisher and the origin's Intake.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { GroupCommit } from '../group-commit.ts';
import { migrate } from '../migrations.ts';
import { acceptUpload, resolveUpload } from './accept-ops.ts';
import { markBatch, withdrawnBatches, type WithdrawnBatch } from './batch-ops.ts';
import { parseBufferConfig, type BufferConfig } from './config.ts';
import type { Acceptance, BufferPort, FreezeRequest, FrozenSet, KeyPage, Resolution } from './contract.ts';
import { freezeHour } from './freeze-ops.ts';
import { allKnown } from './known-ops.ts';
import { expireBuffer, purgeSet, readPage } from './page-ops.ts';
import { MIGRATIONS } from './schema.ts';

export class SubmissionBuffer extends DurableObject implements BufferPort {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** What decoys, and the counts behind them, are drawn with; tests seed it. */
  protected random: RandomBytes = (n) => crypto.getRandomValues(new Uint8Array(n));
  protected config: BufferConfig;
  readonly #commits: GroupCommit;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.config = parseBufferConfig(env as Record<string, unknown>);
    this.#commits = new GroupCommit(ctx.storage);
    migrate(ctx.storage, MIGRATIONS);
  }

  /** Stores an upload once (domain/rpc.ts). */
  async accept(uploadId: string, upload: AcceptedUpload): Promise<Acceptance> {
    const now = await this.clock();
    return this.#commits.run(() => acceptUpload(this.ctx.storage.sql, this.config, this.random, now, uploadId, upload));
  }

  /** Says whether an upload id was stored, and declares it dead if not. */
  async resolve(uploadId: string): Promise<Resolution> {
    const now = await this.clock();
    return this.#commits.run(() => resolveUpload(this.ctx.storage.sql, this.config, now, uploadId));
  }

  /** Says whether an upload of these keys would bring nothing new, though it has something to publish. */
  async known(keys: readonly TemporaryExposureKey[]): Promise<boolean> {
    return allKnown(this.ctx.storage.sql, this.config, await this.clock(), keys);
  }

  /** Marks a batch of code cards as withdrawn from an instant on (Unix seconds, kept as its hour); idempotent. */
  async markBatch(codeBatchId: string, from: number): Promise<void> {
    markBatch(this.ctx.storage.sql, codeBatchId, from, await this.clock());
  }

  async withdrawnBatches(): Promise<WithdrawnBatch[]> {
    return withdrawnBatches(this.ctx.storage.sql);
  }

  async firstHour(): Promise<number | null> {
    const rows = this.ctx.storage.sql.exec<{ value: number }>(`SELECT value FROM meta WHERE name = 'first_hour'`);
    return rows.toArray()[0]?.value ?? null;
  }

  async freeze(request: FreezeRequest): Promise<FrozenSet> {
    return freezeHour(this.ctx.storage, this.config, await this.clock(), this.random, request);
  }

  async page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    return readPage(this.ctx.storage.sql, setNo, after, limit);
  }

  async purge(setNo: number): Promise<void> {
    purgeSet(this.ctx.storage, setNo);
  }

  async expire(): Promise<void> {
    expireBuffer(this.ctx.storage, this.random, await this.clock());
  }
}
