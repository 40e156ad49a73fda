/**
 * @module What a date of birth says of a test (docs/spec/cwa.md §3.1; decision 024). A laboratory posts one result under the
 * hash of the GUID and again under the hash over GUID and date of birth; nothing else links the two. Pure.
 */
import type { TestResultReply } from './rpc.ts';

/**
 * Dates of birth that may be tried on a test once its laboratory has answered. With the one that may have been registered
 * before, 6 of the 36,525 of a century.
 */
export const MAX_BIRTH_DATE_GUESSES = 5;

/** unanswered: the laboratory has posted nothing for the GUID. differs: a wrong date, or none where one is required. */
export type BirthDateVerdict = 'unanswered' | 'right' | 'differs';

/**
 * @param test what was posted for the hash of the GUID
 * @param withBirthDate what was posted for the hash with the date of birth that was given; null when none was
 */
export function birthDateVerdict(test: TestResultReply, withBirthDate: TestResultReply | null): BirthDateVerdict {
  if (test.labId === null) return 'unanswered';
  if (withBirthDate === null) return test.needsBirthDate ? 'differs' : 'right';
  return withBirthDate.labId === test.labId && withBirthDate.result === test.result ? 'right' : 'differs';
}
