/**
 * @module Who may import whom (docs/architecture.md §3), by our own reading of the imports, and by the linter. Both are also shown
 * violations, so that a checker gone blind fails here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, it } from 'vitest';
import { checkImports, importCircles, MAY_IMPORT, readImportTable } from '../support/import-table.ts';
import { readDocument, sectionOf } from '../support/references/documents.ts';
import { ROOT } from '../../local-edge/workers.ts';

/** Each line breaks one rule: file, then its content. */
const VIOLATIONS: readonly (readonly [file: string, text: string])[] = [
  ['protocol/a.ts', `import { x } from '../domain/x.ts'; x();`],
  ['protocol/b.ts', `import { Hono } from 'hono'; new Hono();`],
  ['protocol/c.ts', `import { readFileSync } from 'node:fs'; readFileSync('x');`],
  ['protocol/export/d.ts', `import { x } from '../../simulator/x.ts'; x();`],
  ['domain/a.ts', `import { x } from '../durable-objects/x.ts'; x();`],
  ['domain/b/c.ts', `import { x } from '../../workers/upload/x.ts'; x();`],
  ['domain/d.ts', `import { env } from 'cloudflare:workers'; env.X;`],
  ['durable-objects/a/b.ts', `import { x } from '../../workers/origin/x.ts'; x();`],
  ['durable-objects/a/c.ts', `import { x } from '../../local-edge/x.ts'; x();`],
  ['workers/upload/a.ts', `import { x } from '../origin/x.ts'; x();`],
  ['workers/upload/b/c.ts', `import { x } from '../../../phone/x.ts'; x();`],
  ['workers/shared/a.ts', `import { x } from '../index/x.ts'; x();`],
  ['phone/a.ts', `import { x } from '../domain/x.ts'; x();`],
  ['phone/b.ts', `import { x } from '../scripts/x.ts'; x();`],
  ['local-edge/a.ts', `import { x } from '../workers/upload/x.ts'; x();`],
  ['local-edge/b.ts', `import { x } from '../scripts/support/x.ts'; x();`],
  ['local-edge/entries/c.ts', `import { x } from '../../phone/x.ts'; x();`],
  ['scripts/a.ts', `import { x } from '../workers/upload/x.ts'; x();`],
  ['scripts/b.ts', `import { Miniflare } from 'miniflare'; new Miniflare({});`],
  ['scripts/demo/c.ts', `import { x } from '../../load-tests/driver/x.ts'; x();`],
  ['scripts/support/d.ts', `import { x } from '../demo/x.ts'; x();`],
  ['simulator/a.ts', `import { x } from '../benchmarks/x.ts'; x();`],
  ['simulator/b.ts', `import { x } from '../scripts/demo/x.ts'; x();`],
  ['risk-explorer/a.ts', `import { x } from '../simulator/x.ts'; x();`],
  ['load-tests/driver/a.ts', `import { x } from '../../simulator/x.ts'; x();`],
  ['benchmarks/a.ts', `import { x } from '../workers/upload/x.ts'; x();`],
];

const IMPURITIES: readonly (readonly [file: string, text: string])[] = [
  ['protocol/now.ts', `export const now = () => Date.now();`],
  ['protocol/random.ts', `export const random = () => Math.random();`],
  ['domain/request.ts', `export const get = () => fetch('http://x/');`],
  ['domain/print.ts', `export const print = () => console.log('x');`],
];

/** Layer → a folder in it, to import from and to. */
const LAYERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.keys(MAY_IMPORT).map((layer) => [layer, layer])),
  workers: 'workers/upload',
  'another worker': 'workers/origin',
  scripts: 'scripts/demo',
  parameters: 'parameters',
};

/** Every source file of ours, path → content. */
const SOURCES = new Map(
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.tsx'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((file) => !file.includes('/generated/') && existsSync(join(ROOT, file)))
    .map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]),
);

