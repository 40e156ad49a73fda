/** @module docs/negative-checklist.md (docs/spec/europe.md §9.2): every letter is shown by a test that exists, or says why not. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'vitest';

const LETTERS = Array.from('abcdefghijklmnopqrstu');
/** A letter of the public list, or a number of our own: `13b` of one attack, `14.3` of a later round. */
const ROW = /^\| ([a-z]|\d+[a-z]?|\d+\.\d+) \| (.+?) \| (.+) \|$/gm;
const TEST = /`([\w./-]+\.test\.ts)` "((?:[^"\\]|\\")+)"/g;

const rows = [...readFileSync('docs/negative-checklist.md', 'utf8').matchAll(ROW)].map(
  ([, letter = '', , shownBy = '']) => ({ letter, shownBy }),
);
/** Titles as they stand in the source, whatever quotes stand around them. */
const unquoted = (text: string): string => text.replaceAll('\\', '');

describe('the negative checklist', () => {
  it('has every letter, once', ({ expect }) => {
    expect(rows.map(({ letter }) => letter).filter((letter) => /^[a-z]$/.test(letter))).toEqual(LETTERS);
  });

  it('has each number once, in order', ({ expect }) => {
    const numbers = rows.map(({ letter }) => letter).filter((letter) => /^\d/.test(letter));
    const [attacks, rounds] = [numbers.filter((one) => !one.includes('.')), numbers.filter((one) => one.includes('.'))];
    const inOrder = attacks.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
    expect(numbers).toEqual([...inOrder, ...rounds]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it.for(rows.map(({ letter, shownBy }) => [letter, shownBy] as const))('%s', ([, shownBy], { expect }) => {
    const tests = [...shownBy.matchAll(TEST)];
    if (tests.length === 0) expect(shownBy).toMatch(/^not applicable, because \w/);
    for (const [, file = '', title = ''] of tests) {
      expect(existsSync(file), `${file} exists`).toBe(true);
      const source = unquoted(readFileSync(file, 'utf8'));
      const found = [`'`, '"', '`'].some((quote) => source.includes(`${quote}${unquoted(title)}${quote}`));
      expect(found, `"${title}" is a title in ${file}`).toBe(true);
    }
  });
});
