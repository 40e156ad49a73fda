/**
 * @module Everything a phone does about a test is three requests: two to verification, one upload, always in the same
 * order for the same action (docs/spec/cwa.md §1.3, "playbook"). What an action doesn't need is filled with a dummy, and so is
 * what it can't do any more because an earlier request failed. So nobody on the network tells a poll from an upload,
 * nor cover traffic from either.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import type { OpeningCode } from '../verification/codes.ts';
import { isTryAgain, sendDummy, upload, type UploadFailure, type UploadPorts } from '../upload/upload.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import { withdraw, type WithdrawalFailure } from '../upload/withdrawal.ts';
import {
  credentialFor,
  forget,
  register,
  sendVerificationDummy,
  tan,
  type TestResult,
  testResult,
  type VerificationFailure,
  type VerificationPorts,
} from '../verification/verification.ts';
import type { VerificationRoute } from '../verification/verification-request.ts';

/** What a phone does about a test. */
export type Action = 'register' | 'poll' | 'submit' | 'forget';

export interface PlaybookPorts extends UploadPorts, VerificationPorts {}

/** The two routes of verification that an action asks, in this order; an upload follows. */
const ROUTES: Readonly<Record<Action, readonly [VerificationRoute, VerificationRoute]>> = {
  register: ['registrationToken', 'testresult'],
  poll: ['testresult', 'tan'],
  submit: ['tan', 'testresult'],
  forget: ['forget', 'testresult'],
};

export interface Registered {
  readonly token: string;
  /** The first poll goes with it. */
  readonly result: Result<TestResult, VerificationFailure>;
}

/**
 * Registers, and polls for the first time.
 *
 * @param code what was scanned or typed
 * @param onToken keeps the token: from the first poll on the server won't repeat it
 * @param ports see {@link PlaybookPorts}
 * @returns token and first result, or why there is none
 */
export async function playRegister(
  code: OpeningCode,
  onToken: (token: string) => Promise<void>,
  ports: PlaybookPorts,
): Promise<Result<Registered, VerificationFailure>> {
  const registered = await register(code, ports);
  if (!registered.ok) {
    await sendVerificationDummy(ROUTES.register[1], ports);
    await sendDummy(ports);
    return registered;
  }
  const token = registered.value;
  await onToken(token);
  const result = await testResult(token, ports);
  await sendDummy(ports);
  return { ok: true, value: { token, result } };
}

/**
 * Takes a credential in place of a TAN, at the region that tested: on the wire a share.
 *
 * @param token registration token
 * @param holder x and y of the phone's key, base64url
 * @param ports of that region
 * @returns the credential, or why there is none
 */
export async function playCredential(
  token: string,
  holder: string,
  ports: PlaybookPorts,
): Promise<Result<string, VerificationFailure>> {
  const given = await credentialFor(token, holder, ports);
  await sendVerificationDummy(ROUTES.submit[1], ports);
  await sendDummy(ports);
  return given;
}

/**
 * @param token registration token
 * @param ports see {@link PlaybookPorts}
 * @returns how the test came out so far
 */
export async function playPoll(token: string, ports: PlaybookPorts): Promise<Result<TestResult, VerificationFailure>> {
  const result = await testResult(token, ports);
  await sendVerificationDummy(ROUTES.poll[1], ports);
  await sendDummy(ports);
  return result;
}

/**
 * Gets a TAN, unless one was given before, and uploads.
 *
 * @param token registration token
 * @param known TAN under which this content was sent before, or null
 * @param contentFor what to upload with the TAN; it keeps TAN and content first, so that a lost answer is asked for
 *   again with both
 * @param ports see {@link PlaybookPorts}
 * @returns the TAN that the content was stored with
 */
export async function playSubmit(
  token: string,
  known: string | null,
  contentFor: (tan: string) => Promise<UploadContent>,
  ports: PlaybookPorts,
): Promise<Result<string, VerificationFailure | UploadFailure>> {
  if (known !== null) await sendVerificationDummy(ROUTES.submit[0], ports);
  const given = known === null ? await tan(token, ports) : ok(known);
  await sendVerificationDummy(ROUTES.submit[1], ports);
  if (!given.ok) {
    await sendDummy(ports);
    return err(given.error);
  }
  const stored = await upload(given.value, await contentFor(given.value), ports);
  if (stored.ok) return given;
  // What can't be sent at all must not be missed on the wire either.
  if (stored.error.kind === 'unsendable') await sendDummy(ports);
  return err(stored.error);
}

/**
 * @param token registration token of a test that the person deletes
 * @param ports see {@link PlaybookPorts}
 * @returns null once nobody has it any more, or why somebody may
 */
export async function playForget(token: string, ports: PlaybookPorts): Promise<Result<null, VerificationFailure>> {
  const forgotten = await forget(token, ports);
  await sendVerificationDummy(ROUTES.forget[1], ports);
  await sendDummy(ports);
  return forgotten;
}

/**
 * Takes keys back: on the wire a poll, since a withdrawal is as long as an upload.
 *
 * @param openings of keys that were shared; none: a dummy
 * @param ports see {@link PlaybookPorts}
 * @returns ok when the server has looked into them
 */
export async function playWithdraw(
  openings: readonly Opening[],
  ports: PlaybookPorts,
): Promise<Result<null, WithdrawalFailure>> {
  for (const route of ROUTES.poll) await sendVerificationDummy(route, ports);
  return withdraw(openings, ports);
}

/**
 * @param action which one to feign, request by request
 * @param ports see {@link PlaybookPorts}
 * @returns whether those requests came through whose loss has a real one tried again
 */
export async function playDummy(action: Action, ports: PlaybookPorts): Promise<boolean> {
  const [first, second] = ROUTES[action];
  const isAnswered = await sendVerificationDummy(first, ports);
  await sendVerificationDummy(second, ports);
  const status = await sendDummy(ports);
  return isAnswered && (action !== 'submit' || (status !== null && !isTryAgain(status)));
}
