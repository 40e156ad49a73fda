/**
 * @module RPC entrypoints of `origin` (docs/architecture.md §2): `Intake` for `upload`, `Policy` for `verification`, `BackOffice` for `portal`. No route leads
 * here, and neither entrypoint takes a request, a header or an address.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import { commitToId, deathReceipt, isOriginId, permits } from '../../domain/intake-permit.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import { recheckUpload } from '../../domain/keys/recheck.ts';
import {
  areRegionsOf,
  isOlderPolicy,
  type PolicyInForce,
  type PolicyRpc,
  type PublishedPolicy,
} from '../../domain/keys/regions.ts';
import type { AuthoritiesReply, SetAuthoritiesRequest } from '../../domain/authority-list.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import { packUpload, unpackUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import type { OriginStatus } from '../../domain/origin-status.ts';
import type {
  AcceptReply,
  IntakePermit,
  IntakeRpc,
  KeyStanding,
  OriginBackOfficeRpc,
  ResolveReply,
} from '../../domain/rpc.ts';
import type {
  ParameterStatus,
  PublishReply,
  PublishRequest,
  RollbackRequest,
} from '../../domain/parameters/publication.ts';
import type { Authorities } from '../../protocol/publish/authorities.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { RestoreReply, RestoreRequest } from '../../domain/restore.ts';
import type { RollbackWait } from '../../domain/rollback.ts';
import type { PlanReply, RollBackReply, RollBackRequest } from '../../domain/rollback-rpc.ts';
import type { PeerBatchUndo, PeerBatchUndone } from '../../domain/rpc-federation.ts';
import { recheckPart } from '../../domain/publish-part.ts';
import type { ShownStats } from '../../domain/publish-stats.ts';
import type { Published, PublishPart, StatsRpc } from '../../domain/rpc-publish.ts';
import { verifyStatsToken } from '../../protocol/publish/stats.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { BucketObject, CertifyReply, CertifyRequest, ObjectRemains, OriginEnding } from '../../domain/sunset.ts';
import { parsePublisherConfig } from '../../durable-objects/publisher/config.ts';
import type { PublisherConfig } from '../../durable-objects/publisher/model.ts';
import { bucketObjects, certify, emptyBuckets } from '../../durable-objects/publisher/certify-ops.ts';
import { purgeAll, remainsOf } from '../shared/ending.ts';
import type { WithdrawReply } from '../../domain/withdrawal.ts';
import { isOpening, MOST_OPENINGS, type Opening } from '../../protocol/withdrawal.ts';
import { createHourlyCounts, type HourlyCounts } from '../shared/hourly-counts.ts';
import { LastGood } from '../shared/last-good.ts';
import { logLine } from '../shared/log.ts';
import { planRollback, rollBack } from './rollback.ts';
import { undoPeerBatch } from './exchange.ts';
import { intakeConfig, originClocks, originObjects, type OriginEnv } from './bindings.ts';

/**
 * Takes uploads in; bound by `upload` alone, and trusts it in nothing but the choice of keys (domain/intake-permit.ts).
 *
 * @param clock Unix seconds: real, or the local edge's
 * @param counts of uploads that were refused: a line of them is an alert, since an honest `upload` has none refused
 * @returns the class `upload` binds
 */
