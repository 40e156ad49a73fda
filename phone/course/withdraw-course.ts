/**
 * @module A person takes back the keys that they shared: nothing more is shared of that test, then the server is told the secrets of all that was, and of what may have been.
 *
 * Each write stands for itself. A phone that dies after the first shares nothing more and has all secrets; after an answer and before the next write it tells
 * the same once more, which changes nothing.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { MOST_AT_ONCE } from '../upload/withdrawal.ts';
import { type Advice, REPORT_A_FAULT, TRY_AGAIN } from './advice.ts';
import { playWithdraw } from './playbook.ts';
import type { CoursePorts } from './test-course.ts';
import { loadKept, saveKept, type Test } from './test-state.ts';

/**
 * @param ports see {@link CoursePorts}
 * @returns of how many keys the server was told; 0 for a phone that has none to take back, which sends a dummy all the same
 */
export async function withdrawKeys(ports: CoursePorts): Promise<Result<number, Advice>> {
  const kept = await loadKept(ports.store);
  const secrets = await ports.secrets?.load();
  if (!kept.ok || secrets?.ok === false) return err({ kind: 'state-unreadable' });
  const { test } = kept.value;
  const ended = test === null ? null : withoutSharing(test);
  if (ended !== test) await saveKept(ports.store, { ...kept.value, test: ended });
  let left = (secrets?.value ?? []).filter(({ until }) => until > ports.clock());
  const told = left.length;
  do {
    const heard = await playWithdraw(left.slice(0, MOST_AT_ONCE), ports);
    if (!heard.ok) return err(heard.error.kind === 'try-again' ? TRY_AGAIN : REPORT_A_FAULT);
    left = left.slice(MOST_AT_ONCE);
    if (told > 0) await ports.secrets?.save(left);
  } while (left.length > 0);
  return ok(told);
}

/** @returns the test, but nothing of it is sent any more; the very same when nothing would be */
function withoutSharing(test: Test): Test {
  if (test.stage === 'finished') return test;
  const isSharing = test.sharing !== null || (test.stage === 'shared' && test.keyAt !== null);
  if (!isSharing) return test;
  return test.stage === 'shared' ? { ...test, sharing: null, keyAt: null } : { ...test, sharing: null };
}
