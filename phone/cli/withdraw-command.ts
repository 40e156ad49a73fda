/**
 * @module `phone withdraw DIR`: a person takes back the keys that they shared.
 */
import { withdrawKeys } from '../course/withdraw-course.ts';
import { answer, onOne, portsOf, say } from './phone-commands.ts';

/** `phone withdraw DIR` @throws {UsageError | UnreadableError | RefusedError} */
export const withdrawCommand = onOne('withdraw', [], async (phone, options, io) => {
  const { directory } = phone;
  const keys = answer(await withdrawKeys(portsOf(phone)));
  const what = keys === 1 ? 'one key is' : `${keys} keys are`;
  const text =
    keys === 0
      ? `${directory}: there is nothing to take back: this phone has shared no key that is still published, or took them back before`
      : `${directory}: ${what} taken back: what isn’t published yet never will be, and what is leaves with one of the next hours`;
  return say(io, options, { phone: directory, withdrawn: keys }, text);
});
