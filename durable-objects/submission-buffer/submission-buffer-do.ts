/**
 * @module The SubmissionBuffer object: one a deployment (docs/architecture.md §4.5). A shell: storage, clock, alarm and RPC; what it
 * does is in *-ops.ts. Never grouped by person, never read by anybody but the Publisher and the origin's Intake.
 */
import type { Clock } from '../../domain/clock.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { PackedUpload } from '../../domain/packed-upload.ts';
import type { DroppedRows } from '../../domain/publication/taken.ts';
import type { IssueStanding } from '../../domain/rollback.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type { KeyStanding } from '../../domain/rpc.ts';
import type { ShownStats } from '../../domain/publish-stats.ts';
import type { Published, PublishPart } from '../../domain/rpc-publish.ts';
import type { WithdrawReply } from '../../domain/withdrawal.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import type { ImportReply, PeerBatch } from '../../domain/rpc-federation.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import { ClockGuard, r2Clock, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { GroupCommit } from '../group-commit.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { Life, STORAGE_LOST_ALERT } from '../life.ts';
import { migrate } from '../migrations.ts';
import { r2Bucket, type BucketPort } from '../publisher/bucket.ts';
import { parseBufferConfig, type BufferConfig } from './config.ts';
import type {
  Acceptance,
  BufferLife,
  BufferPort,
  BufferRestoreStep,
  DropReply,
  DropRequest,
  DropsRequest,
  FreezeRequest,
  FrozenSet,
  JournalFound,
  KeyPage,
  Resolution,
  RestorePort,
  WithdrawalBatch,
} from './contract.ts';
import { DropDesk } from './drop-desk.ts';
import { expireRows } from './expire-ops.ts';
import { firstNeededHour, forgetSet } from './forget-ops.ts';
import { freezeHour, hoursToFreeze } from './freeze-ops.ts';
import { count, newAlerts } from './counters.ts';
import { HourKeys } from './hour-keys.ts';
import { IntakeDesk } from './intake-desk.ts';
import { issueStanding } from './issue-standing.ts';
import { JOURNAL_EVERY_MS, JournalKeeper } from './journal-keeper.ts';
import { importPeerBatch } from './remote-ops.ts';
import { meta } from '../meta.ts';
import { plainHours, PlainRows } from './plain-rows.ts';
import { ReceivedUploads } from './received-ops.ts';
import { BufferRestore } from './restore-steps.ts';
import { MIGRATIONS } from './schema.ts';
import { keepCounts } from './stats-ops.ts';
import { SetPages } from './set-reader.ts';
import { sweepDue, sweepFor } from './sweep-ops.ts';
import { anyWaits } from './waiting-rows.ts';
import { WithdrawalDesk } from './withdrawal-desk.ts';

const SOON_MS = 1_000;
/** While a wake runs, the alarm that would repeat it if it failed. */
const RETRY_MS = 60_000;

const randomBytes: RandomBytes = (n) => crypto.getRandomValues(new Uint8Array(n));

export class SubmissionBuffer extends EndableObject implements BufferPort, RestorePort {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** R2's clock; the local edge overrides it. */
  protected secondClock: SecondClock;
  /** What decoys, and the counts behind them, are drawn with; tests seed it. */
  protected random: RandomBytes = randomBytes;
  protected config: BufferConfig;
  /** A wake ends after so long and leaves the rest to the next, so that no invocation runs for minutes. */
  protected longestWakeMs = 20_000;
  readonly #intake: IntakeDesk;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;
  readonly #keys: HourKeys;
  readonly #received: ReceivedUploads;
  readonly #journal: JournalKeeper;
  readonly #desk: WithdrawalDesk;
  readonly #drops: DropDesk;
  readonly #pages: SetPages;
  readonly #plain: PlainRows;
  #armed = false;
  readonly #privateBucket = (): BucketPort => this.bucket((this.env as { readonly PRIVATE: R2Bucket }).PRIVATE);
  readonly #life: Life;
  readonly #restore: BufferRestore;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.config = parseBufferConfig(env as Record<string, unknown>);
    migrate(ctx.storage, MIGRATIONS);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
    this.secondClock = r2Clock((env as { readonly PRIVATE: R2Bucket }).PRIVATE);
    this.#keys = new HourKeys(this.#privateBucket, randomBytes);
    this.#received = new ReceivedUploads(ctx.storage.sql, this.#keys, (n) => this.random(n));
    const commits = new GroupCommit(ctx.storage, this.#received);
    this.#intake = new IntakeDesk(ctx.storage.sql, this.#keys, commits, this.#received);
    this.#journal = new JournalKeeper(ctx.storage.sql, this.#keys, this.#privateBucket, randomBytes);
    this.#desk = new WithdrawalDesk(ctx.storage, this.#keys, commits, this.#received.tally);
    this.#drops = new DropDesk(ctx.storage, this.#keys, this.#journal, this.#alarm);
    this.#pages = new SetPages(ctx.storage.sql, this.#keys);
    this.#plain = new PlainRows(ctx.storage, () => this.config, this.#keys);
    this.#life = new Life('the buffer', ctx.storage.sql, this.#privateBucket);
    this.#restore = new BufferRestore(ctx.storage, this.#keys, this.#privateBucket);
  }

  /** Stores an upload once (domain/rpc.ts). @throws Error after a restart while R2 is away: the keys of rows are there */
  async accept(uploadId: string, packed: PackedUpload, publish: PublishPart | null = null): Promise<Acceptance> {
    return this.#intake.accept(this.config, () => this.#ready(), uploadId, packed, publish);
  }

  /** See `PublishRpc`. */
  async replayed(uploadId: string): Promise<Published | null> {
    return this.#intake.replayed(await this.#ready(), uploadId);
  }

  /** @returns what an authority is told of the uploads that it certified (stats-ops.ts) */
  async stats(authorityId: string): Promise<ShownStats[]> {
    return this.#intake.stats(this.config, await this.#ready(), this.random, authorityId);
  }

  /** Stores a peer's batch once (remote-ops.ts). */
  async importBatch(batch: PeerBatch): Promise<ImportReply> {
    return importPeerBatch(this.ctx.storage, this.config, this.#keys, await this.#sealed(), batch);
  }

  /** Says whether an upload id was stored, and declares it dead if not. */
  async resolve(uploadId: string): Promise<Resolution> {
    await this.#life.require();
    return this.#intake.resolve(await this.#now(), uploadId);
  }

  /** Says of each key whether it is known, new, or can't be published any more. */
  async known(keys: readonly TemporaryExposureKey[]): Promise<KeyStanding[]> {
    return this.#intake.known(this.config, await this.#ready(), keys);
  }

  /** Takes back what the openings open (withdraw-ops.ts), and tells nobody whether that is anything. */
  async withdraw(openings: readonly Opening[]): Promise<WithdrawReply> {
    return this.#desk.withdraw(this.config, () => this.#sealed(), openings, this.ending.since);
  }

  async withdrawals(hour: number): Promise<WithdrawalBatch | null> {
    return this.#desk.batch(await this.#ready([hour]), hour);
  }

  async withdrawn(id: string): Promise<void> {
    this.#desk.finish(this.config, await this.#ready(), id);
  }

  /** See {@link issueStanding}. */
  async issueStanding(issueIds: readonly string[]): Promise<IssueStanding> {
    await this.#sealed();
    return issueStanding(this.ctx.storage.sql, this.config, this.#keys, issueIds);
  }

  /** Deletes rows that no frozen set covers (drop-ops.ts), and stores nothing more with the ids that are named (ended-issues.ts); idempotent by the request's id. */
  async dropWaiting(request: DropRequest): Promise<DropReply> {
    return this.#drops.drop(this.config, await this.#sealed(), request);
  }

  async drops(request: DropsRequest): Promise<DroppedRows[]> {
    return this.#drops.drops(await this.#ready(), request);
  }

  async firstHour(): Promise<number | null> {
    await this.#life.require();
    return meta(this.ctx.storage.sql, 'first_hour');
  }

  async freeze(request: FreezeRequest): Promise<FrozenSet> {
    const now = await this.#sealed(hoursToFreeze(request.hour));
    return freezeHour(this.ctx.storage, this.config, this.#keys, now, this.random, request);
  }

  async page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    await this.#sealed();
    return this.#pages.page(this.config, setNo, after, limit);
  }

  async purge(setNo: number): Promise<void> {
    const now = await this.#sealed();
    this.#pages.forget();
    await forgetSet(this.ctx.storage, this.config, this.#keys, setNo);
    await this.#eraseKeys(now);
  }

  /** See {@link BufferPort}; a set's rows are deleted once it is published everywhere. */
  async waits(): Promise<boolean> {
    await this.#life.require();
    return plainHours(this.ctx.storage.sql) !== null || anyWaits(this.ctx.storage.sql);
  }

  /** What is little goes at once; what may be much is left to the alarm, in slices. */
  async expire(): Promise<void> {
    const now = await this.#now();
    expireRows(this.ctx.storage.sql, now);
    if (sweepDue(this.ctx.storage.sql, now)) await this.#alarm.set(SOON_MS);
  }

  /** Writes the journal, forgets what has had its time, and makes keys of days ahead. */
  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    await this.#alarm.set(RETRY_MS);
    if (await this.#life.isLost()) return count(storage.sql, STORAGE_LOST_ALERT, 1);
    const now = await this.#sealed();
    const begun = Date.now();
    await this.#journal.keep(this.config, now, begun);
    const more = await sweepFor(storage, now, this.longestWakeMs);
    await this.#eraseKeys(now);
    await this.#alarm.set(more ? SOON_MS : this.#journal.wait(begun));
  }

  /** @returns how far each alert's counter went up since the last call, for the log */
  async newAlerts(): Promise<Record<string, number>> {
    return newAlerts(this.ctx.storage.sql);
  }

  /** What a cron asks: with a time it is the alarm's watchdog too. @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) {
      this.#guard.confirm(now, at);
      await this.#alarm.keep(JOURNAL_EVERY_MS);
    }
    return this.#guard.status(object, now);
  }

  async life(): Promise<BufferLife> {
    return this.#restore.life();
  }

  async readJournal(secret: Uint8Array): Promise<Result<JournalFound, string>> {
    return this.#restore.readJournal(secret);
  }

  async restoreStep(step: BufferRestoreStep): Promise<void> {
    await this.#restore.step(this.config, await this.#now(), step);
    if (step.kind === 'begin') await this.#alarm.set(SOON_MS);
  }

  /** The journal as it is now, whenever the last one was. */
  protected async rewriteJournal(): Promise<void> {
    await this.#drops.rewriteJournal(this.config, await this.#ready());
  }

  /** Erases keys that no row needs; what lies under one of them for longer than rows do is sealed anew first. */
  async #eraseKeys(now: number): Promise<void> {
    const { storage } = this.ctx;
    const { retentionDays } = this.config.policy;
    storage.transactionSync(() => keepCounts(storage.sql, this.#keys, this.random, now, retentionDays));
    await this.#keys.erase(firstNeededHour(storage.sql));
  }

  /** The private bucket as a port; a test's subclass makes it fail. */
  protected bucket(binding: R2Bucket): BucketPort {
    return r2Bucket(binding);
  }

  /** The believed time. No upload is refused for a clock: by an earlier one its keys go to an earlier hour, by the same release rule. */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
  }

  /** @param hours whose keys are needed beside those of now @returns now, in Unix seconds */
  async #ready(hours: readonly number[] = []): Promise<number> {
    await this.#life.require();
    const now = await this.#now();
    await this.#keys.ready(now, hours);
    if (!this.#armed) {
      this.#armed = true;
      await this.#alarm.keep(JOURNAL_EVERY_MS);
      this.ctx.waitUntil(this.#plain.seal(now).catch(() => {})); // the next to need it tries again, and hears why
    }
    return now;
  }

  /** The same, when nothing lies in the clear any more. */
  async #sealed(hours: readonly number[] = []): Promise<number> {
    const now = await this.#ready(hours);
    await this.#plain.seal(now);
    return now;
  }
}

// What waits is published, and only then is anything purged; what anybody takes back in its hour is as gone as they ask for.
const [ended, noAlerts] = [async () => ({ kind: 'ended' }) as const, async () => ({})];
closesAtEnd(SubmissionBuffer, {
  stopped: { accept: ended, importBatch: ended },
  purged: { newAlerts: noAlerts, withdraw: async () => 'heard', replayed: async () => null, stats: async () => [] },
});
