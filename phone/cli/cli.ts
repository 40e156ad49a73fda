/**
 * @module The phone on the command line: `phone verify`, `phone keys`, `phone match`. Wiring and exit codes alone; each
 * command is in cli-commands.ts.
 */
import { parseArgs } from 'node:util';
import { EXIT, type Io, keys, match, UnreadableError, UsageError, verify } from './cli-commands.ts';

const HELP = `Usage:
  phone verify FILE.zip --public-key P.pem [--key-id 262] [--key-version v1] [--json]
      Says whether a phone would accept the file. Without --key-id or --key-version, each one that
      the file names is tried against the public key.
  phone keys FILE.zip [--json]
      Prints what is in the file, without verifying it.
  phone match FILE.zip... --sightings S.json [--public-key P.pem] [--json]
      Finds the keys of the files among a phone's sightings. With --public-key, files that a phone would refuse
      are refused. S.json is a list of {"rpi": hex, "aem": hex, "timestamp": s, "rssi": dBm, "previousScan": s}.
  phone --help
      Prints this and does nothing else.

From the repository: npm run -s phone -- verify …
Exit codes: 0 accepted (or done), 1 refused (with the reason), 2 called wrongly, 3 could not read a file.
`;

/** Not scripts/support/command-line/, since phone/ imports protocol/ alone (docs/architecture.md §3). */
export const OPTIONS = {
  'public-key': { type: 'string' },
  'key-id': { type: 'string' },
  'key-version': { type: 'string' },
  sightings: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * @param args what stands behind the program's name
 * @param io where the answer goes
 * @returns exit code
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help === true) {
      io.out(HELP);
      return EXIT.done;
    }
    const [command, ...files] = positionals;
    switch (command) {
      case 'verify':
        return await verify(files, values, io);
      case 'keys':
        return await keys(files, values, io);
      case 'match':
        return await match(files, values, io);
      case undefined:
        throw new UsageError('no command given');
      default:
        throw new UsageError(`unknown command "${command}"`);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`phone: ${error.message}\n${HELP}`);
      return EXIT.usage;
    }
    if (error instanceof UnreadableError) {
      io.err(`phone: ${error.message}\n`);
      return EXIT.unreadable;
    }
    throw error;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

if (import.meta.main) {
  // `phone keys FILE | head` closes the pipe early, which is no fault of anybody.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  process.exitCode = await main(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
}
