/**
 * @module `phone withdraw DIR`: a person takes back the keys that they shared.
 */
import { withdrawKeys } from '../course/withdraw-course.ts';
import { RefusedError } from './calling.ts';
import { answer, onOne, portsOf, say } from './phone-commands.ts';

/** `phone withdraw DIR` @throws {UsageError | UnreadableError | RefusedError} */
export const withdrawCommand = onOne('withdraw', [], async (phone, options, io) => {
  const { directory } = phone;
  const told = await withdrawKeys(portsOf(phone));
  if (!told.ok && told.error.kind === 'try-again') {
    const text =
      'no answer, or the server is unwell: nothing is lost, phone sync tells it again by itself from a minute on';
    throw new RefusedError(text, told.error.kind);
  }
  const keys = answer(told);
  const what = keys === 1 ? 'one key is' : `${keys} keys are`;
  const text =
    keys === 0
      ? `${directory}: there is nothing to take back: this phone has shared no key that is still published, or took them back before`
      : `${directory}: ${what} taken back: what isn’t published yet never will be, and what is leaves with one of the next hours`;
  return say(io, options, { phone: directory, withdrawn: keys }, text);
});
