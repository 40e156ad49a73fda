/**
 * @module The Publisher object: one a deployment, so that sealing never blocks uploads (docs/architecture.md §5). A shell: storage,
 * clock, alarm, RPC; the state machine is in steps.ts.
 */
import type { Clock } from '../../domain/clock.ts';
import type { RestoreReply, RestoreRequest } from '../../domain/restore.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { RollbackWait } from '../../domain/rollback.ts';
import type { OriginStatus } from '../../domain/origin-status.ts';
import type { PeerBatchUndo } from '../../domain/rpc-federation.ts';
import type { KeptByPublisher, OriginEnding } from '../../domain/sunset.ts';
import { ClockGuard, r2Clock, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { hasLog, StorageLost, STORAGE_LOST_ALERT } from '../life.ts';
import { migrate } from '../migrations.ts';
import type { PublishedVersion } from '../../domain/parameters/publication.ts';
import type { ParameterStore } from '../parameter-store/parameter-store-do.ts';
import type { BufferPort } from '../submission-buffer/contract.ts';
import type { SubmissionBuffer } from '../submission-buffer/submission-buffer-do.ts';
import { r2Bucket, type BucketPort } from './bucket.ts';
import { parsePublisherConfig } from './config.ts';
import { endingOf, keptAtEnd, publishLast } from './end-ops.ts';
import { EventLog } from './event-log.ts';
import { publishedIssues, takeBackIssues } from './issue-rows.ts';
import type { IssuesRequest, PublishedIssuesReply, TakeBackIssuesReply } from './issue-rows.ts';
import { FeedStore } from './feed-store.ts';
import { FailingRegions } from './failing-regions.ts';
import type { PublisherConfig } from './model.ts';
import { ownObjects } from './own-objects.ts';
import { takeBackPeerBatch, type TakeBackPeerBatchReply } from './peer-rows.ts';
import type { Publication } from './publication.ts';
import { MIGRATIONS } from './schema.ts';
import { Restore } from './restore/restore.ts';
import { originStatus } from './status.ts';
import { advance, type Advance } from './steps.ts';
import { PublisherStore } from './store.ts';
import { keepRequest } from './take-back.ts';
import { waitsOf } from './waits.ts';
import { TakingStore } from './taking-store.ts';
import type { TakeBackReply, TakeBackRequest } from '../../domain/publication/taken.ts';
import { newWorkspace, type Workspace } from '../../domain/publication/workspace.ts';

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
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
  readonly FEEDS: R2Bucket;
}

export class Publisher extends EndableObject {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** R2's clock; the local edge overrides it. */
  protected secondClock: SecondClock;
  protected config: PublisherConfig;
  readonly #guard: ClockGuard;
  readonly #store: PublisherStore;
  readonly #takings: TakingStore;
  readonly #feeds: FeedStore;
  readonly #log: EventLog;
  readonly #bindings: PublisherEnv;
  /** The step that runs: whoever comes meanwhile gets its outcome, since awaits let other events in. */
  #running: Promise<Advance> | null = null;
  /**
   * Calls of R2 after which a wake begins no further step. The platform refuses an invocation its 10,001st; a step takes
   * some hundreds, and a cron's wake beside an alarm's begins to count anew, so it is less than half.
   */
  protected bucketCallsPerWake = 4_000;
  #bucketCalls = 0;
  #restoring: Promise<RestoreReply> | null = null;
  #restore: Restore | null = null;
  /** Kept while there is work, not from hour to hour. */
  #workspace: Workspace | null = null;
  readonly #failing = new FailingRegions();

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.#bindings = env as PublisherEnv;
    this.config = parsePublisherConfig(env as Record<string, unknown>);
    migrate(ctx.storage, MIGRATIONS);
    this.#store = new PublisherStore(ctx.storage);
    this.#takings = new TakingStore(ctx.storage);
    this.#feeds = new FeedStore(ctx.storage);
    this.#log = new EventLog(ctx.storage, this.config.logKeyId, this.config.logSigner);
    this.#guard = new ClockGuard(ctx.storage);
    this.secondClock = r2Clock(this.#bindings.PRIVATE);
  }

  /** One idempotent step; alarm, cron and operator all come here. */
  async advance(): Promise<{ readonly idle: boolean }> {
    await this.#arm(RETRY_SECONDS);
    // An operator who asks wants it tried now.
    this.#failing.wakeAll();
    const { idle, nextDue } = await this.#step();
    await this.#arm(idle ? nextDue - (await this.#now()) + SEAL_GRACE_SECONDS : 1);
    return { idle };
  }

  /** Steps until nothing is due; the cron's watchdog, and what an alarm does. */
  async wake(): Promise<void> {
    await this.#arm(RETRY_SECONDS);
    this.#bucketCalls = 0;
    this.#failing.countWake();
    for (let n = 0; n < STEPS_PER_WAKE && this.#bucketCalls < this.bucketCallsPerWake; n++) {
      const { idle, nextDue } = await this.#step();
      if (!idle) continue;
      await this.#arm(nextDue - (await this.#now()) + SEAL_GRACE_SECONDS);
      return;
    }
    await this.#arm(1);
  }

