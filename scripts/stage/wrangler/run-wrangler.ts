/**
 * @module Runs wrangler for one Worker of a stage, against the stage's account and with its generated configuration, and reads what it says of itself in `WRANGLER_OUTPUT_FILE_PATH`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ROOT } from '../../../local-edge/workers.ts';
import { runChild } from '../../support/command-line/child.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import type { Account } from '../account.ts';
import { configurationFile } from './configuration.ts';
import { withSecretsFile } from './secrets-file.ts';

/** Entries of wrangler's output file that are read here. */
export interface WranglerEntry {
  readonly type: string;
  /** Of `deploy` and `version-upload`; null where wrangler gave up halfway. */
  readonly version_id?: string | null;
}

/** wrangler ended with an error, and says why. */
export class WranglerError extends Error {
  /** The worker's environment and the command: `upload: versions upload`. */
  readonly what: string;

  constructor(what: string, why: string) {
    super(`${what} failed: ${why}`);
    this.name = 'WranglerError';
    this.what = what;
  }
}

/** Lines that say nothing of what happened. */
const NOISE = /^(\s*|🪵.*|.*Logs were written to.*|.*If you think this is a bug.*|.*wrangler \d+\.\d+\.\d+.*|[─-]+)$/u;
/** Cloudflare's codes of a token that isn't one, or may not. */
const NO_RIGHT = /\[code: (10000|9109|10023|9106)\]|Authentication error/;
const RIGHTS_TEXT =
  'The API token lacks a permission; Workers need Account: Workers Scripts Write (dash.cloudflare.com → Manage Account → API tokens).';
/** Last lines of a failure that are worth a person's time. */
const LINES = 12;

/**
 * @param account whose
 * @param folder of the Worker, with its generated configuration; nothing else is read from it, no `.env` either
 * @param args as on a command line, e.g. `['versions', 'upload', '--strict']`
 * @param secrets what goes up with it; none: no file
 * @returns what wrangler wrote of what it did, in order
 * @throws WranglerError with wrangler's words, without token or secret; what was done before it stays done
 */
export async function runWrangler(
  account: Pick<Account, 'id' | 'token' | 'apiBase'>,
  folder: string,
  args: readonly string[],
  secrets: Readonly<Record<string, string>> = {},
): Promise<readonly WranglerEntry[]> {
  const temporary = temporaryFolder(`wrangler-${process.pid}`);
  const output = join(temporary.path, 'output.ndjson');
  try {
    const { code, stdout, stderr } = await withSecretsFile(secrets, (file) =>
      runChild(
        'wrangler',
        [...args, '--config', configurationFile(folder), ...(file === null ? [] : ['--secrets-file', file])],
        { cwd: folder, environment: environmentOf(account, temporary.path, output), output: 'kept' },
      ),
    );
    const entries = existsSync(output) ? entriesOf(readFileSync(output, 'utf8')) : [];
    if (code === 0) return entries;
    const what = `wrangler ${args.slice(0, args[0] === 'deploy' ? 1 : 2).join(' ')}`;
    const reason = withoutSecrets(reasonIn(stdout, stderr), [account.token, ...Object.values(secrets)]);
    throw new WranglerError(what, NO_RIGHT.test(reason) ? `${reason}\n${RIGHTS_TEXT}` : reason);
  } finally {
    temporary.remove();
  }
}

function environmentOf(
  { id, token, apiBase }: Pick<Account, 'id' | 'token' | 'apiBase'>,
  folder: string,
  output: string,
): Record<string, string> {
  return {
    CLOUDFLARE_ACCOUNT_ID: id,
    CLOUDFLARE_API_TOKEN: token,
    CLOUDFLARE_API_BASE_URL: apiBase,
    // A global key in the shell would go before the token.
    CLOUDFLARE_API_KEY: '',
    CLOUDFLARE_EMAIL: '',
    CLOUDFLARE_ENV: '',
    WRANGLER_OUTPUT_FILE_PATH: output,
    // Its debugging log has requests in it; whatever a shell says, without what is in them.
    WRANGLER_LOG_PATH: folder,
    WRANGLER_LOG_SANITIZE: 'true',
    // Most of a run of wrangler is V8 reading wrangler.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(ROOT, '.cache/node-compile'),
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    CI: '1',
    NO_COLOR: '1',
  };
}

function entriesOf(text: string): WranglerEntry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WranglerEntry);
}

/** wrangler says on either stream what is wrong; the last lines are what it is about. */
function reasonIn(stdout: string, stderr: string): string {
  const lines = stripVTControlCharacters(`${stderr}\n${stderr.includes('ERROR') ? '' : stdout}`)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => !NOISE.test(line));
  return lines.slice(-LINES).join('\n') || 'it said nothing';
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.filter((secret) => secret !== '').reduce((left, secret) => left.replaceAll(secret, '(secret)'), text);
}
