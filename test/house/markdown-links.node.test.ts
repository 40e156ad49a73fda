/** @module Documents name files; files move. Every relative link, and every path in backticks, must lead somewhere. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');

/** `[text](target)`, without scheme and without a mere anchor. */
const LINK = /\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)/g;
/** A path below one of our folders, in backticks, with an extension; patterns and placeholders are no paths. */
const PATH =
  /`((?:\.ci|benchmarks|deploy|docs|domain|durable-objects|load-tests|phone|protocol|scripts|test|workers)\/[\w./-]+\.\w+)`/g;

const targets = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, target = '']) => target);

describe.each(documents)('%s', (document) => {
  const text = readFileSync(join(root, document), 'utf8');

  it('links to files that exist', ({ expect }) => {
    expect(targets(text, LINK).filter((target) => !existsSync(join(root, dirname(document), target)))).toEqual([]);
  });

  it('names files that exist', ({ expect }) => {
    expect(targets(text, PATH).filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});
