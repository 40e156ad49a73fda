/**
 * @module The RPC entrypoints of `verification` (design.md §2): `Redeem` for `upload`, `BackOffice` for `portal`.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { IssueTansRequest, RedeemRpc, ReserveReply, VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import { parsedOnce } from '../shared/env.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Ledger } from './ledger.ts';

const ledgerOf = parsedOnce((env: VerificationEnv) => new Ledger(env, parseVerificationConfig(env)));

/** Bound by `upload` alone. */
export class Redeem extends WorkerEntrypoint<VerificationEnv> implements RedeemRpc {
  /** See {@link RedeemRpc}. */
  reserve(tan: string, digest: string): Promise<ReserveReply> {
    return ledgerOf(this.env).reserve(tan, digest);
  }

  /** See {@link RedeemRpc}. */
  commit(tan: string, uploadId: string): Promise<void> {
    return ledgerOf(this.env).commit(tan, uploadId);
  }

  /** See {@link RedeemRpc}. */
  release(tan: string, uploadId: string): Promise<void> {
    return ledgerOf(this.env).release(tan, uploadId);
  }
}

/** Bound by `portal` alone. */
export class BackOffice extends WorkerEntrypoint<VerificationEnv> implements VerificationBackOfficeRpc {
  /** See {@link VerificationBackOfficeRpc}. */
  async issueTans(request: IssueTansRequest): Promise<{ readonly tans: readonly string[] }> {
    return { tans: await ledgerOf(this.env).issue(request.count, request.codeBatchId) };
  }

  /** See {@link VerificationBackOfficeRpc}. */
  async forgetExpired(): Promise<{ readonly forgotten: number }> {
    return { forgotten: await ledgerOf(this.env).forgetExpired() };
  }
}