export function createIntake(clock: Clock, counts: HourlyCounts = createHourlyCounts(logLine)) {
  const policies = new LastGood<PolicyInForce>(isOlderPolicy);
  return class Intake extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements IntakeRpc, StatsRpc {
    async policy(): Promise<PublishedPolicy> {
      // Who asks has kept the last answer for as long as it is good.
      return publishedPolicy(await policies.renewed(this.#ask, await clock()));
    }

    async accept(
      uploadId: string,
      packed: PackedUpload,
      permit: IntakePermit,
      publish?: PublishPart,
    ): Promise<AcceptReply> {
      const { policy, permitKeys } = intakeConfig(this.env);
      const now = await clock();
      const hour = hourOf(now);
      counts.report(hour);
      // What upload hands on has been through the rules that drop: more keys than this are no upload of a phone.
      const upload = unpackUpload(packed, MAX_KEYS_PER_UPLOAD);
      const checked = upload === null ? null : recheckUpload(upload, policy, now);
      const part = publish === undefined || checked === null ? null : recheckPart(publish, checked.keys);
      const isGood =
        upload !== null &&
        checked !== null &&
        (part !== null || publish === undefined) &&
        permitKeys.all.some((key) => permits(key, hour, uploadId, upload, permit, part)) &&
        (await this.#hasKnownRegions(checked.regions, policy.homeCountry, now));
      if (!isGood) {
        counts.count('intake-refused', hour);
        return { kind: 'refused' };
      }
      const reply = await originObjects(this.env).buffer.accept(uploadId, packUpload(checked), part);
      const dead = () => ({ receipt: receipt(permitKeys.current, uploadId, permit.idNonce) });
      switch (reply.kind) {
        case 'stored':
          return part === null ? { kind: reply.kind } : { kind: reply.kind, publish: reply.publish ?? null };
        case 'publish-refused':
          return { kind: reply.kind, code: reply.code, ...dead() };
        case 'ended':
          // What was reserved before the end and comes after it: not stored, not counted as an attack.
          return { kind: 'refused' };
        case 'known':
        case 'tombstone':
          return { kind: reply.kind, ...dead() };
      }
    }

    async replayed(uploadId: string, idNonce: string): Promise<Published | null> {
      const answer = isOriginId({ uploadId, idNonce }) ? await originObjects(this.env).buffer.replayed(uploadId) : null;
      if (answer === null) return null;
      // A copy: an RPC's result comes with a disposer that must not be handed on.
      const { inserted, revised, token } = answer;
      return { inserted, revised, token };
    }

    async stats(authorization: string): Promise<readonly ShownStats[] | null> {
      const now = await clock();
      const { authorities } = await policies.get(this.#ask, now);
      const authority = await verifyStatsToken(authorization, authorities, now);
      if (authority === null) return null;
      // A copy, as above.
      return (await originObjects(this.env).buffer.stats(authority.id)).map((day) => ({ ...day }));
    }

    async resolve(uploadId: string, idNonce: string): Promise<ResolveReply> {
      if (!isOriginId({ uploadId, idNonce })) throw new RangeError('resolve: an upload id and a nonce are expected');
      const { kind } = await originObjects(this.env).buffer.resolve(uploadId);
      return kind === 'stored'
        ? { kind }
        : { kind, receipt: receipt(intakeConfig(this.env).permitKeys.current, uploadId, idNonce) };
    }

    async known(keys: readonly TemporaryExposureKey[]): Promise<readonly KeyStanding[]> {
      return originObjects(this.env).buffer.known(keys.slice(0, MAX_KEYS_PER_UPLOAD));
    }

    /** Whose keys they are is what the openings prove, so `upload` needs no permit. */
    async withdraw(openings: readonly Opening[]): Promise<WithdrawReply> {
      const good = Array.isArray(openings) ? openings.slice(0, MOST_OPENINGS).filter(isOpening) : [];
      return good.length === 0 ? 'heard' : originObjects(this.env).buffer.withdraw(good);
    }

    readonly #ask = (): Promise<PolicyInForce> => originObjects(this.env).parameters.policy();

    /** By the policy as it was a minute ago at most, and where that says no, by the one of now: `upload` may know a newer one. */
    async #hasKnownRegions(regions: readonly string[], homeCountry: string, now: number): Promise<boolean> {
      if (regions.length === 1) return true;
      const known = (policy: PolicyInForce): boolean => areRegionsOf(regions, homeCountry, policy);
      return known(await policies.get(this.#ask, now)) || known(await policies.renewed(this.#ask, now));
    }
  };
}

/** Tells what `Intake.policy` tells, and nothing else; bound by `verification` alone. */
export class Policy extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements PolicyRpc {
  /** See {@link PolicyRpc}. */
  async policy(): Promise<PublishedPolicy> {
    return publishedPolicy(await originObjects(this.env).parameters.policy());
  }
}

/** A copy of what others may know: an RPC's result comes with a disposer that must not be handed on. */
function publishedPolicy({ version, supportedCountries, ended, authorities }: PolicyInForce): PublishedPolicy {
  return { version, supportedCountries, ended, authorities };
}

const receipt = (permitKey: Uint8Array, uploadId: string, idNonce: string): string =>
  deathReceipt(permitKey, commitToId({ uploadId, idNonce }));

/** One call takes as many steps as fit into this, real milliseconds, so that a command answers soon whatever there is to do. */
const ADVANCE_MS = 1_000;

/** Operator commands; bound by `portal` alone. */
export class BackOffice extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements OriginBackOfficeRpc {
  /** See {@link OriginBackOfficeRpc}. */
  async advance(): Promise<{ readonly idle: boolean }> {
    const { publisher, parameters } = originObjects(this.env);
    const until = Date.now() + ADVANCE_MS;
    while (Date.now() < until) {
      if (!(await publisher.advance()).idle) continue;
      // Last: each call looks at what is published of them. They have an alarm of their own.
      if ((await parameters.advance()).idle) return { idle: true };
    }
    return { idle: false };
  }

  clocks(): Promise<ClockStatus[]> {
    return originClocks(this.env, null);
  }

  confirmClocks(at: number): Promise<ClockStatus[]> {
    return originClocks(this.env, at);
  }

  async status(): Promise<OriginStatus> {
    return originObjects(this.env).publisher.status();
  }

  async planRollback(issueIds: readonly string[], undoKey: string): Promise<PlanReply> {
    return planRollback(originObjects(this.env), issueIds, undoKey);
  }

  async rollBack(request: RollBackRequest): Promise<RollBackReply> {
    return rollBack(originObjects(this.env), request);
  }

  async undoPeerBatch(request: PeerBatchUndo): Promise<PeerBatchUndone> {
    return undoPeerBatch(originObjects(this.env), request);
  }

  async rollbackWaits(ids: readonly string[]): Promise<readonly (RollbackWait | null)[]> {
    return originObjects(this.env).publisher.takeBackWaits(ids);
  }

  /** The buffer first: `Publisher` says *ended* once nothing waits there, and nothing may come afterwards. */
  async stopForGood(hour: number): Promise<void> {
    const { buffer, publisher, parameters } = originObjects(this.env);
    await buffer.stopForGood(hour);
    await parameters.stopForGood(hour);
    await publisher.stopForGood(hour);
  }

  /** Last heads, then who else writes to the buckets, then the buckets, and `Publisher`, which keeps what is proved. */
  async purgeForGood(hour: number): Promise<void> {
    const { buffer, publisher, parameters } = originObjects(this.env);
    await publisher.publishLast();
    await purgeAll({ buffer, parameters }, hour);
    await emptyBuckets(this.env, this.#config.regions);
    await publisher.purgeForGood(hour);
  }

  remains(): Promise<ObjectRemains[]> {
    return remainsOf({ ...originObjects(this.env) });
  }

  async ending(): Promise<OriginEnding> {
    return originObjects(this.env).publisher.deploymentEnding();
  }

  async bucketObjects(most: number): Promise<readonly BucketObject[]> {
    return bucketObjects(this.env, most);
  }

  async certify(request: CertifyRequest): Promise<CertifyReply> {
    const objects = [...(await this.remains()), ...request.objects];
    const { kept } = await this.ending();
    const [buckets, config] = [this.env, this.#config];
    return certify({ request: { ...request, objects }, kept, buckets, config });
  }

  get #config(): PublisherConfig {
    return parsePublisherConfig({ ...this.env });
  }

  async restore(request: RestoreRequest): Promise<RestoreReply> {
    return originObjects(this.env).publisher.restore(request);
  }

  async publishParameters(request: PublishRequest, expectedVersion: number, persons?: number): Promise<PublishReply> {
    return originObjects(this.env).parameters.publishParameters(request, expectedVersion, persons);
  }

  async rollbackParameters(request: RollbackRequest, expectedVersion: number, persons?: number): Promise<PublishReply> {
    return originObjects(this.env).parameters.rollbackParameters(request, expectedVersion, persons);
  }

  async setAuthorities(request: SetAuthoritiesRequest, expected: number, persons?: number): Promise<AuthoritiesReply> {
    return originObjects(this.env).parameters.setAuthorities(request, expected, persons);
  }

  async authorities(): Promise<Authorities> {
    return originObjects(this.env).parameters.authorities();
  }

  async parameterStatus(): Promise<ParameterStatus> {
    return originObjects(this.env).parameters.parameterStatus();
  }

  async parameterDocument(name: string): Promise<string | null> {
    return originObjects(this.env).parameters.parameterDocument(name);
  }
}
