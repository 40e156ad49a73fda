/**
 * @module The language that the page speaks: the one its address asks for (`?lang=de`, as the portal's link does), else the
 * browser's, else English; and its texts.
 */
import { de } from './de.ts';
import { nl } from './nl.ts';
import type { Phrase } from './phrases.ts';
import { rulesDe } from './rules-de.ts';
import { rulesNl } from './rules-nl.ts';
import { ABSENT, filled, type Rule, type Violation } from '../../protocol/parameters/violation.ts';

/** Language tag (BCP 47) → its own name. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', nl: 'Nederlands' } as const;
export type Language = keyof typeof LANGUAGES;

const TRANSLATIONS: Readonly<Record<Language, Readonly<Record<Phrase, string>> | null>> = { en: null, de, nl };

const RULE_TRANSLATIONS: Readonly<Record<Language, Readonly<Record<Rule, string>> | null>> = {
  en: null,
  de: rulesDe,
  nl: rulesNl,
};

let spoken: Language = 'en';

/** @returns the language that an address asks for, else the first of these that there is, else English */
export function languageOf(search: string, preferred: readonly string[]): Language {
  const asked = new URLSearchParams(search).get('lang');
  const wanted = [...(asked === null ? [] : [asked]), ...preferred].map((tag) => tag.slice(0, 2).toLowerCase());
  return (wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) as Language | undefined) ?? 'en';
}

/** From now on {@link say} speaks this. */
export function speak(language: Language): void {
  spoken = language;
}

/** @returns the language that is spoken */
export const language = (): Language => spoken;

/** @param values what to put in the place of `{name}` @returns the text in the language that is spoken */
export function say(phrase: Phrase, values: Readonly<Record<string, string | number>> = {}): string {
  return filled(TRANSLATIONS[spoken]?.[phrase] ?? phrase, values);
}

/** @returns path, value and rule in the language that is spoken; a rule that only a newer origin knows stays English */
export function sayViolation({ path, value, rule, values }: Violation): string {
  const text = filled(RULE_TRANSLATIONS[spoken]?.[rule] ?? rule, values);
  return `${path === '' ? say('the document') : path}: ${value === ABSENT ? `(${say('nothing')})` : value} ${text}`;
}
