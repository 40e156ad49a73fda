/**
 * @module The arguments of `npm run config`: a command, a file where it needs one, options; and which of them go together.
 */
import { type Audience, EVERYONE, audienceSchema } from '../../protocol/parameters/config-head.ts';
import {
  existingFile,
  flag,
  JSON_FLAG,
  oneOf,
  parsed,
  url,
  type Values,
  wholeNumber,
} from '../support/command-line/arguments.ts';
import { UsageError } from '../support/command-line/command.ts';

const VERSIONS = 2 ** 31;
const { percentage: percentageSchema, android: androidSchema, ios: iosSchema } = audienceSchema.shape;

/** `MIN..MAX`, or the words that stand for every phone and for none. */
function rangeOf(text: string, of: (part: string) => unknown): unknown {
  if (text === 'all' || text === 'none') return text;
  const [min = '', max = ''] = text.split('..');
  return { min: of(min), max: of(max) };
}

/** What `npm run config` says about itself. */
export const CONFIG = {
  name: 'npm run config',
  summary: 'Checks, compares, publishes, agrees to and rolls back the parameter document (docs/parameters.md).',
  positionals: {
    command: oneOf(
      'what to do',
      {
        validate: 'checks FILE; needs no server',
        status: 'says what is published, and the versions before',
        diff: 'says what FILE would change for everyone',
        publish: 'publishes FILE as the next version',
        rollback: 'publishes the documents of an earlier version anew',
        agree: 'publishes, as the second person, what another proposed',
      },
      null,
    ),
    file: existingFile('a parameter document, for validate, diff and publish', { default: null }),
  },
  options: {
    url: url('the portal, as of a local edge', { default: 'http://127.0.0.1:8787' }),
    expect: wholeNumber('the version you have seen; another one is a conflict', {
      min: 0,
      max: VERSIONS,
      default: null,
      defaultText: 'as it is now',
    }),
    to: wholeNumber('rollback: the version that comes back', {
      min: 1,
      max: VERSIONS,
      default: null,
      defaultText: 'the one before the current',
    }),
    proposal: parsed(
      'agree: which proposal, as status lists it',
      { placeholder: 'ID', default: null, mustBe: '32 hex digits' },
      (text) => (/^[0-9a-f]{32}$/.test(text) ? text : undefined),
    ),
    percentage: parsed(
      'publish: only this share of the phones, 0 < P <= 100',
      { placeholder: 'P', default: null, mustBe: 'a share of the phones, 0 < P <= 100' },
      (text) => percentageSchema.safeParse(text.trim() === '' ? null : Number(text)).data,
    ),
    android: parsed(
      'publish: only these version codes of Android, or none',
      { placeholder: 'MIN..MAX', default: null, mustBe: 'version codes, MIN..MAX, all or none' },
      (text) => androidSchema.safeParse(rangeOf(text, Number)).data,
    ),
    ios: parsed(
      'publish: only these versions of iOS, e.g. 1.2.0..1.9.9, or none',
      { placeholder: 'MIN..MAX', default: null, mustBe: 'versions, MIN..MAX as in 1.2.0..1.9.9, all or none' },
      (text) => iosSchema.safeParse(rangeOf(text, String)).data,
    ),
    'dry-run': flag('says what would happen, changes nothing'),
    json: JSON_FLAG,
  },
  notes: `
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
  examples: [
    'npm run config -- validate parameters/default.json',
    'npm run config -- publish parameters/default.json --percentage 10 --dry-run',
    'npm run config -- rollback --to 3',
  ],
  exitCodes: '1 here: invalid, differs (diff), was refused, or the portal was not reached.',
} as const;

type Given = Values<typeof CONFIG.options & typeof CONFIG.positionals>;
type Command = Given['command'];

/** Arguments that go together. */
export interface ConfigArguments {
  readonly command: Command;
  /** Path of the document; null where the command takes none. */
  readonly file: string | null;
  readonly url: string;
  readonly expect: number | null;
  readonly to: number | null;
  /** null: everyone. */
  readonly audience: Audience | null;
  readonly dryRun: boolean;
  /** Id; empty where the command takes none. */
  readonly proposal: string;
}

const NEEDS_FILE: readonly Command[] = ['validate', 'diff', 'publish'];

/**
 * @param given each argument for itself
 * @returns the arguments as they go together
 * @throws UsageError when the command lacks its file, or takes none, or takes no audience
 */
export function configArguments(given: Given): ConfigArguments {
  const { command, file, expect, to, percentage, android, ios } = given;
  if (NEEDS_FILE.includes(command) !== (file !== null)) {
    throw new UsageError(
      file === null ? `FILE: is missing; ${command} needs one` : `FILE: "${file}" must not stand after ${command}`,
    );
  }
  if ((command === 'agree') !== (given.proposal !== null)) {
    throw new UsageError(
      given.proposal === null
        ? '--proposal: is missing; agree needs one'
        : `${command}: --proposal must stand after agree`,
    );
  }
  const everyone = percentage === null && android === null && ios === null;
  if (!everyone && command !== 'publish') {
    throw new UsageError(`${command}: --percentage, --android and --ios must stand after publish`);
  }
  const audience = everyone
    ? null
    : {
        percentage: percentage ?? EVERYONE.percentage,
        android: android ?? EVERYONE.android,
        ios: ios ?? EVERYONE.ios,
      };
  return {
    command,
    file,
    url: given.url,
    expect,
    to,
    audience,
    dryRun: given['dry-run'],
    proposal: given.proposal ?? '',
  };
}
