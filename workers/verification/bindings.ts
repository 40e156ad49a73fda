/**
 * @module What `verification` is given (wrangler.toml, docs/architecture.md §2): its ledger, the TAN's MAC key and the key that TANs
 * are hashed with before anything is stored.
 */
import type { TanLedger } from '../../durable-objects/tan-ledger/tan-ledger-do.ts';
import type { CredentialDesk } from '../../durable-objects/credential-desk/credential-desk.ts';
import type { CodeDesk } from '../../durable-objects/code-desk/code-desk.ts';
import type { TestSession } from '../../durable-objects/test-session/test-session.ts';
import type { PolicyRpc } from '../../domain/keys/regions.ts';
import type { ResultsRpc } from '../../domain/rpc.ts';
import { MAX_TAN_LIFETIME_SECONDS } from '../../domain/tan.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';
import { integer, secretRing } from '../shared/env.ts';
import { type GoogleConfig, type GoogleEnv, parseGoogleConfig } from './google/config.ts';
import { parseSmsConfig, type SmsConfig, type SmsEnv } from './sms/config.ts';
import { type CredentialConfig, type CredentialEnv, parseCredentialConfig } from './credential-config.ts';

/** Bindings as the platform hands them over. */
export interface VerificationEnv extends CredentialEnv, GoogleEnv, SmsEnv {
  readonly TAN_LEDGER: DurableObjectNamespace<TanLedger>;
  readonly CODE_DESK: DurableObjectNamespace<CodeDesk>;
  readonly TEST_SESSION: DurableObjectNamespace<TestSession>;
  readonly CREDENTIAL_DESK: DurableObjectNamespace<CredentialDesk>;
  /** laboratory#Results: what a laboratory said of a test. */
  readonly RESULTS: ResultsRpc;
  /** origin#Policy: whose certificates are good. */
  readonly POLICY: PolicyRpc;
  readonly TAN_MAC_KEY: string;
  readonly DERIVATION_KEY: string;
  readonly TAN_HASH_KEY: string;
  /** Signs permits and checks receipts, in the ledger; `origin` has it too. */
  readonly PERMIT_KEY: string;
  readonly TAN_LIFETIME_SECONDS: string;
  readonly FOLLOW_UP_DAYS: string;
  readonly RESERVATION_LEASE_SECONDS: string;
  readonly ANSWER_DEADLINE_MS: string;
}

/** The variables, parsed and checked. */
export interface VerificationConfig {
  readonly tanMacKeys: KeyRing;
  readonly tanHashKeys: KeyRing;
  /** Tokens and session TANs are derived from them (domain/derived-codes). */
  readonly derivationKeys: KeyRing;
  /** null: no deadline, for benchmarks (ANSWER_DEADLINE_MS is 0). */
  readonly answerDeadlineMs: number | null;
  /** A phone without network retries so long. */
  readonly tanLifetimeSeconds: number;
  /** Days after the one of the test whose keys may be shared too (docs/parameters.md: as `coverTraffic.followUpDays`). */
  readonly followUpDays: number;
  readonly leaseSeconds: number;
  /** null: tests of roaming people are nobody's business here (phase I). */
  readonly credentials: CredentialConfig | null;
  /** Apps of Google's dialect. */
  readonly google: GoogleConfig;
  /** Messages that bring codes. */
  readonly sms: SmsConfig;
}

/** Past its 14 days a key is published no more. */
const MAX_FOLLOW_UP_DAYS = 13;
const MAX_LEASE_SECONDS = 3_600;
/** Ten seconds is what a phone waits at most before it thinks the network is gone. */
const MAX_DEADLINE_MS = 10_000;

/** @param env see {@link VerificationEnv} @returns see {@link VerificationConfig} @throws ConfigError naming the variable */
export function parseVerificationConfig(env: VerificationEnv): VerificationConfig {
  const variables = { ...env };
  const deadlineMs = integer(variables, 'ANSWER_DEADLINE_MS', { min: 0, max: MAX_DEADLINE_MS });
  return {
    answerDeadlineMs: deadlineMs === 0 ? null : deadlineMs,
    derivationKeys: secretRing(variables, 'DERIVATION_KEY'),
    tanMacKeys: secretRing(variables, 'TAN_MAC_KEY'),
    tanHashKeys: secretRing(variables, 'TAN_HASH_KEY'),
    tanLifetimeSeconds: integer(variables, 'TAN_LIFETIME_SECONDS', { min: 1, max: MAX_TAN_LIFETIME_SECONDS }),
    followUpDays: integer(variables, 'FOLLOW_UP_DAYS', { min: 0, max: MAX_FOLLOW_UP_DAYS }),
    leaseSeconds: integer(variables, 'RESERVATION_LEASE_SECONDS', { min: 1, max: MAX_LEASE_SECONDS }),
    credentials: parseCredentialConfig(env),
    sms: parseSmsConfig(env),
    google: parseGoogleConfig(env),
  };
}
