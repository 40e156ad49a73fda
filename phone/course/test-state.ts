/**
 * @module What the phone keeps of a test, from a code that was scanned to the last key that was shared, and of attempts to open one. An
 * attempt stands beside the test that runs and takes its place only when the server has given a token, so that a code that is
 * refused, used up or never answered costs nobody a result that they wait for.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { Store, StoreError } from '../store.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import type { OpeningCode } from '../verification/codes.ts';
import type { TestResult } from '../verification/verification.ts';

/** An upload that was sent, or is about to be, and must be sent again as it is until it is answered for good. */
export interface Sharing {
  readonly content: UploadContent;
  /** Unix seconds: when the person agreed, however late it is sent. */
  readonly consentedAt: number;
  /** The TAN it was sent with, null before there is one. */
  readonly tan: string | null;
}

/** A test that has a token, or is over. */
export type Test =
  /** The person may share once the result is positive. */
  | {
      readonly stage: 'registered';
      /** `key` of the code that opened it: who scans that again means this test. Null if it isn't known. */
      readonly codeKey: string | null;
      readonly token: string;
      readonly result: TestResult;
      readonly sharing: Sharing | null;
    }
  /** The first upload is stored; the key of its day is still to come, or that of a follow-up day. */
  | {
      readonly stage: 'shared';
      readonly codeKey: string | null;
      readonly token: string;
      readonly tan: string;
      /** What was stored last. */
      readonly content: UploadContent;
      /** Unix seconds of the upload, or of the consent for a follow-up day. */
      readonly at: number;
      /** Unix seconds of the last consent. */
      readonly consentedAt: number;
      /** Unix seconds from which on the key of the day of that consent is sent (grace.ts), or null: it isn't, or was. */
      readonly keyAt: number | null;
      /** Consents for follow-up days so far. */
      readonly followUps: number;
      /** The next upload. */
      readonly sharing: Sharing | null;
    }
  | { readonly stage: 'finished' };

/** What is stored: a test, or attempts to open one with the test that they leave alone. */
export type TestState =
  | Test
  /** Asked for a token, no answer yet. */
  | {
      readonly stage: 'registering';
      /** Of the newest attempt. */
      readonly code: OpeningCode;
      /** Of those before it that have no answer either, oldest first. */
      readonly earlier?: readonly OpeningCode[];
      /** The test that runs meanwhile. */
      readonly running?: Test | null;
    };

/** The same, as the phone works with it. */
export interface Kept {
  readonly test: Test | null;
  /** Codes that were asked about and have no answer yet, oldest first. */
  readonly opening: readonly OpeningCode[];
}

/**
 * @param store of the test
 * @returns what is kept; an error when that can't be read, and then nothing may be written over it
 */
export async function loadKept(store: Store<TestState>): Promise<Result<Kept, StoreError>> {
  const loaded = await store.load();
  if (!loaded.ok) return err(loaded.error);
  const state = loaded.value;
  if (state?.stage !== 'registering') return ok({ test: state, opening: [] });
  return ok({ test: state.running ?? null, opening: [...(state.earlier ?? []), state.code] });
}

/**
 * One write for test and attempts, so that no crash has one without the other.
 *
 * @param store of the test
 * @param kept what is to be found the next time
 */
export async function saveKept(store: Store<TestState>, { test, opening }: Kept): Promise<void> {
  const code = opening.at(-1);
  await store.save(
    code === undefined
      ? (test ?? { stage: 'finished' })
      : { stage: 'registering', code, earlier: opening.slice(0, -1), running: test },
  );
}

/**
 * @param value what was read from disk
 * @returns whether it is a {@link TestState}
 */
export function isTestState(value: unknown): value is TestState {
  if (!isObject(value)) return false;
  const { stage, code, earlier = [], running = null } = value;
  if (stage !== 'registering') return isTest(value);
  return isCode(code) && Array.isArray(earlier) && earlier.every(isCode) && (running === null || isTest(running));
}

function isTest(value: unknown): value is Test {
  if (!isObject(value)) return false;
  const { stage, codeKey = null, token, result, tan, content, sharing, ...rest } = value;
  if (codeKey !== null && typeof codeKey !== 'string') return false;
  switch (stage) {
    case 'registered':
      return typeof token === 'string' && typeof result === 'string' && isSharing(sharing);
    case 'shared':
      return (
        [token, tan].every((text) => typeof text === 'string') &&
        isContent(content) &&
        isSharing(sharing) &&
        (rest['keyAt'] === null || typeof rest['keyAt'] === 'number') &&
        [rest['at'], rest['consentedAt'], rest['followUps']].every((number) => typeof number === 'number')
      );
    default:
      return stage === 'finished';
  }
}

function isCode(value: unknown): value is OpeningCode {
  if (!isObject(value) || typeof value['key'] !== 'string' || typeof value['keyType'] !== 'string') return false;
  const { keyType, credential, holderPem } = value;
  return keyType !== 'CREDENTIAL' || (typeof credential === 'string' && typeof holderPem === 'string');
}

function isSharing(value: unknown): boolean {
  return value === null || (isObject(value) && isContent(value['content']));
}

function isContent(value: unknown): boolean {
  return isObject(value) && Array.isArray(value['keys']) && value['keys'].every((key) => isObject(key));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
