/**
 * @module The one way to write a command: it is declared, `--help` and errors come from the declaration, and the work gets
 * values that were read and checked. Exit codes: 0 done; 1 it failed, or what it checked is wrong; 2 called wrongly; 130
 * interrupted.
 */
import type { Arguments, NoArguments, Values } from './arguments.ts';
import { type Declaration, UsageError } from './declaration.ts';
import { helpText } from './help.ts';
import { listenForInterrupt } from './interrupt.ts';
import { type OnProgress, progressBar } from './progress.ts';
import { readArguments } from './read-arguments.ts';

export { UsageError };

const USAGE_EXIT = 2;

/** What the work says with. */
export interface Io {
  /** A line for a person: on stdout, or on stderr where `--json` keeps stdout for the result. */
  readonly say: (line: string) => void;
  /** How far long work is: a bar or lines, on stderr. */
  readonly progress: OnProgress;
  /** The result: as JSON where `--json` was given, else the text. */
  readonly print: (value: unknown, text: string) => void;
  /** For the other program, where the command passes arguments on. */
  readonly rest: readonly string[];
  /** How it was called: `npm run fuzz -- --inputs 100`. */
  readonly called: string;
}

/**
 * Runs a command: reads its arguments, answers `--help`, and turns what the work throws into a message and an exit code.
 *
 * @param declaration of the command
 * @param work gets the values by name; returns the exit code
 */
export async function run<const O extends Arguments = NoArguments, const P extends Arguments = NoArguments>(
  declaration: Declaration<O, P>,
  work: (values: Values<O & P>, io: Io) => number | Promise<number>,
): Promise<void> {
  try {
    const args = process.argv.slice(2);
    const call = readArguments(declaration, args);
    if (call === 'help') {
      process.stdout.write(helpText(declaration));
      return;
    }
    if (declaration.computes !== true) listenForInterrupt();
    process.stdout.on('error', atClosedPipe);
    const json = (call.values as { readonly json?: unknown }).json === true;
    const called = [declaration.name, ...(args.length > 0 ? [`${dashes(declaration)}${args.join(' ')}`] : [])].join(
      ' ',
    );
    process.exitCode = await work(call.values, { ...ioOf(json), rest: call.rest, called });
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n${usage ? `Try ${declaration.name} ${dashes(declaration)}--help.\n` : ''}`);
    process.exitCode = usage ? USAGE_EXIT : 1;
  }
}

const dashes = ({ name }: { readonly name: string }): string => (name.startsWith('npm ') ? '-- ' : '');

/** `… | head` closes the pipe early, which is no fault of anybody. */
function atClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
}

function ioOf(json: boolean): Pick<Io, 'say' | 'progress' | 'print'> {
  const isTty = process.stderr.isTTY;
  const bar = progressBar({ isTty, write: (text) => process.stderr.write(text), now: () => performance.now() });
  const lines = json ? process.stderr : process.stdout;
  // A bar that is being drawn gives way to lines.
  const clear = (): void => void (isTty && process.stderr.write('\r\u001B[K'));
  return {
    say(line) {
      clear();
      lines.write(`${line}\n`);
    },
    print(value, text) {
      clear();
      process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
    },
    progress: bar,
  };
}
