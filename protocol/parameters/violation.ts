/**
 * @module What can be wrong with a parameter document, in words a person can act on (docs/parameters.md). Each rule is a sentence with
 * places for values, and its own key: pages translate it (`risk-explorer/texts/`), commands print it as it stands.
 */

/** Every rule, of structure (protocol/parameters/document.ts) and of how values fit together (domain/parameters). */
export const RULES = [
  'is not a field of this document',
  'must be at least {limit}',
  'must be at least {limit} entries',
  'must be at least {limit} characters',
  'must be at most {limit}',
  'must be at most {limit} entries',
  'must be at most {limit} characters',
  'must be a finite number',
  'must be a whole number',
  'must be an object',
  'must be a list',
  'must be a text',
  'must be true or false',
  'must be one of {values}',
  'must be a url',
  'must be 64 hex digits, a SHA-256',
  'must be two capital letters, ISO 3166-1 alpha-2',
  'must be two or three capital letters',
  'must be a date as YYYY-MM-DD',
  'must be a strong entity tag, quotes included',
  'must be three numbers, e.g. 1.12.0',
  'must be letters, digits and hyphens, at most 60',
  'must be something else',
  'must be JSON',
  'names a field twice in one object',
  'must nest at most {limit} deep',
  'must have at most {limit} values',
  'holds no value',
  'leaves a gap after {range} of {path}',
  'overlaps {range} of {path}',
  'must begin at {from} or below, so that every value has a range',
  'must reach {to}, so that every value has a range',
  'the low threshold must not be above the high one',
  'leaves a gap: must be {expected}',
  'overlaps the class before: must be {expected}',
  'must be above min, {min}',
  'is the label of another class too',
  'the last class must end at {top}',
  'thresholds must rise strictly',
  'must not map every day to NONE, which drops every exposure',
  'must not be below the level of less time',
  'level {level} is missing',
  'level {level} is mapped {count} times',
  'must not be below the value of the lower level {level}',
  'with infectiousness offset {offset} gives level {level}, which is not in 1..8',
  'the first level must begin at 0',
  'must be above the level before, {before}',
  'is the label of another level too',
  'must be above {lowest} and at most {highest}, the sums that these weights allow',
  'must not be above the latest version, {latest}',
  'must be a day of the calendar',
  'must be one of the regions {regions}',
  'is listed twice',
  'must not be above {name}, {limit}',
  'must be above fromMinute, {from}',
  'overlaps the window before, which ends at {end}',
  'must be above the one before, {before}',
  'must begin before {limit} and span at most {limit}',
  'must be an audience',
  'min must not be above max',
  'the first document must be for everyone',
  'everyone has this document already',
  'there is no such earlier version',
  'its document {name} is not kept',
] as const;

export type Rule = (typeof RULES)[number];
/** What a schema says of a text's form: the rest of a rule that begins with `must be`. */
type FormOf<R> = R extends `must be ${infer Rest}` ? Rest : never;
type Values = Readonly<Record<string, string | number>>;

export interface Violation {
  /** Where: `v1.combinedRisk.riskClasses[1].min`; empty for the document as a whole. */
  readonly path: string;
  /** What stands there, as JSON, cut to 80 characters; {@link ABSENT} if nothing does. */
  readonly value: string;
  readonly rule: Rule;
  /** What stands in the rule's places. */
  readonly values: Values;
}

export const ABSENT = '(absent)';
const MAX_VALUE_CHARACTERS = 80;

/** @param form as a schema's message @returns the same: a rule that isn't listed, and so isn't translated, doesn't compile */
export const must = (form: FormOf<Rule>): string => form;

/** @param message of a schema @returns the rule that it is the end of */
export function formRule(message: string): Rule {
  return RULES.find((rule) => rule === `must be ${message}`) ?? 'must be something else';
}

/** @returns the value as an operator wrote it, cut to a line; NaN and infinities, which JSON lacks, by name */
export function valueText(value: unknown): string {
  if (value === undefined) return ABSENT;
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? typeof value);
  return text.length > MAX_VALUE_CHARACTERS ? `${text.slice(0, MAX_VALUE_CHARACTERS - 1)}…` : text;
}

/** @param value what stands at `path`; a text that is no JSON is handed in as {@link Violation} instead */
export const violation = (path: string, value: unknown, rule: Rule, values: Values = {}): Violation => ({
  path,
  value: valueText(value),
  rule,
  values,
});

/** @param text with `{name}` in it @param values what to put there */
export function filled(text: string, values: Values): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** @returns one line: path, value, rule */
export function describeViolation({ path, value, rule, values }: Violation): string {
  return `${path === '' ? 'document' : path}: ${value} ${filled(rule, values)}`;
}
