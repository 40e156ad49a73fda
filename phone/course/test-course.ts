/**
 * @module A person's way from a test to shared keys: scan or type a code, poll, share, and share the key of that day
 * once it has ended (docs/architecture.md §7). What has been sent is kept first, so that a lost answer is asked for again, the
 * same question with the same content, and costs nobody the authorisation.
 */
import { keyEnd, SECONDS_PER_DAY, SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { OpeningCode } from '../verification/codes.ts';
import { endOfDayUpload, GRACE_SECONDS, type SharingSettings } from './grace.ts';
import { playForget, playPoll, type PlaybookPorts, playRegister, playSubmit } from './playbook.ts';
import type { Store } from '../store.ts';
import { secondsToNextInterval } from '../timing/schedule.ts';
import { endedKeys, type OwnKey, type TekHistory } from '../radio/tek-schedule.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import type { TestResult } from '../verification/verification.ts';

/** An upload that was sent, or is about to be, and must be sent again as it is until it is stored. */
interface Sharing {
  readonly content: UploadContent;
  /** Unix seconds: when the person agreed, however late it is sent. */
  readonly consentedAt: number;
  /** The TAN it was sent with, null before there is one. */
  readonly tan: string | null;
}

/** What the phone keeps of a test. */
export type TestState =
  /** Asked for a token, no answer yet. */
  | { readonly stage: 'registering'; readonly code: OpeningCode }
  /** The person may share once the result is positive. */
  | {
      readonly stage: 'registered';
      readonly token: string;
      readonly result: TestResult;
      readonly sharing: Sharing | null;
    }
  /** The first upload is stored; the key of its day is still to come, or that of a follow-up day. */
  | {
      readonly stage: 'shared';
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

export interface CoursePorts extends PlaybookPorts {
  readonly settings: SharingSettings;
  readonly store: Store<TestState>;
  /** Unix seconds. */
  readonly clock: () => number;
}

/** What the person is told when something did not work. */
export type Advice =
  /** The phone tries the same again by itself (retry.ts), or the person does later. */
  | { readonly kind: 'try-again' }
  /** A teleTAN from the hotline opens what this code no longer does. */
  | { readonly kind: 'ask-hotline' }
  /** A fault of the app: the keys were refused, or can't be sent. */
  | { readonly kind: 'report-a-fault' }
  /** There is nothing to do this with: no test, no positive result, no ended key. */
  | { readonly kind: 'not-now' };

/**
 * @param value what was read from disk
 * @returns whether it is a {@link TestState}
 */
export function isTestState(value: unknown): value is TestState {
  if (typeof value !== 'object' || value === null) return false;
  const { stage, code, token, result, tan, content, sharing, ...rest } = value as Record<string, unknown>;
  switch (stage) {
    case 'registering':
      return isObject(code) && typeof code['key'] === 'string';
    case 'registered':
      return typeof token === 'string' && typeof result === 'string' && isSharing(sharing);
    case 'shared':
      return (
        [token, tan].every((text) => typeof text === 'string') &&
        isContent(content) &&
        [rest['at'], rest['consentedAt'], rest['followUps']].every((number) => typeof number === 'number')
      );
    default:
      return stage === 'finished';
  }
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

type Outcome<T> = Promise<Result<T, Advice>>;

const TRY_AGAIN = { kind: 'try-again' } as const;
const NOT_NOW = { kind: 'not-now' } as const;

/**
 * Registers what was scanned or typed, and polls once. Called again after 'try-again' with the same code, it asks the
 * same.
 *
 * @param code from codes.ts
 * @param ports see {@link CoursePorts}
 * @returns how the test came out so far
 */
export async function openTest(code: OpeningCode, ports: CoursePorts): Outcome<TestResult> {
  await ports.store.save({ stage: 'registering', code });
  const keep = (token: string): Promise<void> =>
    ports.store.save({ stage: 'registered', token, result: 'pending', sharing: null });
  const played = await playRegister(code, keep, ports);
  if (!played.ok) return err(adviceFor(played.error));
  const { token, result } = played.value;
  // The token is kept, so a first poll without an answer is no failure of the registration.
  if (!result.ok) return result.error.kind === 'try-again' ? ok('pending') : err(adviceFor(result.error));
  await ports.store.save({ stage: 'registered', token, result: result.value, sharing: null });
  return ok(result.value);
}

/**
 * Goes on with a registration that had no answer, after a restart of the phone too.
 *
 * @param ports see {@link CoursePorts}
 * @returns how the test came out so far
 */
export async function resumeTest(ports: CoursePorts): Outcome<TestResult> {
  const state = await stateOf(ports);
  return state?.stage === 'registering' ? openTest(state.code, ports) : err(NOT_NOW);
}

/**
 * @param ports see {@link CoursePorts}
 * @returns how the test came out so far
 */
export async function pollTest(ports: CoursePorts): Outcome<TestResult> {
  const state = await stateOf(ports);
  if (state?.stage !== 'registered') return err(NOT_NOW);
  const result = await playPoll(state.token, ports);
  if (!result.ok) return err(adviceFor(result.error));
  await ports.store.save({ ...state, result: result.value });
  return result;
}

/**
 * Shares keys. After 'try-again' what was prepared first is sent again with the TAN it had, whatever is handed in:
 * only so is it known as the same upload.
 *
 * @param content what the person agreed to share
 * @param ports see {@link CoursePorts}
 * @returns ok when the keys are durable
 */
export async function shareKeys(content: UploadContent, ports: CoursePorts): Outcome<null> {
  const state = await stateOf(ports);
  if (state?.stage !== 'registered') return err(NOT_NOW);
  const { token } = state;
  const sharing = state.sharing ?? { content, consentedAt: ports.clock(), tan: null };
  const keep = async (tan: string | null): Promise<UploadContent> => {
    await ports.store.save({ ...state, sharing: { ...sharing, tan } });
    return sharing.content;
  };
  const stored = await playSubmit(token, sharing.tan, keep, ports);
  if (!stored.ok) return failed(stored.error, sharing, keep);
  const shared = { tan: stored.value, content: sharing.content, at: ports.clock(), followUps: 0 };
  const { consentedAt } = sharing;
  await ports.store.save({ stage: 'shared', token, ...shared, ...consented(consentedAt, ports) });
  return ok(null);
}

function consented(consentedAt: number, { settings, random }: CoursePorts) {
  return { consentedAt, keyAt: endOfDayUpload(consentedAt, settings.polling.windows, random), sharing: null };
}

/**
 * A person who shared yesterday agrees to share the key of today too; asked for anew on each day, as often as configured.
 *
 * @param ports see {@link CoursePorts}
 * @returns ok when {@link shareLastKey} will send it, once it has ended
 */
export async function consentToFollowUp(ports: CoursePorts): Outcome<null> {
  const state = await stateOf(ports);
  const now = ports.clock();
  if (state?.stage !== 'shared' || state.sharing !== null) return err(NOT_NOW);
  const isOpen = state.keyAt !== null && now <= state.consentedAt + GRACE_SECONDS;
  const isNewDay = now >= state.consentedAt + secondsToNextInterval(state.consentedAt, SECONDS_PER_DAY);
  if (isOpen || !isNewDay || state.followUps >= ports.settings.coverTraffic.followUpDays) return err(NOT_NOW);
  await ports.store.save({ ...state, at: now, ...consented(now, ports), followUps: state.followUps + 1 });
  return ok(null);
}

/**
 * The next day's upload: the key that was in use when the last one was sent, now that it has ended; when that is was drawn
 * with the consent, as cover traffic draws it. It needs a TAN of its own, which the server gives once the last is spent.
 *
 * @param share how the key is shared (onset.ts), in the countries and with the consent of the first upload
 * @param history own keys
 * @param ports see {@link CoursePorts}
 * @returns ok when the key is durable
 */
export async function shareLastKey(
  share: (keys: readonly OwnKey[]) => UploadContent['keys'],
  history: TekHistory,
  ports: CoursePorts,
): Outcome<null> {
  const state = await stateOf(ports);
  if (state?.stage !== 'shared') return err(NOT_NOW);
  const now = ports.clock();
  const { consentedAt, keyAt, followUps } = state;
  const isDue = keyAt !== null && keyAt <= now && now <= consentedAt + GRACE_SECONDS;
  const last = isDue ? lastKeys(history, state.content.keys, state.at, now) : [];
  if (last.length === 0 && state.sharing === null) return err(NOT_NOW);
  const sharing = state.sharing ?? { content: { ...state.content, keys: share(last) }, consentedAt, tan: null };
  const keep = async (tan: string | null): Promise<UploadContent> => {
    // The last TAN again: its upload is stored, but the server lost the end of it. The same upload makes it up.
    if (tan === state.tan) return state.content;
    await ports.store.save({ ...state, sharing: { ...sharing, tan } });
    return sharing.content;
  };
  const stored = await playSubmit(state.token, sharing.tan, keep, ports);
  if (!stored.ok) return failed(stored.error, sharing, keep);
  if (stored.value === state.tan) return err(TRY_AGAIN);
  const { content } = sharing;
  const isOver = followUps >= ports.settings.coverTraffic.followUpDays;
  await ports.store.save(
    isOver ? { stage: 'finished' } : { ...state, tan: stored.value, content, keyAt: null, sharing: null },
  );
  return ok(null);
}

/** A TAN that was good and no longer is has expired unused: the server gives another one, if it still may. */
async function failed(
  failure: { readonly kind: string },
  { tan }: Sharing,
  keep: (tan: null) => Promise<UploadContent>,
): Outcome<null> {
  if (failure.kind === 'ask-hotline' && tan !== null) {
    await keep(null);
    return err(TRY_AGAIN);
  }
  return err(adviceFor(failure));
}

/**
 * The person deletes the test, here and at the server.
 *
 * @param ports see {@link CoursePorts}
 * @returns ok when nobody has it any more
 */
export async function deleteTest(ports: CoursePorts): Outcome<null> {
  const state = await stateOf(ports);
  if (state !== null && 'token' in state) {
    const forgotten = await playForget(state.token, ports);
    if (!forgotten.ok && forgotten.error.kind === 'try-again') return err(TRY_AGAIN);
  }
  await ports.store.save({ stage: 'finished' });
  return ok(null);
}

/** Keys that came after those of the first upload and were in use when it was stored, as far as they have ended. */
function lastKeys(history: TekHistory, first: readonly OwnKey[], sharedAt: number, now: number): OwnKey[] {
  const from = Math.max(...first.map(keyEnd));
  const startOf = (key: OwnKey): number => key.rollingStartIntervalNumber * SECONDS_PER_INTERVAL;
  return endedKeys(history, now).filter((key) => startOf(key) >= from && startOf(key) <= sharedAt);
}

/**
 * @param ports see {@link CoursePorts}
 * @returns what the phone keeps of a test, null for nothing
 */
export async function stateOf(ports: CoursePorts): Promise<TestState | null> {
  const loaded = await ports.store.load();
  return loaded.ok ? loaded.value : null;
}

function adviceFor(failure: { readonly kind: string }): Advice {
  switch (failure.kind) {
    case 'try-again':
      return TRY_AGAIN;
    case 'ask-hotline':
      return { kind: 'ask-hotline' };
    default:
      return { kind: 'report-a-fault' };
  }
}
