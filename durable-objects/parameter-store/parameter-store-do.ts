/**
 * @module The ParameterStore object: one a deployment, so that two operators can't publish at once. A shell: storage,
 * clock, alarm, RPC; what may be published is in domain/parameters, the writing in write-ops.ts.
 */
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import {
  type Consent,
  type ParameterBackOfficeRpc,
  type NewPlan,
  type ParameterStatus,
  type Plan,
  type PlanError,
  type PublishReply,
  type PublishRequest,
  type RollbackRequest,
  planPublish,
  planRollback,
} from '../../domain/parameters/publication.ts';
import type { AuthoritiesBackOfficeRpc, AuthoritiesReply, SetAuthoritiesRequest } from '../../domain/authority-list.ts';
import type { PolicyInForce } from '../../domain/keys/regions.ts';
import { policyInForce } from '../../domain/parameters/policy.ts';
import type { Authorities } from '../../protocol/publish/authorities.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { CONFIG_RENEWAL_SECONDS, CONFIG_VALIDITY_SECONDS } from '../../protocol/parameters/config-head.ts';
import { parseParameters } from '../../protocol/parameters/document.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { ClockGuard, r2Clock, type SecondClock } from '../clock-guard.ts';
import { closesAtEnd, EndableObject } from '../endable-object.ts';
import { StorageLost, STORAGE_LOST_ALERT } from '../life.ts';
import { migrate } from '../migrations.ts';
import { type BucketPort, r2Bucket } from '../publisher/bucket.ts';
import type { OwnObjects } from '../publisher/own-objects.ts';
import { AuthorityDocument } from './authority-ops.ts';
import { type ParameterStoreConfig, parseParameterStoreConfig } from './config.ts';
import { MIGRATIONS } from './schema.ts';
import type { RevokedDayPackage } from './packages.ts';
import { type HeadRow, ParameterRows } from './store.ts';
import { restoreRows } from './restore-ops.ts';
import { isIntact, publishedHead, writeEmptyList, writeHead } from './write-ops.ts';

const RETRY_SECONDS = 60;
const MAX_SLEEP_SECONDS = 3600;

/** Bindings of `origin` that the object uses. */
interface ParameterStoreEnv {
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
}

export class ParameterStore extends EndableObject implements ParameterBackOfficeRpc, AuthoritiesBackOfficeRpc {
  /** Unix seconds; the local edge overrides it. */
  protected clock: Clock = () => Math.floor(Date.now() / 1000);
  /** R2's clock; the local edge overrides it. */
  protected secondClock: SecondClock;
  protected config: ParameterStoreConfig;
  readonly #rows: ParameterRows;
  readonly #authorities: AuthorityDocument;
  readonly #guard: ClockGuard;
  readonly #bindings: ParameterStoreEnv;
  /** The write that runs: who comes meanwhile waits for it, since awaits let other events in. */
  #writing: Promise<void> | null = null;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env as Cloudflare.Env);
    this.#bindings = env as ParameterStoreEnv;
    this.secondClock = r2Clock(this.#bindings.PRIVATE);
    this.config = parseParameterStoreConfig(env as Record<string, unknown>);
    migrate(ctx.storage, MIGRATIONS);
    this.#rows = new ParameterRows(ctx.storage);
    this.#authorities = new AuthorityDocument(ctx.storage.sql, this.config, () => this.bucket(this.#bindings.PRIVATE));
    this.#guard = new ClockGuard(ctx.storage);
  }

