import { describe, it } from 'vitest';
import { readArguments } from '../support/command-line/read-arguments.ts';
import { UsageError } from '../support/command-line/command.ts';
import { ROLLBACK, rollbackArguments } from './arguments.ts';

const SHARES = '--first package.json --second package.json';
const SOURCE = '--kind laboratory --name lab-1';

/** @returns what a call comes to, or how it is refused */
function called(line: string): unknown {
  try {
    const read = readArguments(ROLLBACK, line.split(' '));
    return read === 'help' ? read : rollbackArguments(read.values);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}

describe('npm run rollback', () => {
  it('takes days in their order, also one', ({ expect }) => {
    const days = (from: string, to: string) => called(`plan ${SOURCE} --from ${from} --to ${to} ${SHARES}`);
    expect(days('2026-11-20', '2026-11-24')).toMatchObject({ target: { fromDay: 20_777, toDay: 20_781 } });
    expect(days('2026-11-20', '2026-11-20')).toMatchObject({ target: { fromDay: 20_777, toDay: 20_777 } });
    expect(days('2026-11-24', '2026-11-20')).toBe('--from: "2026-11-24" must not be after --to, "2026-11-20"');
  });

  it('takes the shares of a former key beside those of the present one', ({ expect }) => {
    const id = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';
    const former = '--former-first package.json --former-second package.json';
    expect(called(`confirm --id ${id} ${SHARES}`)).toMatchObject({ shares: { length: 1 } });
    expect(called(`confirm --id ${id} ${SHARES} ${former}`)).toMatchObject({ shares: { length: 2 } });
  });

  it.for([
    [
      `plan ${SOURCE} --from 2026-11-20 --to 2026-11-20 ${SHARES} --former-first package.json`,
      '--former-first, --former-second: both shares of the former key are needed, or none',
    ],
    ['status --former-first package.json --former-second package.json', 'status: --former-first must not stand here'],
    [`plan ${SOURCE} --from 2026-11-20 ${SHARES}`, '--to: is missing; plan needs it'],
    [`ask --name lab-1 --from 2026-11-20 --to 2026-11-20 ${SHARES}`, '--kind: is missing; ask needs it'],
    [`confirm ${SHARES}`, '--id: is missing; confirm needs it'],
    ['status --first package.json', 'status: --first must not stand here'],
    [`plan ${SOURCE} --from 2026-11-31 --to 2026-11-20 ${SHARES}`, '--from: "2026-11-31" must be a date, YYYY-MM-DD'],
  ] as const)('refuses %s', ([line, message], { expect }) => {
    expect(called(line)).toBe(message);
  });
});
