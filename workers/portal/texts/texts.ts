/**
 * @module Languages of the portal. One file each, with the same keys; the compiler finds a missing text, a test one that
 * was left in English or lost a placeholder.
 */
import { de } from './de.ts';
import { en, type Texts } from './en.ts';
import { nl } from './nl.ts';

/** Language tag (BCP 47) → its own name and texts. */
export const LANGUAGES = {
  en: { name: 'English', texts: en },
  de: { name: 'Deutsch', texts: de },
  nl: { name: 'Nederlands', texts: nl },
} as const satisfies Readonly<Record<string, { readonly name: string; readonly texts: Texts }>>;

export type Language = keyof typeof LANGUAGES;

/** @returns the language of this tag, English for any other */
export function languageOf(tag: string): Language {
  return Object.hasOwn(LANGUAGES, tag) ? (tag as Language) : 'en';
}

/** @param text with `{name}` in it @param values what to put there */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
