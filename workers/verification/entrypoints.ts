/**
 * @module The RPC entrypoints of `verification` (docs/architecture.md §2): `Redeem` for `upload`, `BackOffice` for `portal`.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { IssueSource } from '../../domain/issue.ts';
import { isOlderPolicy, type PublishedPolicy } from '../../domain/keys/regions.ts';
import { badTarget, type RollbackTarget } from '../../domain/rollback.ts';
import type { QuotaRequest, ReleaseReply, TeleTanBook } from '../../domain/code-books.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type {
  BatchCursor,
  CardBatch,
  CardBatchPage,
  CardSheet,
  IssuedTeleTanReply,
  IssueTansRequest,
  RedeemRpc,
  ReserveReply,
  ReserveRequest,
  VerificationBackOfficeRpc,
} from '../../domain/rpc.ts';
import {
  type Certificate,
  certificateName,
  LEEWAY_SECONDS,
  verifyCertificate,
} from '../../protocol/publish/certificate.ts';
import { LastGood } from '../shared/last-good.ts';
import type { VerificationEnv } from './bindings.ts';
import type { ObjectRemains } from '../../domain/sunset.ts';
import { purgeAll, remainsOf, stopAll } from '../shared/ending.ts';
import { verificationClocks, verificationObjects } from './clocks.ts';
import { FAILED_GUESS_BUDGET } from './desk.ts';
import { MAX_CODES_ASKED } from '../../domain/teletan.ts';
import { servicesOf } from './services.ts';

/**
 * Bound by `upload` alone.
 *
 * @param clock Unix seconds: real, or the local edge's
 * @returns the class `upload` binds
 */
export function createRedeem(clock: Clock) {
  const policies = new LastGood(isOlderPolicy);
  return class Redeem extends WorkerEntrypoint<VerificationEnv> implements RedeemRpc {
    /** See {@link RedeemRpc}. */
    reserve(tan: string, request: ReserveRequest): Promise<ReserveReply> {
      return servicesOf(this.env).ledger.reserve(tan, request);
    }

    /** See {@link RedeemRpc}. */
    async reserveCertificate(jwt: string, request: ReserveRequest): Promise<ReserveReply> {
      const { ledger, issues } = servicesOf(this.env);
      const certificate = await this.#verified(jwt, await clock());
      if (certificate === null) return { kind: 'unknown' };
      const { authorityId, reportType, hash, expiresAt } = certificate;
      const issueId = await issues.ofAuthority(authorityId);
      const certified = { authorityId, reportType };
      const issued = { issueId, expiresAt: expiresAt + LEEWAY_SECONDS, certified };
      return ledger.reserveCertificate(certificateName(hash), issued, request);
    }

    /** See {@link RedeemRpc}. */
    commit(tan: string, reservationId: string): Promise<void> {
      return servicesOf(this.env).ledger.commit(tan, reservationId);
    }

    /** See {@link RedeemRpc}. */
    release(tan: string, reservationId: string, receipt: string): Promise<void> {
      return servicesOf(this.env).ledger.release(tan, reservationId, receipt);
    }

    /** By the authorities of a minute ago at most, and where they say no, by those of now: `upload` may know newer ones. */
    async #verified(jwt: string, now: number): Promise<Certificate | null> {
      const ask = (): Promise<PublishedPolicy> => this.env.POLICY.policy();
      const { authorities } = await policies.get(ask, now);
      const verified = await verifyCertificate(jwt, authorities, now);
      if (verified !== null) return verified.certificate;
      const renewed = await policies.renewed(ask, now);
      return (await verifyCertificate(jwt, renewed.authorities, now))?.certificate ?? null;
    }
  };
}

