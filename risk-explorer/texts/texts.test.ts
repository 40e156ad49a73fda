/** @module The page's texts: complete, translated, with the same placeholders. */
import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { validateParameters } from '../../domain/parameters/validate.ts';
import { RULES } from '../../protocol/parameters/violation.ts';
import { de } from './de.ts';
import { nl } from './nl.ts';
import { PHRASES } from './phrases.ts';
import { rulesDe } from './rules-de.ts';
import { rulesNl } from './rules-nl.ts';
import { languageOf, say, sayViolation, speak } from './say.ts';

const SAID = {
  de: [
    'regions[0]: "de" muss aus zwei oder drei Großbuchstaben bestehen',
    'appVersions: (nichts) muss ein Objekt sein',
    'fudge: 1 ist kein Feld dieses Dokuments',
  ],
  nl: [
    'regions[0]: "de" moet uit twee of drie hoofdletters bestaan',
    'appVersions: (niets) moet een object zijn',
    'fudge: 1 is geen veld van dit document',
  ],
};
const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();

describe.for([
  ['de', de, rulesDe],
  ['nl', nl, rulesNl],
] as const)('%s', ([language, texts, rules]) => {
  it('has a text for each rule that a document can break, translated, with its places', ({ expect }) => {
    expect(Object.keys(rules).toSorted()).toEqual(RULES.toSorted());
    for (const rule of RULES) {
      expect(rules[rule]).not.toBe(rule);
      expect([rule, placeholders(rules[rule])]).toEqual([rule, placeholders(rule)]);
    }
    expect(new Set(Object.values(rules)).size).toBe(RULES.length);
  });

  it('says what is wrong with a document without a word of English', ({ expect }) => {
    speak(language);
    const result = validateParameters({ ...defaults, regions: ['de'], appVersions: undefined, fudge: 1 });
    const lines = (result.ok ? [] : result.error).map((violation) => sayViolation(violation));
    speak('en');
    expect(lines).toEqual(SAID[language]);
  });

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
