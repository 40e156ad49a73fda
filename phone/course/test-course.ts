/**
 * @module A person's way from a test to shared keys: scan or type a code, poll, share, and share the key of that day
 * once it has ended (docs/architecture.md §7). What has been sent is kept first, so that a lost answer is asked for again, the
 * same question with the same content, and costs nobody the authorisation; what the server has refused for good is forgotten, so
 * that it isn't sent again (docs/decisions/034).
 */
import { keyEnd, SECONDS_PER_DAY, SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { OpeningCode } from '../verification/codes.ts';
import { endOfDayUpload, GRACE_SECONDS, type SharingSettings } from './grace.ts';
import { playForget, playPoll, type PlaybookPorts, playRegister, playSubmit } from './playbook.ts';
import type { Store } from '../store.ts';
import { secondsToNextInterval } from '../timing/schedule.ts';
import { endedKeys, type OwnKey, type TekHistory } from '../radio/tek-schedule.ts';
import { contentError, type UploadContent } from '../upload/upload-request.ts';
import { type KeptSecret, withSecrets } from '../upload/withdrawal.ts';
import type { TestResult } from '../verification/verification.ts';
import { type Advice, adviceFor, NOT_NOW, REPORT_A_FAULT, TRY_AGAIN } from './advice.ts';
import { type Kept, loadKept, saveKept, type Sharing, type Test, type TestState } from './test-state.ts';

export type { Advice } from './advice.ts';
export { isTestState, type TestState } from './test-state.ts';

export interface CoursePorts extends PlaybookPorts {
  readonly settings: SharingSettings;
  readonly store: Store<TestState>;
  /** Where the secrets of shared keys are kept; left out: they are shared without, and can't be taken back. */
  readonly secrets?: Store<readonly KeptSecret[]>;
  /** Unix seconds. */
  readonly clock: () => number;
}

type Outcome<T> = Promise<Result<T, Advice>>;

/**
 * What scanning or typing a code comes to without asking anybody.
 *
 * @param code from codes.ts
 * @param ports see {@link CoursePorts}
 * @returns the result so far of the test that this code opened before; why no test can be opened now; null: ask
 */
export async function openedBefore(code: OpeningCode, ports: CoursePorts): Promise<Result<TestResult, Advice> | null> {
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  const { test } = kept.value;
  if (test === null || test.stage === 'finished') return null;
  if (test.codeKey === code.key) return ok(test.stage === 'registered' ? test.result : 'positive');
  return test.sharing === null ? null : err({ kind: 'finish-sharing' });
}

/**
 * Registers what was scanned or typed, and polls once. A test that runs goes on until the server has given this one's token. Called
 * again after 'try-again' with the same code, it asks the same; with the code of the test that runs, it asks nobody.
 *
 * @param code from codes.ts
 * @param ports see {@link CoursePorts}
 * @returns how the test came out so far
 */
export async function openTest(code: OpeningCode, ports: CoursePorts): Outcome<TestResult> {
  const before = await openedBefore(code, ports);
  return before ?? register(code, ports);
}

async function register(code: OpeningCode, ports: CoursePorts): Outcome<TestResult> {
  const loaded = await keptOf(ports);
  if (!loaded.ok) return loaded;
  const { test, opening } = loaded.value;
  const at = opening.findIndex(({ key }) => key === code.key);
  const asked = at < 0 ? [...opening, code] : opening;
  // A phone that dies from here on has the test that runs, and asks about the code again (resumeTest).
  await saveKept(ports.store, { test, opening: asked });
  // Whoever has a token now has no use for codes that came before; those that came after may still replace it.
  const newer = at < 0 ? [] : opening.slice(at + 1);
  const registered = (token: string, result: TestResult): Kept => ({
    test: { stage: 'registered', codeKey: code.key, token, result, sharing: null },
    opening: newer,
  });
  // From here on it has the new test, pending, and polls.
  const keep = (token: string): Promise<void> => saveKept(ports.store, registered(token, 'pending'));
  const played = await playRegister(code, keep, ports);
  if (!played.ok) {
    if (played.error.kind === 'try-again') return err(TRY_AGAIN);
    // The answer is no and stays so. Died before this write, the phone asks once more and hears it again.
    await saveKept(ports.store, { test, opening: asked.filter(({ key }) => key !== code.key) });
    return err(adviceFor(played.error));
  }
  const { token, result } = played.value;
  // The token is kept, so a first poll without an answer is no failure of the registration.
  if (!result.ok) return result.error.kind === 'try-again' ? ok('pending') : err(adviceFor(result.error));
  await saveKept(ports.store, registered(token, result.value));
  return ok(result.value);
}

/**
 * Goes on with registrations that had no answer, oldest first, after a restart of the phone too.
 *
 * @param ports see {@link CoursePorts}
 * @returns how the newest test came out so far
 */
export async function resumeTest(ports: CoursePorts): Outcome<TestResult> {
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  let outcome: Result<TestResult, Advice> = err(NOT_NOW);
  for (const code of kept.value.opening) outcome = await register(code, ports);
  return outcome;
}

/**
 * A poll that is refused forgets nothing: the token is all that the person has, and whether something between phone and server
 * said no can't be told. Polls end by themselves (`pollDays`, course.ts).
 *
 * @param ports see {@link CoursePorts}
 * @returns how the test came out so far
 */
export async function pollTest(ports: CoursePorts): Outcome<TestResult> {
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  const { test } = kept.value;
  if (test?.stage !== 'registered') return err(NOT_NOW);
  const result = await playPoll(test.token, ports);
  if (!result.ok) return err(adviceFor(result.error));
  await saveKept(ports.store, { ...kept.value, test: { ...test, result: result.value } });
  return result;
}

/**
 * Shares keys. After 'try-again' what was prepared first is sent again with the TAN it had, whatever is handed in:
 * only so is it known as the same upload. What can't be sent is not kept.
 *
 * @param content what the person agreed to share
 * @param ports see {@link CoursePorts}
 * @returns ok when the keys are durable
 */
export async function shareKeys(content: UploadContent, ports: CoursePorts): Outcome<null> {
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  const { test } = kept.value;
  if (test?.stage !== 'registered') return err(NOT_NOW);
  const begun = sendable(test.sharing, ports);
  const refusal = begun === null ? unsendable(content, ports) : null;
  if (refusal !== null) return err(refusal);
  const sharing = begun ?? { content: await withSecrets(content, ports), consentedAt: ports.clock(), tan: null };
  const save = (next: Sharing | null) => saveKept(ports.store, { ...kept.value, test: { ...test, sharing: next } });
  // A phone that dies after this write sends the same again, under the same TAN.
  const keep = async (tan: string): Promise<UploadContent> => {
    await save({ ...sharing, tan });
    return sharing.content;
  };
  const stored = await playSubmit(test.token, sharing.tan, keep, ports);
  if (!stored.ok) return failed(stored.error, sharing, save);
  const { codeKey, token } = test;
  const { consentedAt } = sharing;
  const at = { tan: stored.value, content: sharing.content, at: ports.clock(), followUps: 0 };
  // Died before it, the phone sends once more what is stored, which is answered as stored.
  await saveKept(ports.store, {
    ...kept.value,
    test: { stage: 'shared', codeKey, token, ...at, ...consented(consentedAt, ports) },
  });
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
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  const { test: state } = kept.value;
  const now = ports.clock();
  if (state?.stage !== 'shared' || state.sharing !== null) return err(NOT_NOW);
  const isOpen = state.keyAt !== null && now <= state.consentedAt + GRACE_SECONDS;
  const isNewDay = now >= state.consentedAt + secondsToNextInterval(state.consentedAt, SECONDS_PER_DAY);
  if (isOpen || !isNewDay || state.followUps >= ports.settings.coverTraffic.followUpDays) return err(NOT_NOW);
  const test: Test = { ...state, at: now, ...consented(now, ports), followUps: state.followUps + 1 };
  await saveKept(ports.store, { ...kept.value, test });
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
  const kept = await keptOf(ports);
  if (!kept.ok) return kept;
  const { test } = kept.value;
  if (test?.stage !== 'shared') return err(NOT_NOW);
  const now = ports.clock();
  const { consentedAt, keyAt, followUps } = test;
  const isDue = keyAt !== null && keyAt <= now && now <= consentedAt + GRACE_SECONDS;
  const last = isDue ? lastKeys(history, test.content.keys, test.at, now) : [];
  const begun = sendable(test.sharing, ports);
  if (last.length === 0 && begun === null) return err(NOT_NOW);
  const fresh = { ...test.content, keys: share(last) };
  const sharing = begun ?? { content: await withSecrets(fresh, ports), consentedAt, tan: null };
  const put = (next: Test): Promise<void> => saveKept(ports.store, { ...kept.value, test: next });
  let isFormer = false;
  const keep = async (tan: string): Promise<UploadContent> => {
    // The last TAN again: its upload is stored, but the server lost the end of it. The same upload makes it up.
    isFormer = tan === test.tan;
    if (isFormer) return test.content;
    await put({ ...test, sharing: { ...sharing, tan } });
    return sharing.content;
  };
  const stored = await playSubmit(test.token, sharing.tan, keep, ports);
  // A former upload that isn't taken says nothing of this key: it is tried until the grace is over.
  if (!stored.ok && isFormer) return err(adviceFor(stored.error));
  if (!stored.ok) {
    return failed(stored.error, sharing, (next) =>
      put({ ...test, sharing: next, keyAt: next === null ? null : test.keyAt }),
    );
  }
  if (isFormer) return err(TRY_AGAIN);
  const { content } = sharing;
  const isOver = followUps >= ports.settings.coverTraffic.followUpDays;
  await put(isOver ? { stage: 'finished' } : { ...test, tan: stored.value, content, keyAt: null, sharing: null });
  return ok(null);
}

/**
 * What is left of an upload that was not stored. Without an answer, all of it. A TAN that was good and no longer is has expired unused:
 * the server gives another one, if it still may. Any other answer stays what it is, however often one asks: the upload is forgotten, and
 * the person may share anew, what has ended by then. Died before the write, the phone sends once more and hears the same.
 */
async function failed(
  failure: { readonly kind: string },
  sharing: Sharing,
  save: (sharing: Sharing | null) => Promise<void>,
): Outcome<null> {
  if (failure.kind === 'try-again') return err(TRY_AGAIN);
  const isAskedAnew = failure.kind === 'ask-hotline' && sharing.tan !== null;
  await save(isAskedAnew ? { ...sharing, tan: null } : null);
  return err(isAskedAnew ? TRY_AGAIN : adviceFor(failure));
}

/** Whether content can't be sent, and what to tell the person then: without an ended key, to wait for one. */
function unsendable(content: UploadContent, { bodyBytes }: CoursePorts): Advice | null {
  if (content.keys.length === 0) return NOT_NOW;
  return contentError(content, bodyBytes) === null ? null : REPORT_A_FAULT;
}

/** What was kept and can be sent; a phone may have kept what can't, before it looked first. */
function sendable(sharing: Sharing | null, ports: CoursePorts): Sharing | null {
  return sharing !== null && unsendable(sharing.content, ports) === null ? sharing : null;
}

/**
 * The person deletes the test, here and at the server, and attempts to open another with it.
 *
 * @param ports see {@link CoursePorts}
 * @returns ok when nobody has it any more; also for a state that is damaged, since its token is lost
 */
export async function deleteTest(ports: CoursePorts): Outcome<null> {
  const kept = await loadKept(ports.store);
  if (!kept.ok && kept.error.kind === 'unreadable') return err({ kind: 'state-unreadable' });
  const test = kept.ok ? kept.value.test : null;
  if (test !== null && 'token' in test) {
    const forgotten = await playForget(test.token, ports);
    if (!forgotten.ok && forgotten.error.kind === 'try-again') return err(TRY_AGAIN);
  }
  await saveKept(ports.store, { test: null, opening: [] });
  return ok(null);
}

/** Keys that came after those of the first upload and were in use when it was stored, as far as they have ended. */
function lastKeys(history: TekHistory, first: readonly OwnKey[], sharedAt: number, now: number): OwnKey[] {
  const from = Math.max(...first.map(keyEnd));
  const startOf = (key: OwnKey): number => key.rollingStartIntervalNumber * SECONDS_PER_INTERVAL;
  return endedKeys(history, now).filter((key) => startOf(key) >= from && startOf(key) <= sharedAt);
}

async function keptOf(ports: CoursePorts): Outcome<Kept> {
  const kept = await loadKept(ports.store);
  return kept.ok ? kept : err({ kind: 'state-unreadable' });
}

/**
 * @param ports see {@link CoursePorts}
 * @returns the test that runs or ran last, whatever attempts there are to open another; null for none
 */
export async function stateOf(ports: CoursePorts): Promise<Test | null> {
  const kept = await loadKept(ports.store);
  return kept.ok ? kept.value.test : null;
}