/** Bound by `portal` alone. */
export class BackOffice extends WorkerEntrypoint<VerificationEnv> implements VerificationBackOfficeRpc {
  /** See {@link VerificationBackOfficeRpc}. */
  async issueTans(request: IssueTansRequest): Promise<{ readonly tans: readonly string[] } | null> {
    const { issues, ledger } = servicesOf(this.env);
    const vouched = await issues.ofStaff(staffName(request.issuer));
    return vouched.kind === 'over' ? null : { tans: await ledger.issue(request.count, vouched.issueId) };
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issuesOf(target: RollbackTarget): Promise<string[]> {
    return servicesOf(this.env).rollback.issuesOf(checkedTarget(target));
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issueSources(issueIds: readonly string[]): Promise<IssueSource[]> {
    return servicesOf(this.env).rollback.sources(issueIds);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  endIssues(target: RollbackTarget, askedDay: number): Promise<void> {
    return servicesOf(this.env).rollback.end(checkedTarget(target), askedDay);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async forgetExpired(): Promise<{ readonly forgotten: number }> {
    return { forgotten: await servicesOf(this.env).ledger.forgetExpired() };
  }

  /** See {@link ClocksRpc}. */
  clocks(): Promise<ClockStatus[]> {
    return verificationClocks(this.env, null);
  }

  /** See {@link ClocksRpc}. */
  confirmClocks(at: number): Promise<ClockStatus[]> {
    return verificationClocks(this.env, at);
  }

  /** See {@link EndingRpc}. */
  stopForGood(hour: number): Promise<void> {
    return stopAll(verificationObjects(this.env), hour);
  }

  /** See {@link EndingRpc}. */
  purgeForGood(hour: number): Promise<void> {
    return purgeAll(verificationObjects(this.env), hour);
  }

  /** See {@link EndingRpc}. */
  remains(): Promise<ObjectRemains[]> {
    return remainsOf(verificationObjects(this.env));
  }

  /** See {@link VerificationBackOfficeRpc}. */
  issueTeleTan(issuer: string, request?: string): Promise<IssuedTeleTanReply | null> {
    return servicesOf(this.env).desk.issueTeleTan(staffName(issuer), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  orderedTeleTan(issuer: string, request: string): Promise<IssuedTeleTanReply | null> {
    return servicesOf(this.env).desk.orderedTeleTan(staffName(issuer), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  revokeTeleTan(id: string, issuer: string): Promise<boolean> {
    return servicesOf(this.env).desk.revokeTeleTan(id, staffName(issuer));
  }

  /** See {@link VerificationBackOfficeRpc}. @throws RangeError when `codes` is not an integer 1..60 */
  async askBeyondQuota(issuer: string, person: string, codes: number): Promise<boolean> {
    if (!Number.isInteger(codes) || codes < 1 || codes > MAX_CODES_ASKED) {
      throw new RangeError(`codes: an integer 1..${MAX_CODES_ASKED} is expected, got ${codes}`);
    }
    return this.env.CODE_DESK.getByName('desk').askBeyondQuota(staffName(issuer), staffName(person), codes);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async quotaRequests(): Promise<readonly QuotaRequest[]> {
    return this.env.CODE_DESK.getByName('desk').quotaRequests();
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async releaseQuota(id: string, by: string): Promise<ReleaseReply> {
    return { ...(await this.env.CODE_DESK.getByName('desk').releaseQuota(id, staffName(by))) };
  }

  /** See {@link VerificationBackOfficeRpc}. */
  teleTanBook(issuer: string): Promise<TeleTanBook> {
    return servicesOf(this.env).desk.book(staffName(issuer));
  }

  /** See {@link VerificationBackOfficeRpc}. @throws RangeError when `perHour` is not an integer 0..10,000 */
  async setTeleTanQuota(issuer: string, perHour: number): Promise<void> {
    if (!Number.isInteger(perHour) || perHour < 0 || perHour > MAX_QUOTA_PER_HOUR) {
      throw new RangeError(`perHour: an integer 0..${MAX_QUOTA_PER_HOUR} is expected, got ${perHour}`);
    }
    await this.env.CODE_DESK.getByName('desk').setQuota(staffName(issuer), perHour);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async teleTanQuotas(): Promise<{ issuer: string; teleTansPerHour: number }[]> {
    return this.env.CODE_DESK.getByName('desk').quotas();
  }

  /** See {@link VerificationBackOfficeRpc}. */
  makeCards(provider: string, label: string, count: number, request?: string): Promise<CardSheet | null> {
    return servicesOf(this.env).desk.makeCards(staffName(provider), staffName(label), count, request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  orderedCards(provider: string, request: string): Promise<CardSheet | null> {
    return servicesOf(this.env).desk.orderedCards(staffName(provider), request);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  cardBatches(provider: string | null, from: BatchCursor | null): Promise<CardBatchPage> {
    return servicesOf(this.env).desk.batches(provider, from);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  cardBatch(batchId: string, provider: string | null): Promise<CardBatch | null> {
    return servicesOf(this.env).desk.batch(batchId, provider);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  withdrawBatch(batchId: string, provider: string | null, from: number): Promise<number | null> {
    return servicesOf(this.env).desk.withdraw(batchId, provider, from);
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async guesses(): Promise<{ thisHour: number; lastHour: number; alarm: boolean }> {
    const counts = await this.env.CODE_DESK.getByName('desk').failedGuesses();
    return { ...counts, alarm: Math.max(counts.thisHour, counts.lastHour) > FAILED_GUESS_BUDGET };
  }
}

const MAX_QUOTA_PER_HOUR = 10_000;

/** @throws RangeError when a name or label is not 1..100 characters */
function staffName(text: string): string {
  if (typeof text !== 'string' || text.length < 1 || text.length > 100) {
    throw new RangeError('issuer, provider and label: 1..100 characters are expected');
  }
  return text;
}

/** The portal has judged it by its clock; here the form counts. @throws RangeError naming the rule */
function checkedTarget(target: RollbackTarget): RollbackTarget {
  const rule = badTarget(target, target.toDay);
  if (rule !== null) throw new RangeError(`target: ${rule}`);
  return target;
}
