/**
 * @module What `verification` is given (wrangler.toml, design.md §2): its ledger, the TAN's MAC key and the key that TANs
 * are hashed with before anything is stored.
 */
import type { TanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import { integer, secretKey } from '../shared/env.ts';

/** Bindings as the platform hands them over. */
export interface VerificationEnv {
  readonly TAN_LEDGER: DurableObjectNamespace<TanLedger>;
  readonly TAN_MAC_KEY: string;
  readonly TAN_HASH_KEY: string;
  readonly TAN_LIFETIME_SECONDS: string;
  readonly RESERVATION_LEASE_SECONDS: string;
}

/** The variables, parsed and checked. */
export interface VerificationConfig {
  readonly tanMacKey: Uint8Array;
  readonly tanHashKey: Uint8Array;
  /** A phone without network retries so long. */
  readonly tanLifetimeSeconds: number;
  readonly leaseSeconds: number;
}

/** CWA's TANs lived 14 days (spec/cwa.md §3.1); longer makes no sense, since keys are 14 days old then. */
const MAX_LIFETIME_SECONDS = 14 * 86_400;
const MAX_LEASE_SECONDS = 3_600;

/** @param env see {@link VerificationEnv} @returns see {@link VerificationConfig} @throws ConfigError naming the variable */
export function parseVerificationConfig(env: VerificationEnv): VerificationConfig {
  const variables = { ...env };
  return {
    tanMacKey: secretKey(variables, 'TAN_MAC_KEY'),
    tanHashKey: secretKey(variables, 'TAN_HASH_KEY'),
    tanLifetimeSeconds: integer(variables, 'TAN_LIFETIME_SECONDS', { min: 1, max: MAX_LIFETIME_SECONDS }),
    leaseSeconds: integer(variables, 'RESERVATION_LEASE_SECONDS', { min: 1, max: MAX_LEASE_SECONDS }),
  };
}
