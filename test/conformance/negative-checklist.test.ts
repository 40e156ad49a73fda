/** @module docs/negative-checklist.md (docs/spec/europe.md §9.2): every letter is shown by a test that exists, or says why not. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'vitest';

const LETTERS = Array.from('abcdefghijklmnopqrstu');
/** A letter of the public list, or a number of our own: of an attack, or of a later list and its line. */
const ROW = /^\| ([a-z]|\d+(?:\.\d+)?[a-z]?) \| (.+?) \| (.+) \|$/gm;
const TEST = /`([\w./-]+\.test\.ts)` "((?:[^"\\]|\\")+)"/g;

const rows = [...readFileSync('docs/negative-checklist.md', 'utf8').matchAll(ROW)].map(
  ([, letter = '', , shownBy = '']) => ({ letter, shownBy }),
);
/** Attacks, then later lists line by line. */
function place(number: string): number {
  const [list = 0, line] = number.split('.').map((part) => Number.parseInt(part, 10));
  return line === undefined ? list : list * 1000 + line;
}
/** Titles as they stand in the source, whatever quotes stand around them. */
const unquoted = (text: string): string => text.replaceAll('\\', '');

describe('the negative checklist', () => {
  it('has every letter, once', ({ expect }) => {
    expect(rows.map(({ letter }) => letter).filter((letter) => /^[a-z]$/.test(letter))).toEqual(LETTERS);
  });

  it('has each number once, in order', ({ expect }) => {
    const numbers = rows.map(({ letter }) => letter).filter((letter) => /^\d/.test(letter));
    const inOrder = numbers.toSorted((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
    expect(numbers).toEqual(inOrder);
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