describe('import table, by our own reading', () => {
  it('holds for every file', ({ expect }) => {
    expect(SOURCES.size).toBeGreaterThan(50);
    expect([...SOURCES].flatMap(([file, text]) => checkImports(file, text))).toEqual([]);
  });

  it('has no circle, of types neither', ({ expect }) => {
    expect(importCircles(SOURCES)).toEqual([]);
  });

  it('finds a circle over three files, and no file beside it', ({ expect }) => {
    const files = new Map([
      ['domain/a.ts', `import { b } from './b.ts';`],
      ['domain/b.ts', `import type { C } from './c/c.ts';`],
      ['domain/c/c.ts', `export type { A } from '../a.ts';`],
      ['domain/d.ts', `import { a } from './a.ts';`],
    ]);
    expect(importCircles(files)).toEqual([['domain/a.ts', 'domain/b.ts', 'domain/c/c.ts']]);
  });

  it.for([...VIOLATIONS, ...IMPURITIES])('catches %s: %s', ([file, text], { expect }) => {
    expect(checkImports(file, text)).toHaveLength(1);
  });

  it.for<readonly [string, string]>([
    ['protocol/a.ts', `import { createHash } from 'node:crypto';`],
    ['protocol/b.ts', `// never Date.now()\n/** console.log */`],
    ['workers/upload/a.ts', `import { x } from '../shared/x.ts'; import { y } from '../../domain/config/y.ts';`],
    ['workers/origin/main.ts', `export { Publisher } from '../../durable-objects/publisher/publisher-do.ts';`],
    ['local-edge/entries/origin.ts', `import { x } from '../../workers/origin/app.ts';`],
    [
      'simulator/cli.ts',
      `import { x } from '../scripts/support/command-line/command.ts'; import { y } from '../local-edge/workers.ts';`,
    ],
    ['scripts/demo.ts', `import { x } from './demo/story.ts'; import { y } from './support/command-line/command.ts';`],
    ['protocol/a.test.ts', `import { x } from '../workers/upload/x.ts';`],
  ])('allows %s: %s', ([file, text], { expect }) => {
    expect(checkImports(file, text)).toEqual([]);
  });
});

describe('import table, as it is written for people', () => {
  it('is the one that is checked', ({ expect }) => {
    const document = readDocument(readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8'));
    const checked = Object.fromEntries(Object.entries(MAY_IMPORT).map(([from, to]) => [from, to.toSorted()]));
    expect(readImportTable(sectionOf(document, '3')?.text ?? '')).toEqual(checked);
  });

  it('has a row for every folder with code in it', ({ expect }) => {
    const folders = new Set([...SOURCES.keys()].filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
    expect([...folders].filter((folder) => folder !== 'test' && MAY_IMPORT[folder ?? ''] === undefined)).toEqual([]);
  });

  it('stands once: CONTRIBUTING.md only leads there', ({ expect }) => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    expect(text).toContain('docs/architecture.md §3');
    expect(text).not.toMatch(/→ (?:durable-objects|domain|protocol)\b/);
  });
});

/** A file in each layer that imports one of each: path → content. */
const PAIRS = new Map(
  Object.values(LAYERS).flatMap((here) =>
    Object.entries(LAYERS).map(([to, there]) => {
      const target = relative(here, join(there, 'x.ts'));
      const specifier = target.startsWith('.') ? target : `./${target}`;
      return [join(here, `to-${to.replaceAll('/', '-')}.ts`), `import { x } from '${specifier}'; x();`];
    }),
  ),
);

/** Runs our linter's configuration over files. @returns those that break a rule of the house */
function linted(files: Iterable<readonly [file: string, text: string]>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'exposure-edge-lint-'));
  try {
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    for (const [file, text] of files) {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'json', '.'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
    const caught = diagnostics.filter(({ code }) => /no-restricted|no-console/.test(code));
    return [...new Set(caught.map(({ filename }) => filename))].toSorted();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('import table, by the linter', () => {
  it('is the same for every pair of layers', ({ expect }) => {
    const forbidden = [...PAIRS].filter(([file, text]) => checkImports(file, text).length > 0).map(([file]) => file);
    expect(forbidden.length).toBeGreaterThan(PAIRS.size / 3);
    expect(linted(PAIRS)).toEqual(forbidden.toSorted());
  });

  it('reports each violation', ({ expect }) => {
    const all = [...VIOLATIONS, ...IMPURITIES];
    expect(linted(all)).toEqual(all.map(([file]) => file).toSorted());
  });
});
