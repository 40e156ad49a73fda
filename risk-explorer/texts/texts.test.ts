/** @module The page's texts: complete, translated, with the same placeholders. */
import { describe, it } from 'vitest';
import { de } from './de.ts';
import { nl } from './nl.ts';
import { PHRASES } from './phrases.ts';
import { languageOf, say, speak } from './say.ts';

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();

describe.for([
  ['de', de],
  ['nl', nl],
] as const)('%s', ([, texts]) => {
  it('has every text and no other, translated, with its placeholders', ({ expect }) => {
    expect(Object.keys(texts).toSorted()).toEqual(PHRASES.toSorted());
    for (const phrase of PHRASES) {
      expect(texts[phrase]).not.toBe(phrase);
      expect([phrase, placeholders(texts[phrase])]).toEqual([phrase, placeholders(phrase)]);
    }
  });
});

describe('the language', () => {
  it.for<[string, string[], string]>([
    ['?lang=de', ['nl'], 'de'],
    ['?lang=fr', ['nl-NL', 'de'], 'nl'],
    ['', ['fr', 'de-AT'], 'de'],
    ['', ['fr'], 'en'],
    ['?lang=toString', [], 'en'],
  ])('of %j for a browser with %j is %s', ([search, preferred, wanted], { expect }) => {
    expect(languageOf(search, preferred)).toBe(wanted);
  });

  it('is spoken, with values in their places', ({ expect }) => {
    speak('de');
    expect(say('Weight of range {n}', { n: 2 })).toBe('Gewicht von Bereich 2');
    speak('en');
    expect(say('Weight of range {n}', { n: 2 })).toBe('Weight of range 2');
  });
});
