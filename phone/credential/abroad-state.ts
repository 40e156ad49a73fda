/**
 * @module What the phone keeps of a test in another region: where, the key that the credential is bound to, the token while the result is awaited, the credential once there is one (docs/credential.md). Beside the test at
 * home, which it becomes when it is used.
 */
import type { TestResult } from '../verification/verification.ts';
import type { TestCode } from '../verification/codes.ts';

/** A test abroad. */
export interface Abroad {
  /** Origins of the region that tests. */
  readonly verificationUrl: string;
  readonly uploadUrl: string;
  readonly code: TestCode;
  /** PKCS#8 PEM of the key that the credential is bound to; never leaves the phone. */
  readonly holderPem: string;
  /** Of that region; null: it was asked for, and no answer came. */
  readonly token: string | null;
  readonly result: TestResult;
  /** SD-JWT; null: not yet. */
  readonly credential: string | null;
}

/** @param value what was read from disk @returns whether it is one */
export function isAbroad(value: unknown): value is Abroad {
  if (typeof value !== 'object' || value === null) return false;
  const { verificationUrl, uploadUrl, code, holderPem, token, result, credential } = value as Record<string, unknown>;
  const areTexts = [verificationUrl, uploadUrl, holderPem, result].every((text) => typeof text === 'string');
  const mayBeTexts = [token, credential].every((text) => text === null || typeof text === 'string');
  return areTexts && mayBeTexts && typeof code === 'object' && code !== null && 'key' in code;
}