  override async alarm(): Promise<void> {
    // An error is not rethrown: the alarm is armed already, and the platform's own retries end after six.
    await this.wake().catch(() => this.#store.count('alert_step_failed'));
  }

  /** Keeps what is to be taken back with the next hour (take-back.ts); durable when it answers, and idempotent by the request's id. */
  async takeBack(request: TakeBackRequest): Promise<TakeBackReply> {
    return keepRequest(await this.#living(), request);
  }

  /** See {@link publishedIssues}. */
  async publishedIssues(issueIds: readonly string[], undoKey: string): Promise<PublishedIssuesReply> {
    return publishedIssues(await this.#living(), issueIds, undoKey);
  }

  /** See {@link takeBackIssues}. */
  async takeBackIssues(request: IssuesRequest): Promise<TakeBackIssuesReply> {
    return takeBackIssues(await this.#living(), request);
  }

  /** See {@link takeBackPeerBatch}. */
  async takeBackPeerBatch(request: PeerBatchUndo & { readonly throughSet: number }): Promise<TakeBackPeerBatchReply> {
    return takeBackPeerBatch(await this.#living(), request);
  }

  /** See {@link waitsOf}. */
  async takeBackWaits(ids: readonly string[]): Promise<(RollbackWait | null)[]> {
    return waitsOf(await this.#living(), ids);
  }

  async status(): Promise<OriginStatus> {
    const counters = { ...this.#store.counters(), ...this.#guard.counters() };
    const fails = (region: string): boolean => this.#failing.has(region);
    return originStatus(this.#store, this.config.regions, await this.#now(), fails, counters);
  }

  /** A piece of a restore (docs/restore.md): who calls meanwhile hears the same. */
  restore(request: RestoreRequest): Promise<RestoreReply> {
    this.#restoring ??= this.#restoreOnce(request).finally(() => (this.#restoring = null));
    return this.#restoring;
  }

  async newAlerts(): Promise<Record<string, number>> {
    return this.#store.newAlerts();
  }

  /** How far the end of the deployment has come (docs/sunset.md). */
  async deploymentEnding(): Promise<OriginEnding> {
    if (this.ending.kept !== null) {
      // The publisher is the last of its Worker to go.
      return { waits: false, announced: true, kept: JSON.parse(this.ending.kept) as KeptByPublisher };
    }
    return endingOf(await this.#publication());
  }

  /** Publishes the heads that nothing follows; resumable. @throws Error before phones are told that the service has ended */
  async publishLast(): Promise<void> {
    if (this.ending.phase === 'open') throw new Error('publishing ends after the deployment is stopped');
    await this.#running?.catch(() => {});
    const last = this.#publication().then(publishLast);
    this.#running = last.then(() => ({ idle: true, nextDue: Infinity })).finally(() => (this.#running = null));
    await this.#running;
  }

  protected override keptAtEnd(): string {
    return JSON.stringify(keptAtEnd(this.config.regions, this.#store, this.#log));
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  /** The buckets as ports; a test's subclass makes them fail. */
  protected bucket(binding: R2Bucket, onCall: () => void): BucketPort {
    return r2Bucket(binding, onCall);
  }

  /** The buffer as a port; a test's subclass puts it out of reach. */
  protected buffer(): BufferPort {
    return this.#bindings.SUBMISSION_BUFFER.getByName('buffer');
  }

  #parameters = () => this.#bindings.PARAMETER_STORE.getByName('parameters');

  async #publishedParameters(): Promise<PublishedVersion[]> {
    const status = await this.#parameters().parameterStatus();
    const last = status.published ? status.version : status.version - 1;
    return status.history.filter(({ version }) => version <= last).toReversed();
  }

  #step(): Promise<Advance> {
    this.#running ??= this.#advanceOnce().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #restoreOnce(request: RestoreRequest): Promise<RestoreReply> {
    const buffer = this.#bindings.SUBMISSION_BUFFER.getByName('buffer');
    this.#restore ??= new Restore(buffer, this.#bindings.PARAMETER_STORE.getByName('parameters'));
    const reply = await this.#restore.step(await this.#publication(), request);
    if (reply.kind === 'restored') await this.#arm(1);
    if (reply.kind === 'refused' || reply.kind === 'restored') this.#restore = null;
    return reply;
  }

  async #advanceOnce(): Promise<Advance> {
    const outcome = await advance(await this.#living());
    if (outcome.idle) this.#workspace = null;
    return outcome;
  }

  /** Its first hour is the first thing that the object writes down of itself. @throws StorageLost where a log says that there was more */
  async #living(): Promise<Publication> {
    const isNew = this.#store.meta('first_hour') === null;
    if (isNew && (await hasLog(this.bucket(this.#bindings.PRIVATE, () => undefined)))) {
      this.#store.count(STORAGE_LOST_ALERT);
      throw new StorageLost('publisher');
    }
    return this.#publication();
  }

  /** What a step acts on, at one instant. */
  async #publication(): Promise<Publication> {
    const now = await this.#now();
    const onCall = (): void => void (this.#bucketCalls += 1);
    const store = this.#store;
    const { PUBLIC, PRIVATE, FEEDS } = this.#bindings;
    const [publicBucket, privateBucket] = [this.bucket(PUBLIC, onCall), this.bucket(PRIVATE, onCall)];
    return {
      now,
      stopped: this.ending.phase !== 'open',
      config: this.config,
      store,
      takings: this.#takings,
      feeds: this.#feeds,
      log: this.#log,
      publishedParameters: () => this.#publishedParameters(),
      revokePackages: (packages) => this.#parameters().revokePackages(packages),
      buffer: this.buffer(),
      publicBucket,
      privateBucket,
      own: ownObjects(store, store, { bucket: publicBucket, privateBucket, now }),
      ownFeeds: ownObjects(this.#feeds, store, { bucket: this.bucket(FEEDS, onCall), privateBucket, now }),
      failing: this.#failing.all(),
      resting: this.#failing.resting(),
      noteRegion: (region, failed) => this.#failing.note(region, failed),
      workspace: (this.#workspace ??= newWorkspace()),
    };
  }

  /** The believed time. */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
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

closesAtEnd(Publisher, {
  purged: {
    publishLast: async () => {},
    advance: async () => ({ idle: true }),
    wake: async () => {},
    newAlerts: async () => ({}),
  },
  open: ['deploymentEnding'],
});
