/**
 * @module The arguments of `npm run config`: a command, a file where it needs one, options.
 */
import { parseArgs } from 'node:util';
import { type Audience, EVERYONE, audienceSchema } from '../../protocol/parameters/config-head.ts';
import { UsageError, wholeNumber } from '../support/cli.ts';

export const USAGE = `
npm run config -- COMMAND [FILE] [options]

  validate FILE          checks a parameter document; needs no server
  status   --url URL     what is published, and the versions before
  diff     FILE --url URL      what FILE would change for everyone
  publish  FILE --url URL      publishes FILE as the next version
  rollback --url URL           publishes the documents of an earlier version anew

  --url URL         the portal, e.g. http://127.0.0.1:8787 of a local edge (the default)
  --expect N        the version you have seen; another one is a conflict (default: as it is now)
  --to N            rollback: the version that comes back (default: the one before the current)
  --percentage P    publish: only this share of the phones, 0 < P <= 100
  --android MIN..MAX  publish: only these version codes of Android, or none
  --ios MIN..MAX      publish: only these versions of iOS, e.g. 1.2.0..1.9.9, or none
  --dry-run         says what would happen, changes nothing
  --json            prints one JSON value

Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.

Exit code 0: done, or the document is valid, or nothing differs. 1: it is invalid, differs (diff), was refused, or the
portal was not reached. 2: called wrongly.
`;

const COMMANDS = ['validate', 'status', 'diff', 'publish', 'rollback'] as const;
type Command = (typeof COMMANDS)[number];

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
  readonly json: boolean;
}

const OPTIONS = {
  url: { type: 'string', default: 'http://127.0.0.1:8787' },
  expect: { type: 'string' },
  to: { type: 'string' },
  percentage: { type: 'string' },
  android: { type: 'string' },
  ios: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const NEEDS_FILE: readonly Command[] = ['validate', 'diff', 'publish'];

/**
 * @param args without node and file
 * @returns the arguments, or 'help' if it was asked for
 * @throws UsageError when a command, file or option is missing, unknown or malformed
 */
export function readArguments(args: readonly string[]): ConfigArguments | 'help' {
  const { values, positionals } = parsed(args);
  if (values.help) return 'help';
  const [command, file = null, ...rest] = positionals;
  if (!isCommand(command)) throw new UsageError(`a command is expected: ${COMMANDS.join(', ')}`);
  if (rest.length > 0) throw new UsageError(`"${rest.join(' ')}" is too much`);
  if (NEEDS_FILE.includes(command) !== (file !== null)) {
    throw new UsageError(file === null ? `${command}: a FILE is expected` : `${command} takes no FILE`);
  }
  if (!URL.canParse(values.url)) throw new UsageError(`--url: "${values.url}" is no URL`);
  const version = (name: 'expect' | 'to'): number | null => {
    const text = values[name];
    return text === undefined ? null : wholeNumber(name, text, { min: name === 'to' ? 1 : 0, max: 2 ** 31 });
  };
  const audience = readAudience(values);
  if (audience !== null && command !== 'publish') throw new UsageError(`${command} takes no audience`);
  return {
    command,
    file,
    url: values.url,
    expect: version('expect'),
    to: version('to'),
    audience,
    dryRun: values['dry-run'],
    json: values.json,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isCommand(text: string | undefined): text is Command {
  return (COMMANDS as readonly (string | undefined)[]).includes(text);
}

interface AudienceOptions {
  readonly percentage?: string | undefined;
  readonly android?: string | undefined;
  readonly ios?: string | undefined;
}

function readAudience({ percentage, android, ios }: AudienceOptions): Audience | null {
  if (percentage === undefined && android === undefined && ios === undefined) return null;
  const bounds = (text: string): [string, string] => {
    const [min = '', max = ''] = text.split('..');
    return [min, max];
  };
  const range = (text: string, of: (part: string) => unknown): unknown => {
    if (text === 'all' || text === 'none') return text;
    const [min, max] = bounds(text);
    return { min: of(min), max: of(max) };
  };
  const audience = audienceSchema.safeParse({
    percentage: percentage === undefined ? EVERYONE.percentage : Number(percentage),
    android: android === undefined ? 'all' : range(android, Number),
    ios: ios === undefined ? 'all' : range(ios, String),
  });
  if (audience.success) return audience.data;
  const [issue] = audience.error.issues;
  throw new UsageError(`--${String(issue?.path[0] ?? 'percentage')}: ${issue?.message ?? 'invalid'}`);
}
