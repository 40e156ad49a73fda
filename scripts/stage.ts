/** @module `npm run stage`: a stage in one file, deployed and looked after by one command (docs/deploy.md). */
import { existsSync } from 'node:fs';
import type { Call, StageCommand } from './stage/command/call.ts';
import { apply } from './stage/command/apply.ts';
import { check } from './stage/command/check.ts';
import { destroy } from './stage/command/destroy.ts';
import { init } from './stage/command/init.ts';
import { TOKEN_VARIABLE } from './stage/command/open-account.ts';
import { plan } from './stage/command/plan.ts';
import { rehearse } from './stage/command/rehearse.ts';
import { rollback } from './stage/command/rollback.ts';
import { rotate } from './stage/command/rotate.ts';
import { namedStage } from './stage/command/stage-file.ts';
import { typedLine } from './stage/command/typed-line.ts';
import { unlock } from './stage/command/unlock.ts';
import { STAGE_NAME } from './stage/file/places.ts';
import { StageFileError } from './stage/file/problem.ts';
import { IDENTITY_VARIABLE } from './stage/secrets/age.ts';
import {
  existingFile,
  flag,
  JSON_FLAG,
  oneOf,
  parsed,
  text,
  type Values,
  wholeNumber,
} from './support/command-line/arguments.ts';
import { type Io, run, UsageError } from './support/command-line/command.ts';

const MAX_RELEASE = 1_000_000;
const BAD_FILE_EXIT = 2;

const COMMANDS = { init, plan, apply, check, rollback, rotate, destroy, unlock } satisfies Record<string, StageCommand>;

const STAGE = {
  name: 'npm run stage',
  summary:
    'A stage is stages/NAME.toml: one account with one backend. Draws its keys, says what would change in the account, changes it, looks after it, takes it away (docs/deploy.md).',
  positionals: {
    command: oneOf(
      'what to do',
      {
        init: 'draws keys and secrets that are missing, seals them to their keepers; shows none',
        plan: 'says what apply would do, resource by resource; changes nothing',
        apply: 'brings the account to what the file says; cut off, the next one goes on',
        check: 'compares account and file, and asks each host what phones and people ask',
        rollback: 'back to what the last release found, where migrations and secrets allow it',
        rotate: 'the next phase of SECRET’s change that is due; without SECRET, what is due',
        destroy: 'takes everything of the stage out of the account, once its name is typed',
        unlock: 'takes away the lock of an apply that was cut off, once the name is typed',
        rehearse: 'plays all of these against a double of the account on this machine',
      },
      null,
    ),
    name: parsed(
      'the stage: stages/NAME.toml; all commands but rehearse need it',
      { placeholder: 'NAME', default: null, mustBe: 'a letter, then up to 30 letters, digits, hyphens, in lower case' },
      (given) => (STAGE_NAME.test(given) ? given : undefined),
    ),
    secret: parsed(
      'rotate: which secret, as TAN_MAC_KEY',
      { placeholder: 'SECRET', default: null, mustBe: 'the name of a secret, as TAN_MAC_KEY' },
      (given) => (/^[A-Z][A-Z_]+$/.test(given) ? given : undefined),
    ),
  },
  options: {
    identity: existingFile(
      `the operator's identity of age, which opens stages/NAME.secrets.age; or ${IDENTITY_VARIABLE} names the file`,
      {
        default: null,
      },
    ),
    bring: existingFile(
      'init, rotate: a folder with secrets that others gave, each in a file of its name, taken instead of drawn',
      {
        default: null,
        placeholder: 'FOLDER',
      },
    ),
    overwrite: flag('apply: what somebody changed by hand in the account may be lost'),
    'with-data': flag('destroy: what buckets hold may go too'),
    release: wholeNumber('rollback: from which release', {
      min: 1,
      max: MAX_RELEASE,
      default: null,
      defaultText: 'the latest',
    }),
    'dry-run': flag('rotate: says what it would do; draws and changes nothing'),
    told: flag('rotate: what the phase wants done outside (apps, Apple, Google, peers, gateways) is done'),
    now: flag(
      'rotate: the key leaked: another one at once, without overlap; says what that costs, and wants SECRET typed',
    ),
    folder: text('holds stages/ and .stage/', { default: null, placeholder: 'FOLDER', defaultText: 'this repository' }),
    json: JSON_FLAG,
  },
  notes: `
${TOKEN_VARIABLE} is the account's API token; plan without it says which permissions it needs. account = "double" in the file is a
double of Cloudflare's API on this machine, which needs none.`,
  examples: [
    'npm run stage -- init demo',
    'npm run stage -- plan demo',
    'npm run stage -- apply production --identity ~/operator.txt',
    'npm run stage -- rotate production TAN_MAC_KEY --identity ~/operator.txt',
    'npm run stage -- rehearse',
  ],
  exitCodes:
    '1 here: a step failed, check found a difference, or an answer is not right. 2 also: the file breaks a rule.',
} as const;

type Given = Values<typeof STAGE.options & typeof STAGE.positionals>;

await run(STAGE, async (given, io) => {
  requireTogether(given);
  if (given.command === 'rehearse') return rehearse(io);
  try {
    return await COMMANDS[given.command](callOf(given, io));
  } catch (error) {
    if (!(error instanceof StageFileError)) throw error;
    // A mistake in what was given, like a wrong argument, but nothing that --help would help with.
    if (given.json) io.print({ problems: error.problems }, '');
    else process.stderr.write(`${error.message}\n`);
    return BAD_FILE_EXIT;
  }
});

function callOf(given: Given, io: Io): Call {
  const named = process.env[IDENTITY_VARIABLE] ?? '';
  if (named !== '' && !existsSync(named))
    throw new UsageError(`${IDENTITY_VARIABLE}: "${named}" must be a file that exists`);
  return {
    ...namedStage(given.name ?? '', given.folder),
    identity: given.identity ?? (named === '' ? null : named),
    token: process.env[TOKEN_VARIABLE],
    bring: given.bring,
    overwrite: given.overwrite,
    withData: given['with-data'],
    release: given.release,
    secret: given.secret,
    dryRun: given['dry-run'],
    told: given.told,
    leaked: given.now,
    typed: typedLine,
    io,
  };
}

/** Arguments that belong to one command alone. */
function requireTogether(given: Given): void {
  const { command, name, secret, bring, overwrite, release } = given;
  const refuse = (message: string): never => {
    throw new UsageError(message);
  };
  if (command === 'rehearse' && name !== null)
    refuse(`NAME: "${name}" must not stand after rehearse, which has a stage of its own`);
  if (command !== 'rehearse' && name === null) refuse(`NAME: is missing; ${command} needs it`);
  if (command !== 'rotate' && secret !== null) refuse(`SECRET: "${secret}" must not stand after ${command}`);
  if (command !== 'init' && command !== 'rotate' && bring !== null) refuse(`--bring: must not stand with ${command}`);
  if (command !== 'apply' && overwrite) refuse(`--overwrite: must not stand with ${command}`);
  if (command !== 'destroy' && given['with-data']) refuse(`--with-data: must not stand with ${command}`);
  for (const option of ['dry-run', 'told', 'now'] as const) {
    if (given[option] && (command !== 'rotate' || secret === null))
      refuse(`--${option}: goes with rotate NAME SECRET alone`);
  }
  if (command !== 'rollback' && release !== null) refuse(`--release: must not stand with ${command}`);
}
