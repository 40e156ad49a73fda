/**
 * @module The RPC entrypoint of `verification` for `upload`, `Redeem` (docs/architecture.md §2, §4.4): TANs and certificates, each used once.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import { isOlderPolicy, type PublishedPolicy } from '../../domain/keys/regions.ts';
import type { RedeemRpc, ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import {
  type Certificate,
  certificateName,
  LEEWAY_SECONDS,
  verifyCertificate,
} from '../../protocol/publish/certificate.ts';
import { LastGood } from '../shared/last-good.ts';
import type { VerificationEnv } from './bindings.ts';
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
