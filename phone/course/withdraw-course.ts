/**
 * @module A person takes back the keys that they shared: nothing more is shared of that test, then the server is told the secrets of all that was, and of what may have been.
 * Without an answer the phone tells it again by itself, later each time (timing/retry.ts), until it has one or the keys have had their time.
 *
 * Each write stands for itself. A phone that dies after the first shares nothing more and has all secrets; after the second it tells the server by itself; after an
 * answer and before the next write it tells the same once more, which changes nothing.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { intoWindow } from '../timing/schedule.ts';
import { retryDelay } from '../timing/retry.ts';
import { WITHDRAWAL_SECRET_BYTES } from '../../protocol/withdrawal.ts';
import { KEPT_SECONDS, type KeptSecret, MOST_AT_ONCE } from '../upload/withdrawal.ts';
import { type Advice, REPORT_A_FAULT, TRY_AGAIN } from './advice.ts';
import type { CoverSettings } from './course.ts';
import { playWithdraw } from './playbook.ts';
import type { CoursePorts } from './test-course.ts';
import { loadKept, saveKept, type Test } from './test-state.ts';

const KEY_DATA_BYTES = 16;

/** What taking back works with. */
export interface WithdrawPorts extends CoursePorts {
  readonly settings: CoursePorts['settings'] & {
    readonly polling: Pick<CoverSettings['polling'], 'retry' | 'windows'>;
  };
}

/** A key that is taken back, and not heard of yet. */
type Asked = KeptSecret & Required<Pick<KeptSecret, 'asked'>>;

/**
 * @param ports see {@link WithdrawPorts}
 * @returns of how many keys the server was told; 0 for a phone that has none to take back, which sends a dummy all the same. After 'try-again'
 *   {@link goOnWithdrawing} tells it again.
 */
export async function withdrawKeys(ports: WithdrawPorts): Promise<Result<number, Advice>> {
  const kept = await loadKept(ports.store);
  const secrets = await ports.secrets?.load();
  if (!kept.ok || secrets?.ok === false) return err({ kind: 'state-unreadable' });
  const { test } = kept.value;
  const ended = test === null ? null : withoutSharing(test);
  if (ended !== test) await saveKept(ports.store, { ...kept.value, test: ended });
  const now = ports.clock();
  const own = (secrets?.value ?? []).filter((one) => one.until > now && !isCover(one));
  const asked = own.map((one) => ({ ...one, asked: { failures: 0, at: now } }));
  if (asked.length === 0) asked.push(coverAt(now, ports));
  await ports.secrets?.save(asked);
  return tell(asked, [], ports);
}

/** Who has nothing to take back is told again too: else a second try would say that there was something. */
function coverAt(now: number, { random }: WithdrawPorts): Asked {
  const [keyData, secret] = [random(KEY_DATA_BYTES), random(WITHDRAWAL_SECRET_BYTES)];
  return { keyData, secret, until: now + KEPT_SECONDS, asked: { failures: 0, at: now, cover: true } };
}

/**
 * Goes on with what a person took back and the server has not answered, when its time has come.
 *
 * @param ports see {@link WithdrawPorts}
 * @returns of how many keys the server was told now, and when it is told again by itself: Unix seconds, null when nothing is left to tell
 */
export async function goOnWithdrawing(
  ports: WithdrawPorts,
): Promise<{ readonly told: number; readonly next: number | null }> {
  const now = ports.clock();
  const live = (await secretsOf(ports)).filter(({ until }) => until > now);
  const asked = live.filter(isAsked);
  const isDue = asked.length > 0 && nextOf(asked) <= now;
  const others = live.filter((one) => !isAsked(one));
  const done = isDue ? await tell(asked, others, ports) : ok(0);
  const left = isDue ? (await secretsOf(ports)).filter(isAsked) : asked;
  return { told: done.ok ? done.value : 0, next: left.length === 0 ? null : nextOf(left) };
}

/**
 * @param asked what the server is told
 * @param others what else is kept, and stays
 */
async function tell(
  asked: readonly Asked[],
  others: readonly KeptSecret[],
  ports: WithdrawPorts,
): Promise<Result<number, Advice>> {
  let left = asked;
  do {
    const openings = left.slice(0, MOST_AT_ONCE).filter((one) => !isCover(one));
    const heard = await playWithdraw(openings, ports);
    if (!heard.ok) {
      const isAgain = heard.error.kind === 'try-again';
      await ports.secrets?.save([...others, ...(isAgain ? later(left, ports) : forNow(left))]);
      return err(isAgain ? TRY_AGAIN : REPORT_A_FAULT);
    }
    left = left.slice(MOST_AT_ONCE);
    await ports.secrets?.save([...others, ...left]);
  } while (left.length > 0);
  return ok(asked.filter((one) => !isCover(one)).length);
}

/** @returns the same, to be told again: inside a window, longer after each failure */
function later(left: readonly Asked[], { clock, settings: { polling }, random }: WithdrawPorts): Asked[] {
  const failures = Math.max(...left.map(({ asked }) => asked.failures)) + 1;
  const at = intoWindow(clock() + retryDelay(failures, random, polling.retry), polling.windows, random);
  return left.map((one) => ({ ...one, asked: { ...one.asked, failures, at } }));
}

/** @returns the same, told again by its person alone: what was refused once is refused again */
const forNow = (left: readonly Asked[]): KeptSecret[] =>
  left.filter((one) => !isCover(one)).map(({ keyData, secret, until }) => ({ keyData, secret, until }));

/** @returns what is kept; nothing where it can't be read, which is then left as it is */
async function secretsOf({ secrets }: WithdrawPorts): Promise<readonly KeptSecret[]> {
  const loaded = await secrets?.load();
  return loaded?.ok === true ? (loaded.value ?? []) : [];
}

const isAsked = (one: KeptSecret): one is Asked => one.asked !== undefined;
const isCover = (one: KeptSecret): boolean => one.asked?.cover === true;
const nextOf = (asked: readonly Asked[]): number => Math.min(...asked.map((one) => one.asked.at));

/** @returns the test, but nothing of it is sent any more; the very same when nothing would be */
function withoutSharing(test: Test): Test {
  if (test.stage === 'finished') return test;
  const isSharing = test.sharing !== null || (test.stage === 'shared' && test.keyAt !== null);
  if (!isSharing) return test;
  return test.stage === 'shared' ? { ...test, sharing: null, keyAt: null } : { ...test, sharing: null };
}
