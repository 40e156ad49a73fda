/**
 * @module What all commands of the phone's command line share: exit codes, output, options, and the errors that become exit codes.
 */

/** Exit codes that checks from outside rely on. */
export const EXIT = { done: 0, refused: 1, usage: 2, unreadable: 3 } as const;

/** Where output goes. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Options as `node:util` parses them. Not scripts/support/command-line/, since phone/ imports protocol/ alone (docs/architecture.md §3). */
export const OPTIONS = {
  'public-key': { type: 'string' },
  'key-id': { type: 'string' },
  'key-version': { type: 'string' },
  sightings: { type: 'string' },
  url: { type: 'string' },
  'upload-url': { type: 'string' },
  'verification-url': { type: 'string' },
  pins: { type: 'string' },
  'manifest-key-id': { type: 'string' },
  'next-manifest-key-id': { type: 'string' },
  region: { type: 'string' },
  'local-clock': { type: 'boolean' },
  'birth-date': { type: 'string' },
  symptoms: { type: 'string' },
  minutes: { type: 'string' },
  policy: { type: 'string' },
  directory: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  on: { type: 'string' },
  'api-key': { type: 'string' },
  'health-authority': { type: 'string' },
  phone: { type: 'string' },
  'symptom-date': { type: 'string' },
  'test-date': { type: 'string' },
  consent: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Names = keyof typeof OPTIONS;
/** Options as parsed; absent ones are undefined. */
export type Options = {
  readonly [Name in Names]?: ((typeof OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string) | undefined;
};

/** The command was called wrongly: exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A file could not be read, or is not what it must be: exit 3. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

/** What was asked for can't be had: a server's no, no answer, a phone that is busy. Exit 1. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** For programs. */
  readonly kind: string;

  /** @param message for the person @param kind for programs */
  constructor(message: string, kind = 'refused') {
    super(message);
    this.kind = kind;
  }
}

/**
 * @param command its name
 * @param options as parsed
 * @param names that belong to it, beside `json`
 * @throws {UsageError} for any other
 */
export function allow(command: string, options: Options, names: readonly Names[]): void {
  for (const name of Object.keys(options) as Names[]) {
    if (name !== 'json' && options[name] !== undefined && !names.includes(name)) {
      throw new UsageError(`${command}: --${name} does not belong to this command`);
    }
  }
}

/**
 * @param command its name
 * @param name of an option
 * @param value as parsed
 * @returns the value
 * @throws {UsageError} without one
 */
export function required(command: string, name: Names, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`${command}: --${name} is missing`);
  return value;
}

/**
 * @param command its name
 * @param given what stands behind it
 * @param expected what must, by name
 * @returns as many as expected
 * @throws {UsageError} for more or fewer
 */
export function positional<const T extends readonly string[]>(
  command: string,
  given: readonly string[],
  expected: T,
): { readonly [Index in keyof T]: string } {
  if (given.length !== expected.length) {
    throw new UsageError(`${command}: expected ${expected.join(' ')}, got ${given.length} of ${expected.length}`);
  }
  return given as unknown as { readonly [Index in keyof T]: string };
}

/**
 * @param value plain data
 * @returns JSON for stdout
 */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * @param error anything thrown
 * @returns its message
 */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param unixSeconds a time
 * @returns ISO 8601, UTC, to the second; a number of seconds where no date can be
 */
export function isoOf(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000);
  return Number.isNaN(date.getTime()) ? `${unixSeconds} s` : date.toISOString().replace('.000Z', 'Z');
}
