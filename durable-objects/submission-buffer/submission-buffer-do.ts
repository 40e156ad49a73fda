/**
 * @module The SubmissionBuffer object: one a deployment (docs/architecture.md §4.5). A shell: storage, clock, alarm and RPC; what it
 * does is in *-ops.ts. Never grouped by person, never read by anybody but the Publisher and the origin's Intake.
 */
import { DurableObject } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { RandomBytes } from '../../domain/random.ts';
import type { IssueStanding } from '../../domain/rollback.ts';
import { recipientKey } from '../../domain/sealed-pages.ts';
import type { AcceptedUpload, ClockStatus, KeyStanding } from '../../domain/rpc.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { ClockGuard, r2Clock, type SecondClock } from '../clock-guard.ts';
import { GroupCommit } from '../group-commit.ts';
import { KeptAlarm } from '../kept-alarm.ts';
import { migrate } from '../migrations.ts';
import { inSlices } from '../pace.ts';
import { r2Bucket, type BucketPort } from '../publisher/bucket.ts';
import { acceptUpload, resolveUpload } from './accept-ops.ts';
import { parseBufferConfig, type BufferConfig } from './config.ts';
import type {
  Acceptance,
  BufferPort,
  DropReply,
  DropRequest,
  FreezeRequest,
  FrozenSet,
  KeyPage,
  Resolution,
} from './contract.ts';
import { dropWaiting, expireDrops } from './drop-ops.ts';
import { firstNeededHour, forgetSet } from './forget-ops.ts';
import { freezeHour, readSet } from './freeze-ops.ts';
import { count, newAlerts } from './counters.ts';
import { HourKeys } from './hour-keys.ts';
import { endIssues, expireEnded } from './ended-issues.ts';
import { issueStanding } from './issue-standing.ts';
import { expireIssueCounts } from './issue-counts.ts';
import { writeJournal } from './journal-ops.ts';
import { keyStandings } from './known-ops.ts';
import { plainHours, sealPlainRows } from './plain-rows.ts';
import { keepReceived } from './received-ops.ts';
import { MIGRATIONS } from './schema.ts';
import { SetReader } from './set-reader.ts';
import { sweepDue, sweepSlice } from './sweep-ops.ts';

const SOON_MS = 1_000;
/** While a wake runs, the alarm that would repeat it if it failed. */
const RETRY_MS = 60_000;
/** How much a lost object may take with it (docs/decisions/038). */
const JOURNAL_EVERY_MS = 300_000;

const randomBytes: RandomBytes = (n) => crypto.getRandomValues(new Uint8Array(n));

/** Bindings of `origin` that the object uses. */
interface BufferEnv {
  readonly PRIVATE: R2Bucket;
}

