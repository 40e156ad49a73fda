/**
 * @module What `upload` is given (wrangler.toml, docs/architecture.md §2): two RPC entrypoints, three secrets, no storage.
 */
import type { IntakeRpc, RedeemRpc } from '../../domain/rpc.ts';
import type { StatsRpc } from '../../domain/rpc-publish.ts';
import type { UploadPolicy } from '../../domain/keys/upload-rules.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';
import { country, integer, secretRing } from '../shared/env.ts';

/** Bindings as the platform hands them over. */
export interface UploadEnv {
  readonly REDEEM: RedeemRpc;
  readonly INTAKE: IntakeRpc & StatsRpc;
  readonly TAN_MAC_KEY: string;
  readonly DIGEST_KEY: string;
  readonly UPLOAD_ID_KEY: string;
  readonly HOME_COUNTRY: string;
  readonly ANSWER_DEADLINE_MS: string;
}

/** The variables, parsed and checked. */
export interface UploadConfig {
  readonly policy: Omit<UploadPolicy, 'minimumKeys'>;
  readonly tanMacKeys: KeyRing;
  readonly digestKeys: KeyRing;
  /** Lead from a reservation of the ledger to the upload id that `origin` sees (domain/intake-permit.ts). */
  readonly uploadIdKeys: KeyRing;
  /** null: no deadline, for benchmarks (ANSWER_DEADLINE_MS is 0). */
  readonly answerDeadlineMs: number | null;
}

/** Ten seconds is what a phone waits at most before it thinks the network is gone. */
const MAX_DEADLINE_MS = 10_000;

/** @param env see {@link UploadEnv} @returns see {@link UploadConfig} @throws ConfigError naming the variable */
export function parseUploadConfig(env: UploadEnv): UploadConfig {
  const variables = { ...env };
  const homeCountry = country(variables, 'HOME_COUNTRY');
  const deadlineMs = integer(variables, 'ANSWER_DEADLINE_MS', { min: 0, max: MAX_DEADLINE_MS });
  return {
    policy: { homeCountry },
    tanMacKeys: secretRing(variables, 'TAN_MAC_KEY'),
    digestKeys: secretRing(variables, 'DIGEST_KEY'),
    uploadIdKeys: secretRing(variables, 'UPLOAD_ID_KEY'),
    answerDeadlineMs: deadlineMs === 0 ? null : deadlineMs,
  };
}
