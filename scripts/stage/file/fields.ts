/** @module Kinds of fields in a stage's file: each with the rule that a broken one is told. */
import { Encrypter } from 'age-encryption';
import * as z from 'zod';

/** What a broken field is told: the rule, and whether it is there at all. */
export const must = (rule: string) => ({
  error: (issue: { readonly input?: unknown }) =>
    issue.input === undefined ? `is missing; it must be ${rule}` : `must be ${rule}`,
});

/** @returns a text of this form */
export const pattern = (form: RegExp, rule: string) => z.string(must(rule)).regex(form, must(rule));
/** @returns a line of text, without a space at either end */
export const words = (max: number, about: string) =>
  pattern(new RegExp(String.raw`^(?! )[^\p{C}]{1,${max}}(?<! )$`, 'u'), `${about}, 1 to ${max} characters`);
/** @returns a number without a fraction, both bounds included */
export const whole = (min: number, max: number, unit: string) => {
  const rule = must(`a whole number of ${unit}, ${min} to ${max}`);
  return z.number(rule).int(rule).min(min, rule).max(max, rule);
};
/** @returns the same, or null where it is left out */
export const orNull = <T extends z.ZodType>(type: T) => type.optional().transform((value) => value ?? null);

const HOST_RULE = 'a host name in lower case, as keys.example.org';
/** Lower case, two labels at least. */
export const host = pattern(
  /^(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/,
  HOST_RULE,
);
/** A country or a union of some. */
export const region = pattern(/^[A-Z]{2,3}$/, 'two or three capital letters');
/** ISO 3166-1 alpha-2. */
export const country = pattern(/^[A-Z]{2}$/, 'a country in two capital letters (ISO 3166-1)');
/** Of {@link region}. */
export const regions = z.array(region, must('a list of regions'));
/** As Access has it; the portal splits lists of them at `=` and `,`. */
export const email = pattern(/^(?=.{3,100}$)[^\s=,@]+@[^\s=,@]+\.[^\s=,@]+$/, 'an e-mail address');
/** Beside the stage's file or below; never above. */
export const file = pattern(/^(?!.*\.\.)[A-Za-z0-9][\w./-]{0,199}$/, 'a file, its path from the folder of this one');
/** As wire formats name keys. */
export const keyId = pattern(/^[A-Za-z0-9._-]{1,32}$/, '1 to 32 letters, digits, dots, hyphens');
/** Of age; its checksum is verified. */
export const recipient = pattern(/^age1[a-z0-9]+$/, 'a recipient of age, age1…, as `age-keygen -y` prints it').refine(
  isRecipient,
  must('a recipient of age, age1…: this one has a typing error'),
);

function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}