export class SubmissionBuffer extends DurableObject implements BufferPort {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** R2's clock; the local edge overrides it. */
  protected secondClock: SecondClock;
  /** What decoys, and the counts behind them, are drawn with; tests seed it. */
  protected random: RandomBytes = randomBytes;
  protected config: BufferConfig;
  /** A wake ends after so long and leaves the rest to the next, so that no invocation runs for minutes. */
  protected longestWakeMs = 20_000;
  readonly #commits: GroupCommit;
  readonly #guard: ClockGuard;
  readonly #alarm: KeptAlarm;
  readonly #keys: HourKeys;
  #reader: { readonly setNo: number; readonly pages: SetReader } | null = null;
  /** Pages are read one after the other: they share one place in the set. */
  #paging: Promise<unknown> = Promise.resolve();
  #sealing: Promise<void> | null = null;
  #armed = false;
  #journalKey: Promise<CryptoKey> | null = null;
  /** When the journal was last written, real milliseconds; after a restart it is written at the first wake. */
  #journalAt = -Infinity;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.config = parseBufferConfig(env as Record<string, unknown>);
    this.#commits = new GroupCommit(ctx.storage);
    migrate(ctx.storage, MIGRATIONS);
    this.#guard = new ClockGuard(ctx.storage);
    this.#alarm = new KeptAlarm(ctx.storage);
    this.secondClock = r2Clock((env as BufferEnv).PRIVATE);
    this.#keys = new HourKeys(() => this.bucket((env as BufferEnv).PRIVATE), randomBytes);
  }

  /** Stores an upload once (domain/rpc.ts). @throws Error after a restart while R2 is away: the keys of rows are there */
  async accept(uploadId: string, upload: AcceptedUpload): Promise<Acceptance> {
    const now = await this.#ready();
    return this.#commits.run(() =>
      acceptUpload(this.ctx.storage.sql, this.config, this.#keys, this.random, now, uploadId, upload),
    );
  }

  /** Says whether an upload id was stored, and declares it dead if not. */
  async resolve(uploadId: string): Promise<Resolution> {
    const now = await this.#now();
    return this.#commits.run(() => resolveUpload(this.ctx.storage.sql, now, uploadId));
  }

  /** Says of each key whether it is known, new, or can't be published any more. */
  async known(keys: readonly TemporaryExposureKey[]): Promise<KeyStanding[]> {
    const now = await this.#ready();
    return keyStandings(this.ctx.storage.sql, this.config, this.#keys, now, keys);
  }

  /** Ends issue ids: nothing more is stored with them (ended-issues.ts); idempotent, durable when it answers. */
  async endIssues(issueIds: readonly string[]): Promise<void> {
    const now = await this.#now();
    this.ctx.storage.transactionSync(() => endIssues(this.ctx.storage.sql, this.config, issueIds, now));
  }

  /** See {@link issueStanding}. */
  async issueStanding(issueIds: readonly string[]): Promise<IssueStanding> {
    await this.#sealPlain(await this.#ready());
    return issueStanding(this.ctx.storage.sql, this.config, this.#keys, issueIds);
  }

  /** Deletes rows that no frozen set covers (drop-ops.ts); idempotent by the request's id. */
  async dropWaiting(request: DropRequest): Promise<DropReply> {
    const now = await this.#ready();
    await this.#sealPlain(now);
    return dropWaiting(this.ctx.storage, this.config, this.#keys, now, request);
  }

  async firstHour(): Promise<number | null> {
    const rows = this.ctx.storage.sql.exec<{ value: number }>(`SELECT value FROM meta WHERE name = 'first_hour'`);
    return rows.toArray()[0]?.value ?? null;
  }

  async freeze(request: FreezeRequest): Promise<FrozenSet> {
    const now = await this.#ready([request.hour]);
    await this.#sealPlain(now);
    return freezeHour(this.ctx.storage, this.config, this.#keys, now, this.random, request);
  }

  async page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    await this.#sealPlain(await this.#ready());
    const page = this.#paging.then(() => this.#page(setNo, after, limit));
    this.#paging = page.catch(() => {});
    return page;
  }

  async purge(setNo: number): Promise<void> {
    const now = await this.#ready();
    await this.#sealPlain(now);
    this.#reader = null;
    await forgetSet(this.ctx.storage, this.config, this.#keys, setNo);
    await this.#eraseKeys(now);
  }

  /** What is little goes at once; what may be much is left to the alarm, in slices. */
  async expire(): Promise<void> {
    const now = await this.#now();
    expireEnded(this.ctx.storage.sql, now);
    expireIssueCounts(this.ctx.storage.sql, now);
    expireDrops(this.ctx.storage.sql, now);
    if (sweepDue(this.ctx.storage.sql, now)) await this.#alarm.set(SOON_MS);
  }

  /** Writes the journal, forgets what has had its time, and makes keys of days ahead. */
  override async alarm(): Promise<void> {
    const { storage } = this.ctx;
    await this.#alarm.set(RETRY_MS);
    const now = await this.#ready();
    await this.#sealPlain(now);
    const begun = Date.now();
    await this.#keepJournal(now, begun);
    const more = await inSlices(
      () => sweepSlice(storage, now),
      (left) => left && Date.now() - begun <= this.longestWakeMs,
    );
    await this.#eraseKeys(now);
    const left = this.#journalAt + JOURNAL_EVERY_MS - begun;
    const untilJournal = left > 0 ? Math.max(left, SOON_MS) : RETRY_MS;
    await this.#alarm.set(more ? SOON_MS : untilJournal);
  }

  /** @returns how far each alert's counter went up since the last call, for the log */
  async newAlerts(): Promise<Record<string, number>> {
    return newAlerts(this.ctx.storage.sql);
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
      await this.#alarm.keep(JOURNAL_EVERY_MS);
    }
    return this.#guard.status(object, now);
  }

  /** Nothing else waits for R2 here, so what fails is tried again at the next alarm, a minute later, and counted. */
  async #keepJournal(now: number, realMs: number): Promise<void> {
    if (realMs - this.#journalAt < JOURNAL_EVERY_MS - SOON_MS) return;
    try {
      this.#journalKey ??= recipientKey(this.config.restorePublicKey);
      const bucket = this.bucket((this.env as BufferEnv).PRIVATE);
      await writeJournal(this.ctx.storage.sql, this.#keys, bucket, await this.#journalKey, randomBytes, now);
      this.#journalAt = realMs;
    } catch {
      count(this.ctx.storage.sql, 'alert_journal_not_written', 1);
    }
  }

  /** Erases keys that no row needs; what lies under one of them for longer than rows do is sealed anew first. */
  async #eraseKeys(now: number): Promise<void> {
    const { storage } = this.ctx;
    storage.transactionSync(() => keepReceived(storage.sql, this.#keys, this.random, now));
    await this.#keys.erase(firstNeededHour(storage.sql));
  }

  /** The private bucket as a port; a test's subclass makes it fail. */
  protected bucket(binding: R2Bucket): BucketPort {
    return r2Bucket(binding);
  }

  async #page(setNo: number, after: Uint8Array | null, limit: number): Promise<KeyPage> {
    const set = readSet(this.ctx.storage.sql, setNo);
    if (set === null || set.firstHour === null || set.lastHour === null) throw new Error(`set ${setNo} holds no keys`);
    const hours = [set.firstHour, set.lastHour] as const;
    if (this.#reader?.setNo !== setNo || this.#reader.pages.hours.join() !== hours.join()) {
      this.#reader = { setNo, pages: new SetReader(this.ctx.storage.sql, this.config, this.#keys, hours, set.keys) };
    }
    const page = await this.#reader.pages.page(after, limit);
    if (page.last) this.#reader = null;
    return page;
  }

  /**
   * The believed time. An upload is never refused for a clock: by an earlier one its keys go to an earlier hour that is
   * still open, and their release rule holds whatever the clock says.
   */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
  }

  /** @param hours whose keys are needed beside those of now @returns now, in Unix seconds */
  async #ready(hours: readonly number[] = []): Promise<number> {
    const now = await this.#now();
    await this.#keys.ready(now, hours);
    if (!this.#armed) {
      this.#armed = true;
      await this.#alarm.keep(JOURNAL_EVERY_MS);
      this.ctx.waitUntil(this.#sealPlain(now).catch(() => {})); // the next to need it tries again, and hears why
    }
    return now;
  }

  /** Migration 3: once, whoever comes first. */
  async #sealPlain(now: number): Promise<void> {
    const hours = plainHours(this.ctx.storage.sql);
    if (hours === null) return;
    this.#sealing ??= this.#keys
      .ready(now, hours)
      .then(() => sealPlainRows(this.ctx.storage, this.config, this.#keys))
      .finally(() => (this.#sealing = null));
    await this.#sealing;
  }
}
