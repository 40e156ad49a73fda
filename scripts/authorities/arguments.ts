/**
 * @module The arguments of `npm run authorities`: a command, a file where it needs one, options; and which of them go together.
 */
import {
  existingFile,
  flag,
  JSON_FLAG,
  oneOf,
  parsed,
  text,
  url,
  type Values,
  wholeNumber,
} from '../support/command-line/arguments.ts';
import { UsageError } from '../support/command-line/command.ts';

/** What `npm run authorities` says about itself. */
export const AUTHORITIES = {
  name: 'npm run authorities',
  summary:
    'Checks, imports and lists the health authorities whose certificates publish keys (docs/health-authorities.md).',
  positionals: {
    command: oneOf(
      'what to do',
      {
        validate: 'checks FILE; needs no server',
        import: 'brings the authorities of FILE into force, or new keys of one; the others stay as they are',
        list: 'says which are in force, and what waits for a second person',
        agree: 'brings into force, as the second person, what another proposed',
      },
      null,
    ),
    file: existingFile('health authorities, for validate and import', { default: null }),
  },
  options: {
    url: url('the portal, as of a local edge', { default: 'http://127.0.0.1:8787' }),
    jwks: url('import, validate: the authority has the keys that are published there, and no others', {
      default: null,
    }),
    id: text('with --jwks: which authority; without FILE one that is in force', {
      placeholder: 'ID',
      default: null,
      defaultText: 'the only one of FILE',
    }),
    replace: flag('import: authorities that FILE doesn’t name go'),
    expect: wholeNumber('import: the version you have seen; another one is a conflict', {
      min: 0,
      max: 2 ** 31,
      default: null,
      defaultText: 'as it is now',
    }),
    proposal: parsed(
      'agree: which proposal, as list has it',
      { placeholder: 'ID', default: null, mustBe: '32 hex digits' },
      (given) => (/^[0-9a-f]{32}$/.test(given) ? given : undefined),
    ),
    as: text('at a local edge: under another name, as the second person', { default: null, placeholder: 'NAME' }),
    'dry-run': flag('import: says what would happen, changes nothing'),
    json: JSON_FLAG,
  },
  notes: `
FILE is JSON: {"authorities": [{"id": "de", "name": "…", "issuer": "…", "audience": "…", "keys": [{"kid": "v1", "publicKey": "-----BEGIN PUBLIC KEY…",
"from": "2026-12-01T00:00:00Z", "until": null}], "regions": ["DE"], "apps": ["org.example.app"], "reportTypes": ["confirmed"]}]}, or such a list, or one
authority alone. "name", "keys", "from", "until" and "reportTypes" (all) may be left out; a key may be a JWK. apps are values of healthAuthorityID.
A JWKS is a list of JWKs or {"keys": […]}. Where the parameters in force ask for a second person (docs/parameters.md), what adds trust is proposed.
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
  examples: [
    'npm run authorities -- validate authorities.json',
    'npm run authorities -- import authorities.json --dry-run',
    'npm run authorities -- import --jwks https://verification.example/jwks --id de',
    'npm run authorities -- list --json',
  ],
  exitCodes: '1 here: invalid, was refused, or the portal or the JWKS was not reached.',
} as const;

type Given = Values<typeof AUTHORITIES.options & typeof AUTHORITIES.positionals>;

/** Arguments that go together. */
export interface AuthoritiesArguments {
  readonly command: Given['command'];
  /** Path; null where the command takes none, or the authority is in force. */
  readonly file: string | null;
  readonly url: string;
  readonly jwks: string | null;
  readonly id: string | null;
  readonly replace: boolean;
  readonly expect: number | null;
  /** Id; empty where the command takes none. */
  readonly proposal: string;
  readonly as: string | null;
  readonly dryRun: boolean;
}

/** @param given each argument for itself @returns the arguments as they go together @throws UsageError naming what is missing or too much */
export function authoritiesArguments(given: Given): AuthoritiesArguments {
  const { command, file, jwks, id, replace, expect, proposal, as } = given;
  const reads = command === 'validate' || command === 'import';
  if (file !== null && !reads) throw new UsageError(`FILE: "${file}" must not stand after ${command}`);
  if (file === null && (command === 'validate' || (command === 'import' && jwks === null))) {
    throw new UsageError(`FILE: is missing; ${command} needs one${command === 'import' ? ', or --jwks and --id' : ''}`);
  }
  const forbid = (option: string, isGiven: boolean, after: string, isThere: boolean): void => {
    if (isGiven && !isThere) throw new UsageError(`${command}: --${option} must stand after ${after}`);
  };
  forbid('jwks', jwks !== null, 'validate or import', reads);
  forbid('id', id !== null, '--jwks', jwks !== null);
  forbid('replace', replace, 'import FILE', command === 'import' && file !== null);
  forbid('expect', expect !== null, 'import', command === 'import');
  forbid('dry-run', given['dry-run'], 'import', command === 'import');
  forbid('proposal', proposal !== null, 'agree', command === 'agree');
  if (command === 'agree' && proposal === null) throw new UsageError('--proposal: is missing; agree needs one');
  if (file === null && jwks !== null && id === null)
    throw new UsageError('--id: is missing; --jwks without FILE needs it');
  return {
    command,
    file,
    url: given.url,
    jwks,
    id,
    replace,
    expect,
    proposal: proposal ?? '',
    as,
    dryRun: given['dry-run'],
  };
}
