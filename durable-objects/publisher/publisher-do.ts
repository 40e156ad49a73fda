/**
 * @module The Publisher object: one a deployment, so that sealing never blocks uploads (docs/architecture.md §5). A shell: storage,
 * clock, alarm, RPC; the state machine is in steps.ts.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { OriginStatus } from '../../domain/rpc.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import { migrate } from '../migrations.ts';
import type { BufferPort } from '../submission-buffer/contract.ts';
import type { SubmissionBuffer } from '../submission-buffer/submission-buffer-do.ts';
import { r2Bucket, type BucketPort } from './bucket.ts';
import { parsePublisherConfig } from './config.ts';
import type { PublisherConfig } from './model.ts';
import type { Publication } from './publication.ts';
import { MIGRATIONS } from './schema.ts';
import { advance, type Advance } from './steps.ts';
import { PublisherStore } from './store.ts';
import { newWorkspace, type Workspace } from './workspace.ts';

/** Re-armed before anything else, so that a step that throws or is killed is taken up again. */
const RETRY_SECONDS = 60;
/** Grace after the hour, so that the buffer's clock has passed it too. */
const SEAL_GRACE_SECONDS = 5;
/** Steps of one alarm or cron; the rest is left to the next alarm, so that no invocation runs for minutes. */
const STEPS_PER_WAKE = 50;
const MAX_SLEEP_SECONDS = 3600;

/** Bindings of `origin` that the object uses. */
export interface PublisherEnv {
  readonly SUBMISSION_BUFFER: DurableObjectNamespace<SubmissionBuffer>;
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
}

export class Publisher extends DurableObject {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  protected config: PublisherConfig;
  readonly #store: PublisherStore;
  readonly #bindings: PublisherEnv;
  /** The step that runs: whoever comes meanwhile gets its outcome, since awaits let other events in. */
  #running: Promise<Advance> | null = null;
  /**
   * Calls of R2 after which a wake begins no further step. The platform refuses an invocation its 10,001st; a step takes
   * some hundreds, and a cron's wake beside an alarm's begins to count anew, so it is less than half.
   */
  protected bucketCallsPerWake = 4_000;
  #bucketCalls = 0;
  /** Kept while there is work, not from hour to hour. */
  #workspace: Workspace | null = null;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.#bindings = env as PublisherEnv;
    this.config = parsePublisherConfig(env as Record<string, unknown>);
    migrate(ctx.storage, MIGRATIONS);
    this.#store = new PublisherStore(ctx.storage);
  }

  /** One idempotent step; alarm, cron and operator all come here. */
  async advance(): Promise<{ readonly idle: boolean }> {
    await this.#arm(RETRY_SECONDS);
    const { idle, nextDue } = await this.#step();
    await this.#arm(idle ? nextDue - (await this.clock()) + SEAL_GRACE_SECONDS : 1);
    return { idle };
  }

  /** Steps until nothing is due; the cron's watchdog, and what an alarm does. */
  async wake(): Promise<void> {
    await this.#arm(RETRY_SECONDS);
    this.#bucketCalls = 0;
    for (let n = 0; n < STEPS_PER_WAKE && this.#bucketCalls < this.bucketCallsPerWake; n++) {
      const { idle, nextDue } = await this.#step();
      if (!idle) continue;
      await this.#arm(nextDue - (await this.clock()) + SEAL_GRACE_SECONDS);
      return;
    }
    await this.#arm(1);
  }

  override async alarm(): Promise<void> {
    // An error is not rethrown: the alarm is armed already, and the platform's own retries end after six.
    await this.wake().catch(() => this.#store.count('alert_step_failed'));
  }

  async status(): Promise<OriginStatus> {
    const now = await this.clock();
    const heads = this.config.regions.map((region) => ({ region, head: this.#store.head(region) }));
    const next = this.#store.meta('next_hour') ?? this.#store.meta('first_hour');
    const purged = this.#store.hoursIn('PLANNED').length === 0 && this.#store.hoursIn('FROZEN').length === 0;
    return {
      regions: heads.map(({ region, head }) => ({
        region,
        sequence: head?.sequence ?? 0,
        lastIndexedHour: head?.throughHour ?? null,
      })),
      idle: next !== null && hourEnd(next) > now && purged,
      counters: this.#store.counters(),
    };
  }

  /** The buckets as ports; a test's subclass makes them fail. */
  protected bucket(binding: R2Bucket, onCall: () => void): BucketPort {
    return r2Bucket(binding, onCall);
  }

  /** The buffer as a port; a test's subclass puts it out of reach. */
  protected buffer(): BufferPort {
    return this.#bindings.SUBMISSION_BUFFER.getByName('buffer');
  }

  #step(): Promise<Advance> {
    this.#running ??= this.#advanceOnce().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #advanceOnce(): Promise<Advance> {
    const onCall = (): void => void (this.#bucketCalls += 1);
    const publication: Publication = {
      now: await this.clock(),
      config: this.config,
      store: this.#store,
      buffer: this.buffer(),
      publicBucket: this.bucket(this.#bindings.PUBLIC, onCall),
      privateBucket: this.bucket(this.#bindings.PRIVATE, onCall),
      workspace: (this.#workspace ??= newWorkspace()),
    };
    const outcome = await advance(publication);
    if (outcome.idle) this.#workspace = null;
    return outcome;
  }

  /**
   * Alarms run on real time whatever our clock says, and one in the past fires at once and loops (docs/architecture.md §11): so
   * it is set at real now plus what is left on our clock, at least a second.
   */
  async #arm(seconds: number): Promise<void> {
    const wait = Math.min(Math.max(1, seconds), MAX_SLEEP_SECONDS);
    await this.ctx.storage.setAlarm(Date.now() + wait * 1000);
  }
}
