/**
 * @module Asks the verification server, and tells what each answer means (docs/spec/cwa.md §3.1).
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { readCredential } from '../../protocol/credential/credential.ts';
import { presentCredential } from '../../protocol/credential/presentation.ts';
import type { CredentialCode, OpeningCode } from './codes.ts';
import type { Fetch } from '../http.ts';
import type { RandomBytes } from '../random.ts';
import {
  dummyVerificationRequest,
  type VerificationRequest,
  verificationRequest,
  type VerificationRoute,
} from './verification-request.ts';

export interface VerificationPorts {
  readonly fetch: Fetch;
  /** Origin of the verification Worker, without a slash at its end. */
  readonly verificationUrl: string;
  readonly random: RandomBytes;
  /** Unix seconds, in the proof of whose credential it is; left out: this machine's. */
  readonly clock?: () => number;
}

/** How a test came out (docs/spec/cwa.md §3.1: 0..4, and 5..9 the same for rapid tests). */
export type TestResult = 'pending' | 'negative' | 'positive' | 'invalid' | 'redeemed';
const RESULTS: readonly TestResult[] = ['pending', 'negative', 'positive', 'invalid', 'redeemed'];

export type VerificationFailure =
  /** No answer, too many requests, or the server is unwell: ask the same again, later (retry.ts). */
  | { readonly kind: 'try-again'; readonly status: number | null }
  /** The server knows the answer, and it is no: only a person at the hotline can help. */
  | { readonly kind: 'ask-hotline'; readonly status: number }
  /** No test of another region by this credential; `why` is one of the words of docs/credential.md. */
  | { readonly kind: 'credential-refused'; readonly why: string };

/** Seconds until an answer counts as lost; they leave at a fixed deadline of far less. */
const TIMEOUT_SECONDS = 30;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * @param code what was scanned or typed
 * @param ports see {@link VerificationPorts}
 * @returns the registration token; for ten minutes and until the first poll the same question gets the same one
 */
export async function register(
  code: OpeningCode,
  ports: VerificationPorts,
): Promise<Result<string, VerificationFailure>> {
  const question =
    code.keyType === 'CREDENTIAL'
      ? ({ route: 'presentation', presentation: await presented(code, ports) } as const)
      : ({ route: 'registrationToken', code } as const);
  const answer = await ask(verificationRequest(question, ports.random), ports);
  return answer.ok ? uuidOf(answer.value['registrationToken']) : answer;
}

/** Made anew for each request: a proof says when it was made. */
function presented({ credential, holderPem }: CredentialCode, ports: VerificationPorts): Promise<string> {
  const { verificationUrl: audience, random, clock = () => Math.floor(Date.now() / 1000) } = ports;
  return presentCredential(credential, holderPem, { audience, now: clock(), random });
}

/**
 * @param token registration token of a test that is positive
 * @param holder x and y of the phone's key, base64url
 * @param ports of the region that tested
 * @returns the credential: the same one while it lives, for this key alone
 */
export async function credentialFor(
  token: string,
  holder: string,
  ports: VerificationPorts,
): Promise<Result<string, VerificationFailure>> {
  const answer = await ask(verificationRequest({ route: 'credential', token, holder }, ports.random), ports);
  if (!answer.ok) return answer;
  const given = answer.value['credential'];
  return typeof given === 'string' && readCredential(given) !== null
    ? ok(given)
    : err({ kind: 'try-again', status: null });
}

/**
 * @param token registration token
 * @param ports see {@link VerificationPorts}
 * @returns how the test came out so far
 */
export async function testResult(
  token: string,
  ports: VerificationPorts,
): Promise<Result<TestResult, VerificationFailure>> {
  const answer = await ask(verificationRequest({ route: 'testresult', token }, ports.random), ports);
  if (!answer.ok) return answer;
  const code = answer.value['testResult'];
  const result = typeof code === 'number' ? RESULTS[code % RESULTS.length] : undefined;
  return result === undefined ? err({ kind: 'try-again', status: null }) : ok(result);
}

/**
 * @param token registration token of a test that is positive
 * @param ports see {@link VerificationPorts}
 * @returns a TAN: the same one until an upload with it is stored, then one more for the key of the day
 */
export async function tan(token: string, ports: VerificationPorts): Promise<Result<string, VerificationFailure>> {
  const answer = await ask(verificationRequest({ route: 'tan', token }, ports.random), ports);
  return answer.ok ? uuidOf(answer.value['tan']) : answer;
}

/**
 * @param token registration token of a test that the person deletes
 * @param ports see {@link VerificationPorts}
 * @returns null once server and laboratory have forgotten it
 */
export async function forget(token: string, ports: VerificationPorts): Promise<Result<null, VerificationFailure>> {
  const answer = await ask(verificationRequest({ route: 'forget', token }, ports.random), ports);
  return answer.ok ? ok(null) : answer;
}

/**
 * @param route which one to feign
 * @param ports see {@link VerificationPorts}
 * @returns whether it was answered: a real one that wasn't is asked again
 */
export async function sendVerificationDummy(route: VerificationRoute, ports: VerificationPorts): Promise<boolean> {
  const answer = await ask(dummyVerificationRequest(route, ports.random), ports);
  return answer.ok || answer.error.kind !== 'try-again';
}

async function ask(
  request: VerificationRequest,
  { fetch, verificationUrl }: VerificationPorts,
): Promise<Result<Readonly<Record<string, unknown>>, VerificationFailure>> {
  try {
    const response = await fetch(`${verificationUrl}${request.path}`, {
      method: 'POST',
      headers: request.headers,
      body: request.body,
      redirect: 'error',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    const { status } = response;
    const text = await response.text();
    const isNo = status === 400 || status === 403;
    if (!isNo && status !== 200 && status !== 201) return err({ kind: 'try-again', status });
    if (isNo) {
      const why = whyOf(text);
      return err(why === null ? { kind: 'ask-hotline', status } : { kind: 'credential-refused', why });
    }
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null
      ? ok(json as Record<string, unknown>)
      : err({ kind: 'try-again', status });
  } catch {
    return err({ kind: 'try-again', status: null });
  }
}

/** @returns the word with which a credential is refused, or null */
function whyOf(text: string): string | null {
  try {
    const { refused } = JSON.parse(text) as { readonly refused?: unknown };
    return typeof refused === 'string' ? refused : null;
  } catch {
    // A refusal without a body is one all the same.
    return null;
  }
}

/** An answer of 201 that holds no UUID is a broken proxy, not a verdict. */
function uuidOf(value: unknown): Result<string, VerificationFailure> {
  return typeof value === 'string' && UUID.test(value) ? ok(value) : err({ kind: 'try-again', status: null });
}
