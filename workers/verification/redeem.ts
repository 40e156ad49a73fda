/** @module The RPC entrypoint `Redeem` of `verification`, bound by `upload` alone (docs/architecture.md §2, §4.4): TANs and certificates are reserved, used and given back. */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import { isOlderPolicy, type PublishedPolicy } from '../../domain/keys/regions.ts';
import type { RedeemRpc, ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import { certificateName, LEEWAY_SECONDS, verifyCertificate } from '../../protocol/publish/certificate.ts';
import { LastGood } from '../shared/last-good.ts';
import type { VerificationEnv } from './bindings.ts';
import { IssuesOfAuthorities } from './issues-of-authorities.ts';
import { servicesOf } from './services.ts';

type Verified = NonNullable<Awaited<ReturnType<typeof verifyCertificate>>>;

/**
 * Bound by `upload` alone.
 *
 * @param clock Unix seconds: real, or the local edge's
 * @returns the class `upload` binds
 */
export function createRedeem(clock: Clock) {
  const policies = new LastGood(isOlderPolicy);
  const ofAuthorities = new IssuesOfAuthorities();
  return class Redeem extends WorkerEntrypoint<VerificationEnv> implements RedeemRpc {
    /** See {@link RedeemRpc}. */
    reserve(tan: string, request: ReserveRequest): Promise<ReserveReply> {
      return servicesOf(this.env).ledger.reserve(tan, request);
    }

    /** See {@link RedeemRpc}. */
    async reserveCertificate(jwt: string, request: ReserveRequest): Promise<ReserveReply> {
      const { ledger } = servicesOf(this.env);
      const now = await clock();
      const verified = await this.#verified(jwt, now);
      // An authority of other countries alone is good for nothing here; `upload` tells its phones to come later.
      if (verified?.authority.regions.includes(this.env.HOME_COUNTRY) !== true) return { kind: 'unknown' };
      const { authorityId, reportType, hash, expiresAt } = verified.certificate;
      const issueId = await this.#issueOf(verified, now);
      const certified = { authorityId, reportType, expiresAt };
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

    /** Of a certificate of ours, who issued its code; of any other, and of one that a thief of our key signed, which has no code, the authority. null: that was rolled back. */
    async #issueOf({ certificate, authority }: Verified, now: number): Promise<string | null> {
      const { issues, codes, config } = servicesOf(this.env);
      const isOurs = authority.issuer === config.google.head.iss;
      const source = isOurs ? await codes.certificateSource(certificate.hash) : null;
      if (source === null)
        return ofAuthorities.get(certificate.authorityId, now, () => issues.ofAuthority(certificate.authorityId));
      return source.isOver ? null : source.issueId;
    }

    /** By the authorities of a minute ago at most, and where they say no, by those of now: `upload` may know newer ones. */
    async #verified(jwt: string, now: number): Promise<Verified | null> {
      const ask = (): Promise<PublishedPolicy> => this.env.POLICY.policy();
      const { authorities } = await policies.get(ask, now);
      const verified = await verifyCertificate(jwt, authorities, now);
      if (verified !== null) return verified;
      return verifyCertificate(jwt, (await policies.renewed(ask, now)).authorities, now);
    }
  };
}
