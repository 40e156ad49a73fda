/**
 * @module Reads what a command was called with, by node:util's parseArgs, the one place for it. Pure.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Argument, Arguments, NoArguments, Values } from './arguments.ts';
import { type Declaration, UsageError } from './declaration.ts';

/** A call that makes sense. */
export interface Call<A extends Arguments> {
  readonly values: Values<A>;
  /** For the other program, where the command passes arguments on. */
  readonly rest: readonly string[];
}

/**
 * @param declaration of the command
 * @param args what stands behind the program's name
 * @returns the values by name, or 'help' when it was asked for
 * @throws UsageError naming the argument that is unknown, missing or not what it must be
 */
export function readArguments<const O extends Arguments = NoArguments, const P extends Arguments = NoArguments>(
  declaration: Declaration<O, P>,
  args: readonly string[],
): Call<O & P> | 'help' {
  const { passesOn } = declaration;
  const options: Arguments = declaration.options ?? {};
  const positionals: Arguments = declaration.positionals ?? {};
  const passed = passesOn !== undefined && args[0]?.startsWith('-') !== true;
  const given = parse(options, passed ? [] : args);
  if (given.values['help'] === true) return 'help';
  const values: Record<string, unknown> = {};
  for (const [name, argument] of Object.entries(options)) {
    values[name] = valueOf(`--${name}`, argument, given.values[name]);
  }
  const words = [...given.positionals];
  for (const [name, argument] of Object.entries(positionals)) {
    values[name] = valueOf(name.toUpperCase(), argument, words.shift());
  }
  if (words.length > 0) throw new UsageError(`"${words.join(' ')}": there is no such argument`);
  // The loops above have filled in every name that the declaration has.
  return { values: values as Values<O & P>, rest: passed ? args : [] };
}

function parse(options: Arguments, args: readonly string[]) {
  const typed: NonNullable<ParseArgsConfig['options']> = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { placeholder }] of Object.entries(options)) {
    typed[name] = { type: placeholder === null ? 'boolean' : 'string' };
  }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: typed, allowPositionals: true });
    return { values: values as Readonly<Record<string, string | boolean | undefined>>, positionals };
  } catch (error) {
    throw new UsageError(wordsOf(error as Error), { cause: error });
  }
}

/** parseArgs' own words without its advice on dashes, which is about something else more often than not. */
function wordsOf({ message }: Error): string {
  const unknown = /^Unknown option '([^']+)'/.exec(message)?.[1];
  return unknown === undefined ? message : `${unknown}: there is no such option`;
}

function valueOf(label: string, argument: Argument<unknown>, given: string | boolean | undefined): unknown {
  if (given === undefined) {
    if (argument.fallback === null) throw new UsageError(`${label}: is missing; it must be ${argument.mustBe}`);
    return argument.fallback.value;
  }
  const value = argument.read(String(given));
  if (value === undefined) throw new UsageError(`${label}: "${String(given)}" must be ${argument.mustBe}`);
  return value;
}
