/**
 * @module The kinds of arguments a command takes, options and positional ones alike: each says how it is called in the help,
 * what it must be, and reads it.
 */
import { existsSync } from 'node:fs';

/** One argument and how it is read. */
export interface Argument<T> {
  /** Stands for the value in the help: `N`, `FILE`; null for a flag, which takes none. */
  readonly placeholder: string | null;
  /** What it is for, with its unit. */
  readonly about: string;
  /** What may be given, in the help: `1..100`; empty where the placeholder says it. */
  readonly range: string;
  /** What it must be, in the message to one who got it wrong: `a whole number, 1..100`. */
  readonly mustBe: string;
  /** Choices that have an explanation of their own. */
  readonly choices: readonly (readonly [name: string, about: string])[];
  /** Taken where it isn't given, and its text in the help; null: it must be given. */
  readonly fallback: { readonly value: T; readonly text: string } | null;
  /** @returns the value, or undefined when the text is none */
  readonly read: (text: string) => T | undefined;
}

/** Arguments by name. */
export type Arguments = Readonly<Record<string, Argument<unknown>>>;

/** None, where a command declares none. */
// oxlint-disable-next-line typescript/no-generated-empty-object-type -- a record without names is what is meant
export type NoArguments = Record<never, never>;

/** What was read, by the same names. */
export type Values<A extends Arguments> = {
  readonly [Name in keyof A]: A[Name] extends Argument<infer T> ? T : never;
};

/** What all kinds have. `default` null: absent where it isn't given. */
interface Common<D> {
  readonly default: D;
  readonly placeholder?: string;
  /** Stands for the default in the help, where its value says too little. */
  readonly defaultText?: string;
}

function argument<T, D>(
  about: string,
  { default: value, placeholder, defaultText }: Common<D>,
  kind: Pick<Argument<T>, 'mustBe' | 'read'> & { readonly placeholder: string; readonly range?: string },
): Argument<T | D> {
  return {
    about,
    placeholder: placeholder ?? kind.placeholder,
    range: kind.range ?? '',
    mustBe: kind.mustBe,
    choices: [],
    fallback: { value, text: defaultText ?? (value === null ? '' : String(value)) },
    read: kind.read,
  };
}

/**
 * @param about what it does
 * @returns an option without a value: given or not
 */
export function flag(about: string): Argument<boolean> {
  const fallback = { value: false, text: '' };
  return { about, placeholder: null, range: '', mustBe: '', choices: [], fallback, read: () => true };
}

/** `--json`, of every command whose output is data. */
export const JSON_FLAG: Argument<boolean> = flag(
  'prints the result as JSON alone; what else there is to say goes to stderr',
);

/** Inclusive bounds. */
interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * @param about what it is for, with its unit
 * @param bounds inclusive, and the default
 * @returns a number without sign, fraction and exponent
 */
export function wholeNumber<D extends number | null>(about: string, bounds: Bounds & Common<D>): Argument<number | D> {
  const { min, max } = bounds;
  return argument<number, D>(about, bounds, {
    placeholder: 'N',
    range: `${min}..${max}`,
    mustBe: `a whole number, ${min}..${max}`,
    read: (given) => (/^\d+$/.test(given) && within(Number(given), bounds) ? Number(given) : undefined),
  });
}

/**
 * @param about what it is for, with its unit
 * @param bounds inclusive, and the default
 * @returns a number, such as 0.5 or 60e6
 */
export function decimal<D extends number | null>(about: string, bounds: Bounds & Common<D>): Argument<number | D> {
  const { min, max } = bounds;
  const range = max === Number.POSITIVE_INFINITY ? `>= ${min}` : `${min}..${max}`;
  return argument<number, D>(about, bounds, {
    placeholder: 'X',
    range,
    mustBe: `a number, ${range}`,
    read: (given) =>
      given.trim() !== '' && Number.isFinite(Number(given)) && within(Number(given), bounds)
        ? Number(given)
        : undefined,
  });
}

const within = (value: number, { min, max }: Bounds): boolean => value >= min && value <= max;

/**
 * @param about what it is for
 * @param options the default, and how it is called in the help
 * @returns a text that isn't empty: a seed, a file to write, a folder
 */
export function text<D extends string | null>(about: string, options: Common<D>): Argument<string | D> {
  const read = (given: string): string | undefined => (given === '' ? undefined : given);
  return argument<string, D>(about, options, { placeholder: 'TEXT', mustBe: 'a text that is not empty', read });
}

/**
 * @param about what it is for
 * @param options the default, and how it is called in the help
 * @returns the name of a file that exists
 */
export function existingFile<D extends string | null>(about: string, options: Common<D>): Argument<string | D> {
  const read = (given: string): string | undefined => (existsSync(given) ? given : undefined);
  return argument<string, D>(about, options, { placeholder: 'FILE', mustBe: 'a file that exists', read });
}

/**
 * @param about what it is for
 * @param options the default
 * @returns an absolute URL
 */
export function url<D extends string | null>(about: string, options: Common<D>): Argument<string | D> {
  const read = (given: string): string | undefined => (URL.canParse(given) ? given : undefined);
  return argument<string, D>(about, options, { placeholder: 'URL', mustBe: 'a URL', read });
}

/**
 * @param about what it is for
 * @param options the default, and what it must be where the reader refuses
 * @param read undefined for a text that is none
 * @returns an argument of a kind of the command's own
 */
export function parsed<T, D extends T | null>(
  about: string,
  options: Common<D> & { readonly placeholder: string; readonly mustBe: string },
  read: (text: string) => T | undefined,
): Argument<T | D> {
  return argument<T, D>(about, options, { placeholder: options.placeholder, mustBe: options.mustBe, read });
}

/**
 * @param about what it is for
 * @param choices name → what it means; an empty text where the name says it
 * @param fallback the default; null: it must be given
 * @returns one of the names
 */
export function oneOf<const C extends Readonly<Record<string, string>>>(
  about: string,
  choices: C,
  fallback: (keyof C & string) | null,
): Argument<keyof C & string> {
  const names = Object.keys(choices);
  return {
    about,
    placeholder: names.join('|'),
    range: '',
    mustBe: `one of ${names.join(', ')}`,
    choices: Object.entries(choices).filter(([, meaning]) => meaning !== ''),
    fallback: fallback === null ? null : { value: fallback, text: fallback },
    read: (given) => names.find((name): name is keyof C & string => name === given),
  };
}
