/** @module docs/tour.md leads through the code: each file it names exists, and declares each name that the tour gives beside it. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { declares } from '../support/declarations.ts';

/** One row: where, and what is said about it. */
interface Stop {
  readonly number: number;
  readonly file: string;
  readonly names: readonly string[];
  /** Names of ours in the other columns: one capital letter within tells them from the wire's words. */
  readonly mentioned: readonly string[];
}

const inBackticks = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

function stopsOf(document: string): Stop[] {
  return [...document.matchAll(/^\| (\d+) \|([^|]*)\|(.*)\|$/gm)].map(([, number, where = '', rest = '']) => {
    const [file = '', ...names] = inBackticks(where);
    const mentioned = inBackticks(rest).filter(
      (code) => /^\w+(\.\w+)?$/.test(code) && /[a-z][A-Z]|^[A-Z][a-z]/.test(code),
    );
    return { number: Number(number), file, names, mentioned };
  });
}

const STOPS = stopsOf(readFileSync(join(ROOT, 'docs/tour.md'), 'utf8'));
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const sources = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => !file.includes('.test.') && existsSync(join(ROOT, file)));

/** Entry files call what they import: there the call is what the tour shows. */
const isEntry = (file: string): boolean => file.endsWith('/main.ts');

describe('docs/tour.md', () => {
  it('numbers its stops from 1, in every folder that data passes', ({ expect }) => {
    expect(STOPS.map(({ number }) => number)).toEqual(STOPS.map((_, at) => at + 1));
    const folders = new Set(STOPS.map(({ file }) => file.split('/')[0]));
    expect(folders).toEqual(new Set(['domain', 'durable-objects', 'phone', 'protocol', 'workers']));
    expect(STOPS.length).toBeGreaterThan(40);
  });

  it.for(STOPS)('stop $number: $file', ({ file, names, mentioned }, { expect }) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    expect(names).not.toEqual([]);
    const text = read(file);
    expect(names.filter((name) => !(isEntry(file) ? text.includes(`${name}(`) : declares(text, name)))).toEqual([]);
    expect(mentioned.filter((name) => !sources.some((source) => declares(read(source), name)))).toEqual([]);
  });

  it('would find a file or a function that is gone', ({ expect }) => {
    const [stop] = stopsOf(
      '| 1 | `domain/tan.ts` `authenticateTan`, `gone` | text | by way of `goneToo`, `cwa-fake`, `request.cf` |',
    );
    expect(stop).toEqual({
      number: 1,
      file: 'domain/tan.ts',
      names: ['authenticateTan', 'gone'],
      mentioned: ['goneToo'],
    });
    expect(declares(read('domain/tan.ts'), 'authenticateTan')).toBe(true);
    expect(declares(read('domain/tan.ts'), 'gone')).toBe(false);
  });
});
