/**
 * @module The language that the page speaks: the one its address asks for (`?lang=de`, as the portal's link does), else the
 * browser's, else English; and its texts.
 */
import { de } from './de.ts';
import { nl } from './nl.ts';
import type { Phrase } from './phrases.ts';

/** Language tag (BCP 47) → its own name. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', nl: 'Nederlands' } as const;
export type Language = keyof typeof LANGUAGES;

const TRANSLATIONS: Readonly<Record<Language, Readonly<Record<Phrase, string>> | null>> = { en: null, de, nl };

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
  const text = TRANSLATIONS[spoken]?.[phrase] ?? phrase;
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
