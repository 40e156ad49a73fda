/**
 * @module The phone on the command line: a phone in a directory, and export files read as a phone reads them. Wiring and exit codes
 * alone; each command is in init-command.ts, phone-commands.ts, sync-commands.ts or file-commands.ts.
 */
import { parseArgs } from 'node:util';
import { EXIT, type Io, OPTIONS, type Options, RefusedError, toJson, UnreadableError, UsageError } from './calling.ts';
import { credentialCommand } from './credential-command.ts';
import { enxCommand } from './enx-command.ts';
import { keys, match, verify } from './file-commands.ts';
import { init } from './init-command.ts';
import { forget, meetPhones, poll, scan, share, type } from './phone-commands.ts';
import { region } from './region-commands.ts';
import { SYMPTOM_WORDS } from './symptoms.ts';
import { status, sync } from './sync-commands.ts';
import { withdrawCommand } from './withdraw-command.ts';

export { OPTIONS } from './calling.ts';

const HELP = `Usage: phone COMMAND …

A phone that lives in a directory:
  phone init DIR --pins DIR [--url http://127.0.0.1:8787] [--region DE] [--local-clock]
      Makes a phone. It pins public.pem and manifest-public.pem of the folder --pins: for a local edge its state (npm start).
      --local-clock: it lives by the local edge's clock, which can be moved, instead of this machine's.
      --policy FILE [--directory URL]: what an app has built in to read the directory of regions by (docs/directory.md), and where that lies
      if not at the phone's own index.
      --upload-url, --verification-url: where these are other hosts; --key-id 262, --key-version v1, --manifest-key-id manifest-v1:
      the names of the pinned keys. --next-manifest-key-id ID: pins manifest-next-public.pem, too, the key that signs after the next change.
  phone meet DIR DIR [--minutes 20]
      A simulation of Bluetooth: the two phones were near each other until now, and each noted what it heard.
  phone scan DIR TEXT [--birth-date YYYY-MM-DD]
      Opens a test by the text of its QR code. A test that runs gives way once the server has answered.
  phone type DIR CODE
      Opens a test by a teleTAN, or by the code of a card.
  phone poll DIR
      Asks for the result; goes on with a scan that had no answer.
  phone share DIR [--symptoms WORD] [--consent]
      Shares the keys of the past days after a positive result; on the next day, the key of the day of sharing.
      --consent: other countries may have them, and those in which the phone was (region list), or which tested (credential use), are named.
      WORD: ${SYMPTOM_WORDS}.
  phone sync DIR
      Fetches what is new, of its own region and of those in which its owner was, verifies it, matches it with what the phone heard, and
      says the risk.
  phone region add DIR REGION [--from YYYY-MM-DD] [--to YYYY-MM-DD]
      Its owner was, is or will be in a region (NL), or somewhere in a cluster (eu): it is read from that day until 14 days after the
      last. Without --to until phone region leave. May be said afterwards. --policy, --directory as for init, for a phone that has none.
  phone region leave DIR REGION [--on YYYY-MM-DD]
      They left, today or on that day.
  phone region list DIR
      Says which regions are read, and until when. None of the three asks anybody.
  phone status DIR
      Says what the phone has and knows; asks nobody.
  phone withdraw DIR
      Takes back every key that was shared: what isn't published yet never is, the rest leaves with one of the next hours. Nothing more of the test is shared.
      Without an answer, phone sync tells it again.
  phone credential take DIR [TEXT] --verification-url URL
      Opens a test in another region, by its QR code, teleTAN or card there, and takes a credential of a positive result; without TEXT, goes on with it.
  phone credential show DIR
      Says what the credential says, with the link and QR code that it is carried by.
  phone credential use DIR [LINK]
      Opens the test at home by the credential; phone share then warns those whom you met at home, with --consent there too.
  phone enx app DIR --api-key KEY [--health-authority exposure-edge]
      From here on the phone can do as one with an Exposure Notifications Express app: the key of the app, and its health authority.
  phone enx report DIR --phone +49… --symptom-date YYYY-MM-DD | --test-date YYYY-MM-DD
      Reports a test of one's own; a message with a link comes to that number.
  phone enx open DIR CODE
      Verifies a code, or the link that brought it.
  phone enx share DIR
      Shares the keys of the past days; on the next day, the key of the day of sharing. By another code it says something else of them.
  phone enx sync DIR
      Fetches what index.txt names and is new, verifies it and matches it.
  phone enx chaff DIR
      Sends what sharing sends, as cover.
  phone forget DIR
      Deletes the test, here and at the server. The phone itself is the directory: remove it.

Export files, as a phone reads them:
  phone verify FILE.zip --public-key P.pem [--key-id 262] [--key-version v1]
      Says whether a phone would accept the file. Without --key-id or --key-version, each one that
      the file names is tried against the public key.
  phone keys FILE.zip
      Prints what is in the file, without verifying it.
  phone match FILE.zip... --sightings S.json [--public-key P.pem]
      Finds the keys of the files among a phone's sightings. With --public-key, files that a phone would refuse
      are refused. S.json is a list of {"rpi": hex, "aem": hex, "timestamp": s, "rssi": dBm, "previousScan": s}.

  --json   any command: its answer as JSON
  --help   prints this and does nothing else

From the repository: npm run -s phone -- init …
Exit codes: 0 done (or accepted), 1 refused, no answer, or something could not be had (with the reason), 2 called wrongly,
3 could not read a file, or a phone's directory is damaged.
`;

type Command = (given: readonly string[], options: Options, io: Io) => Promise<number>;

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['init', init],
  ['meet', meetPhones],
  ['scan', scan],
  ['type', type],
  ['poll', poll],
  ['share', share],
  ['region', region],
  ['sync', sync],
  ['status', status],
  ['withdraw', withdrawCommand],
  ['credential', credentialCommand],
  ['enx', enxCommand],
  ['forget', forget],
  ['verify', verify],
  ['keys', keys],
  ['match', match],
]);

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
    const [name, ...given] = positionals;
    if (name === undefined) throw new UsageError('no command given');
    const command = COMMANDS.get(name);
    if (command === undefined) throw new UsageError(`unknown command "${name}"`);
    return await command(given, values, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`phone: ${error.message}\nUsage: phone --help says what there is.\n`);
      return EXIT.usage;
    }
    if (error instanceof UnreadableError || error instanceof RefusedError) {
      io.err(`phone: ${error.message}\n`);
      if (error instanceof RefusedError && args.includes('--json')) {
        io.out(toJson({ refused: true, error: error.kind, reason: error.message }));
      }
      return error instanceof RefusedError ? EXIT.refused : EXIT.unreadable;
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
