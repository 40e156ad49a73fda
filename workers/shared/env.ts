/**
 * @module Turns a Worker's variables and secrets into typed values, once, at the edge (CONTRIBUTING.md, "Rules of the house"): a missing or
 * absurd one fails the first request loudly, and names itself but never a secret's value.
 */
import { type KeyRing, KeyRingError, keyRing } from '../../protocol/primitives/key-ring.ts';

/** A variable that is missing or makes no sense. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`);
  }
}

type Variables = Readonly<Record<string, unknown>>;

/** @param env bindings @param name variable @returns its text @throws ConfigError when it is missing or empty */
export function text(env: Variables, name: string): string {
  const value = env[name];
  if (typeof value !== 'string' || value === '') throw new ConfigError(name, 'a non-empty text is expected');
  return value;
}

/**
 * @param env bindings
 * @param name variable
 * @param range inclusive
 * @returns its value
 * @throws ConfigError when it is no integer in decimal digits, or out of range
 */
export function integer(env: Variables, name: string, range: { readonly min: number; readonly max: number }): number {
  const value = text(env, name);
  const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= range.min && number <= range.max)) {
    throw new ConfigError(name, `an integer ${range.min}..${range.max} is expected, got "${value}"`);
  }
  return number;
}

/** @param env bindings @param name secret @returns its keys, the first of which makes @throws ConfigError when it is no ring (docs/rotation.md) */
export function secretRing(env: Variables, name: string): KeyRing {
  try {
    return keyRing(env[name], name);
  } catch (error) {
    if (error instanceof KeyRingError) throw new ConfigError(name, error.problem);
    throw error;
  }
}

/** @param env bindings @param name variable @returns ISO 3166-1 alpha-2 @throws ConfigError when it is none */
export function country(env: Variables, name: string): string {
  const value = text(env, name);
  if (!/^[A-Z]{2}$/.test(value)) throw new ConfigError(name, `two capital letters are expected, got "${value}"`);
  return value;
}

/**
 * Parses an environment once: workerd hands every request of an isolate the same object.
 *
 * @param parse reads and checks the variables
 * @returns a function that remembers the result for each environment it has seen
 */
export function parsedOnce<E extends object, C>(parse: (env: E) => C): (env: E) => C {
  const seen = new WeakMap<E, C>();
  return (env) => {
    let config = seen.get(env);
    if (config === undefined) {
      config = parse(env);
      seen.set(env, config);
    }
    return config;
  };
}
