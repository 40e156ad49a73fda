/** @module Language files: complete, translated, with the same placeholders. */
import { describe, it } from 'vitest';
import { en, type TextKey } from './en.ts';
import { fill, type Language, LANGUAGES, languageOf } from './texts.ts';

const KEYS = Object.keys(en) as TextKey[];
const TRANSLATIONS = (Object.keys(LANGUAGES) as Language[]).filter((tag) => tag !== 'en');
/** Words that are the same in two languages. */
const SAME = new Set(['teletanCode', 'menu', 'codesHint', 'labsName', 'rollbackRegion', 'peerBatch']);
const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).toSorted();

describe.for(TRANSLATIONS)('%s', (tag) => {
  const { texts } = LANGUAGES[tag];

  it('has every text and no other', ({ expect }) => {
    expect(Object.keys(texts).toSorted()).toEqual(KEYS.toSorted());
    expect(KEYS.filter((key) => texts[key].trim() === '')).toEqual([]);
  });

  it('is translated', ({ expect }) => {
    const equal = KEYS.filter((key) => texts[key] === en[key] && !SAME.has(key));
    expect(equal).toEqual([]);
  });

  it('keeps the placeholders', ({ expect }) => {
    for (const key of KEYS) expect([key, placeholders(texts[key])]).toEqual([key, placeholders(en[key])]);
  });
});

describe('texts', () => {
  it('are filled, and an unknown placeholder stays to be seen', ({ expect }) => {
    expect(fill('{a} of {b}, {c}', { a: 1, b: '{a}' })).toBe('1 of {a}, {c}');
  });

  it('an unknown language is English', ({ expect }) => {
    expect(['de', 'fr', 'toString', ''].map(languageOf)).toEqual(['de', 'en', 'en', 'en']);
  });
});
