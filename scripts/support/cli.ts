/**
 * @module What all commands share: options by node:util, `--help`, exit codes. 0: done; 1: it failed or what it checked
 * is wrong; 2: called wrongly.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** Called wrongly: the message says how, and the exit code is 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

type Options = NonNullable<ParseArgsConfig['options']>;

/**
 * Parses the arguments; `--help` prints the usage and ends the process with 0.
 *
 * @param usage what `--help` prints
 * @param options as node:util's parseArgs takes them, `help` is added
 * @param args the arguments, without node and file
 * @returns option by name
 * @throws UsageError when an option is unknown or lacks its value
 */
export function readOptions<const O extends Options>(usage: string, options: O, args = process.argv.slice(2)) {
  const parse = () =>
    parseArgs({ args, options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals: false });
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  if ((parsed.values as { help?: boolean }).help === true) {
    process.stdout.write(`${usage.trim()}\n`);
    process.exit(0);
  }
  return parsed.values;
}

/**
 * @param name the option, for the message
 * @param text what was given
 * @param range inclusive bounds
 * @returns the number
 * @throws UsageError when it is no whole number within the bounds
 */
export function wholeNumber(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name}: "${text}" must be a whole number, ${min}..${max}`);
  }
  return value;
}

/**
 * Runs a command and turns what it throws into a message and an exit code.
 *
 * @param main returns the exit code
 */
export async function run(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message}\n${usage ? 'Try --help.\n' : ''}`);
    process.exitCode = usage ? 2 : 1;
  }
}
