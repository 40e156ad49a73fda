/**
 * @module The arguments of `npm run rollback`: a command, whose keys of which days, the two shares; and which of them go together.
 */
import { ROLLBACK_KINDS, type RollbackKind, type RollbackTarget } from '../../domain/rollback.ts';
import { existingFile, JSON_FLAG, oneOf, parsed, text, url, type Values } from '../support/command-line/arguments.ts';
import { UsageError } from '../support/command-line/command.ts';

const DAY_MS = 86_400_000;
const DATE = { placeholder: 'YYYY-MM-DD', default: null, mustBe: 'a date, YYYY-MM-DD' } as const;

const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** @returns the UTC day of a date, or undefined when it is none */
function dayOf(given: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== given ? undefined : at / DAY_MS;
}

/** What `npm run rollback` says about itself. */
export const ROLLBACK = {
  name: 'npm run rollback',
  summary:
    'Takes back what a source vouched for: a dry run, asking, confirming as the second person (docs/rollback.md).',
  positionals: {
    command: oneOf(
      'what to do',
      {
        plan: 'says what a rollback would do; changes nothing',
        ask: 'asks for a rollback; another person confirms it within an hour, here or in the portal',
        confirm: 'confirms as the second person, or goes on with what is confirmed',
        status: 'says what was asked for and what came of it',
      },
      null,
    ),
  },
  options: {
    kind: parsed(
      `plan, ask: whose: ${ROLLBACK_KINDS.join(', ')}`,
      { placeholder: 'KIND', default: null, mustBe: `one of ${ROLLBACK_KINDS.join(', ')}` },
      (given): RollbackKind | undefined => ROLLBACK_KINDS.find((kind) => kind === given),
    ),
    name: text('plan, ask: batch id, provider, id of the laboratory or health authority, or subject', {
      default: null,
      placeholder: 'NAME',
    }),
    from: parsed('plan, ask: first UTC day on which was vouched', DATE, dayOf),
    to: parsed('plan, ask: last UTC day', DATE, dayOf),
    first: existingFile("the first keeper's share of the undo key", { default: null }),
    second: existingFile("the second keeper's share", { default: null }),
    'former-first': existingFile('while the undo key is changed: the share of the former key', { default: null }),
    'former-second': existingFile('its other share', { default: null }),
    id: parsed(
      'confirm: which rollback, as ask and status say it',
      { placeholder: 'ID', default: null, mustBe: 'a UUID' },
      (given) => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given) ? given : undefined),
    ),
    as: text('at a local edge: under another name, as the second person', { default: null, placeholder: 'NAME' }),
    url: url('the portal, as of a local edge', { default: 'http://127.0.0.1:8787' }),
    json: JSON_FLAG,
  },
  notes: `
The shares are put together in memory and sent for this one call; they are written and logged nowhere. Before a deployed portal stands Cloudflare
Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
  examples: [
    'npm run rollback -- plan --kind laboratory --name lab-1 --from 2026-11-20 --to 2026-11-24 --first a.txt --second b.txt',
    'npm run rollback -- confirm --id 5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b --first a.txt --second b.txt',
    'npm run rollback -- confirm --id 5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b --first a.txt --second b.txt --as berta',
    'npm run rollback -- status',
  ],
  exitCodes: '1 here: was refused, has to be given again (confirm), shares do not fit, or the portal was not reached.',
} as const;

type Given = Values<typeof ROLLBACK.options & typeof ROLLBACK.positionals>;

/** Arguments that go together. */
export interface RollbackArguments {
  readonly command: Given['command'];
  readonly url: string;
  /** null where the command takes none. */
  readonly target: RollbackTarget | null;
  /** Files of the shares, a pair a key; null for status. */
  readonly shares: readonly (readonly [string, string])[] | null;
  /** Empty but for confirm. */
  readonly id: string;
}

/** @param given each argument for itself @returns the arguments as they go together @throws UsageError naming what is missing or too much, or the days that are in the wrong order */
export function rollbackArguments(given: Given): RollbackArguments {
  const { command, kind, name, from, to, first, second, id } = given;
  const wants = {
    target: command === 'plan' || command === 'ask',
    shares: command !== 'status',
    id: command === 'confirm',
  };
  const check = (option: string, value: unknown, isWanted: boolean): void => {
    if ((value !== null) === isWanted) return;
    throw new UsageError(
      isWanted ? `--${option}: is missing; ${command} needs it` : `${command}: --${option} must not stand here`,
    );
  };
  for (const [option, value] of Object.entries({ kind, name, from, to })) check(option, value, wants.target);
  for (const [option, value] of Object.entries({ first, second })) check(option, value, wants.shares);
  check('id', id, wants.id);
  if (from !== null && to !== null && from > to) {
    throw new UsageError(`--from: "${dateOf(from)}" must not be after --to, "${dateOf(to)}"`);
  }
  const target =
    kind !== null && name !== null && from !== null && to !== null ? { kind, name, fromDay: from, toDay: to } : null;
  const { 'former-first': formerFirst, 'former-second': formerSecond } = given;
  if ((formerFirst === null) !== (formerSecond === null)) {
    throw new UsageError('--former-first, --former-second: both shares of the former key are needed, or none');
  }
  const pair = (one: string | null, other: string | null): (readonly [string, string])[] =>
    one !== null && other !== null ? [[one, other]] : [];
  const present = pair(first, second);
  if (present.length === 0 && formerFirst !== null) {
    throw new UsageError(`${command}: --former-first must not stand here`);
  }
  const shares = present.length === 0 ? null : [...present, ...pair(formerFirst, formerSecond)];
  return { command, url: given.url, target, shares, id: id ?? '' };
}