  async publishParameters(request: PublishRequest, expectedVersion: number, persons = 1): Promise<PublishReply> {
    await this.#requireLife();
    const now = await this.#now();
    const plan = planPublish(this.#current(), request, expectedVersion, this.#consent(persons));
    return this.#carryOut('publish', plan, now, request.dryRun);
  }

  async rollbackParameters(request: RollbackRequest, expectedVersion: number, persons = 1): Promise<PublishReply> {
    await this.#requireLife();
    const now = await this.#now();
    const textOf = (name: string): string | null => this.#rows.document(name);
    const plan = planRollback(this.#rows.history(), request, expectedVersion, textOf, this.#consent(persons));
    return this.#carryOut('rollback', plan, now, request.dryRun);
  }

  async parameterStatus(): Promise<ParameterStatus> {
    const head = this.#rows.head();
    return {
      version: head?.version ?? 0,
      published: head?.state === 'PUBLISHED',
      issuedAt: head?.issuedAt ?? null,
      validUntil: head === null ? null : head.issuedAt + CONFIG_VALIDITY_SECONDS,
      history: this.#rows.history(),
    };
  }

  async parameterDocument(name: string): Promise<string | null> {
    return this.#rows.document(name);
  }

  /** @returns what uploads are judged by; decided is enough, since phones are told within the next step */
  async policy(): Promise<PolicyInForce> {
    await this.#requireLife();
    const policy = policyInForce(this.#rows.history(2), (name) => this.#rows.document(name), this.config.homeCountry);
    return { ...policy, authorities: await this.authorities(), ended: this.ending.phase !== 'open' };
  }

  async authorities(): Promise<Authorities> {
    return this.#authorities.inForce();
  }

  async setAuthorities(request: SetAuthoritiesRequest, expected: number, persons = 1): Promise<AuthoritiesReply> {
    await this.#requireLife();
    const reply = await this.#authorities.set(request, expected, () => this.#consent(persons));
    await this.#authorities.keep().catch(() => this.#rows.count('alert_parameters_not_written'));
    return reply;
  }

  /**
   * Takes up the version that is published, where there is none here: for a restore (docs/restore.md).
   *
   * @param write false: says only
   * @returns which version it is or would be; null: nothing is lost
   * @throws Error naming the document that isn't in the public bucket
   */
  async restoreParameters(write: boolean): Promise<number | null> {
    const published = this.#rows.head() === null ? await publishedHead(this.config, this.#publicBucket()) : null;
    if (published === null) return null;
    if (write) {
      await restoreRows(this.#rows, this.#publicBucket(), published);
      await this.#arm(1);
    }
    return published.version;
  }

  /** Finishes what is decided, renews what grows old and mends what was lost or replaced; alarm, cron and operator all come here. */
  async advance(): Promise<{ readonly idle: boolean }> {
    const now = await this.#now();
    await this.#arm(RETRY_SECONDS);
    await this.#requireLife();
    const head = this.#rows.head();
    if (head === null) await writeEmptyList(this.#own(now));
    if (head?.state === 'PUBLISHED' && now >= head.issuedAt + CONFIG_RENEWAL_SECONDS) {
      this.#rows.setHead({ ...head, issuedAt: now, state: 'PLANNED' });
    } else if (head?.state === 'PUBLISHED' && !(await isIntact(this.#rows, this.config, this.#own(now)))) {
      this.#mend(head);
    }
    await this.#write(now);
    await this.#authorities.keep();
    await this.#sleep(now);
    return { idle: this.#rows.head()?.state !== 'PLANNED' };
  }

  /**
   * Takes what Publisher says of CWA's packages that held keys which were taken back: all of them, in place of what it said before. Kept when it answers; the alarm writes it.
   */
  async revokePackages(packages: readonly RevokedDayPackage[]): Promise<void> {
    if (this.#rows.putRevokedPackages(packages)) await this.#arm(1);
  }

  override async alarm(): Promise<void> {
    // An error is not rethrown: the alarm is armed already, and the platform's own retries end after six.
    await this.advance().catch(() => this.#rows.count('alert_parameters_not_written'));
  }

  /** @returns counts since the object was made */
  async counters(): Promise<Record<string, number>> {
    return { ...this.#rows.counters(), ...this.#guard.counters() };
  }

  /** @returns how far each alert's counter went up since the last call, for the log */
  async newAlerts(): Promise<Record<string, number>> {
    return this.#rows.newAlerts();
  }

  /** @param object this object's name @param at Unix seconds that another clock says, or null to tell only */
  async clockStatus(object: string, at: number | null): Promise<ClockStatus> {
    const now = await this.clock();
    if (at !== null) this.#guard.confirm(now, at);
    return this.#guard.status(object, now);
  }

  #publicBucket(): BucketPort {
    return this.bucket(this.#bindings.PUBLIC);
  }

  /** @throws StorageLost when a head of ours is published, and nothing is known of it here; Error of the bucket */
  async #requireLife(): Promise<void> {
    if (this.#rows.head() !== null || (await publishedHead(this.config, this.#publicBucket())) === null) return;
    this.#rows.count(STORAGE_LOST_ALERT);
    throw new StorageLost('parameters');
  }

  /** The bucket as a port; a test's subclass makes it fail. */
  protected bucket(binding: R2Bucket): BucketPort {
    return r2Bucket(binding);
  }

  /** The believed time. */
  async #now(): Promise<number> {
    return this.#guard.believe(await this.clock(), this.secondClock);
  }

  /** While R2 was asked, an operator may have decided anew: then there is something to write anyway. */
  #mend(checked: HeadRow): void {
    const head = this.#rows.head();
    if (head?.version === checked.version && head.issuedAt === checked.issuedAt) {
      this.#rows.setHead({ ...head, state: 'PLANNED' });
    }
  }

  #own(now: number): OwnObjects {
    return {
      bucket: this.bucket(this.#bindings.PUBLIC),
      privateBucket: this.bucket(this.#bindings.PRIVATE),
      now,
      remembered: (key) => this.#rows.remembered(key),
      intend: (key, hash) => this.#rows.intend(key, hash),
      settle: (key, mark) => this.#rows.settle(key, mark),
      count: (alert) => this.#rows.count(alert),
    };
  }

  #current(): Plan | null {
    return this.#rows.history()[0] ?? null;
  }

  #consent(persons: number): Consent {
    const name = this.#current()?.documents.at(-1)?.sha256;
    const text = name === undefined ? null : this.#rows.document(name);
    const parsed = text === null ? null : parseParameters(JSON.parse(text));
    return { persons, inForce: parsed?.ok === true ? parsed.value : null };
  }

  /** From the plan to the row there is no await, so of two operators with the same expectation one gets the version. */
  async #carryOut(
    action: 'publish' | 'rollback',
    plan: Result<NewPlan, PlanError>,
    now: number,
    dryRun: boolean,
  ): Promise<PublishReply> {
    if (!plan.ok) return plan.error;
    const { version, documents, texts } = plan.value;
    if (dryRun) return { kind: 'would-publish', version };
    this.#rows.decide({ version, action, hour: hourOf(now), documents }, texts, now);
    await this.#arm(RETRY_SECONDS);
    const written = await this.#write(now).then(
      () => this.#isPublished(version),
      () => false,
    );
    if (!written) this.#rows.count('alert_parameters_not_written');
    else await this.#sleep(now);
    return { kind: written ? 'published' : 'accepted', version };
  }

  #isPublished(version: number): boolean {
    const head = this.#rows.head();
    return head !== null && head.version >= version && head.state === 'PUBLISHED';
  }

  /** One write at a time; after one that ran already, another takes up what was decided meanwhile. */
  async #write(now: number): Promise<void> {
    await this.#writing?.catch(() => {});
    this.#writing ??= writeHead(this.#rows, this.config, this.#own(now)).finally(() => {
      this.#writing = null;
    });
    await this.#writing;
  }

  async #sleep(now: number): Promise<void> {
    const head: HeadRow | null = this.#rows.head();
    if (head === null) return this.ctx.storage.deleteAlarm();
    await this.#arm(head.state === 'PLANNED' ? 1 : head.issuedAt + CONFIG_RENEWAL_SECONDS - now);
  }

  /** As in the Publisher: alarms run on real time whatever our clock says (docs/architecture.md §11). */
  async #arm(seconds: number): Promise<void> {
    const wait = Math.min(Math.max(1, seconds), MAX_SLEEP_SECONDS);
    await this.ctx.storage.setAlarm(Date.now() + wait * 1000);
  }
}

/** The version is higher than any that an isolate of `upload` may still hold. */
const POLICY_AT_END: PolicyInForce = {
  version: Number.MAX_SAFE_INTEGER,
  supportedCountries: [],
  formerCountries: [],
  authorities: { version: Number.MAX_SAFE_INTEGER, authorities: [] },
  ended: true,
};

closesAtEnd(ParameterStore, {
  purged: { policy: async () => POLICY_AT_END, advance: async () => ({ idle: true }), newAlerts: async () => ({}) },
});
