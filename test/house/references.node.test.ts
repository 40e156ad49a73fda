/**
 * @module Every reference leads somewhere: links, paths, names of files, sections, items within them, decision records and commands,
 * in comments, messages and documents. What a § without a file means is said in test/support/references/citations.ts.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { danglingReferences } from '../support/references/references.ts';
import { Repository } from '../support/references/repository.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** What git will track is there too, so that a document and what cites it can be written together. */
const TRACKED = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(ROOT, file)));

const WRITTEN = /\.(?:tsx?|mjs|js|css|sh|toml|json|yaml|conf|proto|md)$|^\.ci\/run$/;
/** Made by programs, or not ours; and this file, whose examples lead nowhere. */
const NOT_OURS =
  /^(?:package-lock\.json|THIRD_PARTY_NOTICES\.md|protocol\/generated\/.*|test\/vectors\/.*\.json|docs\/risk-explorer\/.*|load-tests\/results\/.*\.json|test\/house\/references\.node\.test\.ts)$/;
const OURS = TRACKED.filter((file) => WRITTEN.test(file) && !NOT_OURS.test(file));

function danglingAmong(files: readonly string[]): string[] {
  const repository = new Repository(files, read);
  return OURS.flatMap((file) => danglingReferences(file, read(file), repository)).map(
    ({ file, line, what, why }) => `${file}:${line}: ${what}: ${why}`,
  );
}

describe('references of this repository', () => {
  it('lead somewhere', ({ expect }) => {
    expect(danglingAmong(TRACKED)).toEqual([]);
  });

  it('are looked up: without a digest or a record, each that cites it is found', ({ expect }) => {
    const cwa = danglingAmong(TRACKED.filter((file) => file !== 'docs/spec/cwa.md'));
    expect(new Set(cwa.map((line) => line.split(':')[0])).size).toBeGreaterThan(30);
    const decision = danglingAmong(TRACKED.filter((file) => !file.startsWith('docs/decisions/001-')));
    expect(decision.filter((line) => line.endsWith('there is no decision 001')).length).toBeGreaterThan(3);
  });
});

/** A small repository: path → content. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': '{"scripts": {"demo": "…"}}',
  'CONTRIBUTING.md': '# Contributing\n\n## Rules of the house\n',
  'docs/architecture.md':
    '# Architecture\n\n## 4 Upload\n\n### 4.4 Retry\n\nCopies live\nno *longer*.\n\n## 5 Chunk: Policy\n',
  'docs/spec/cwa.md':
    '# CWA\n\n## 2 Keys\n\n1. one\n7. seven\n\n## 6 Defects\n\n| k | error bodies |\n| H14 | help | #723\n\n## 7a Seen\n',
  'docs/decisions/012-commits.md': '# 012\n',
  'docs/plain.md': '# Plain\n\n```\n# no heading\n```\n\n## Two words & more\n',
  'domain/tan.ts': '',
  'domain/keys/rules.ts': '',
  'phone/README.md': '# phone\n',
  'domain/README.md': '# domain\n',
  'phone/radio/rpi.ts': '',
  'stages/demo.toml': '',
};
const SMALL = new Repository(Object.keys(FILES), (file) => FILES[file] ?? '');
const found = (file: string, text: string): string[] =>
  danglingReferences(file, text, SMALL).map(({ line, what, why }) => `${line}: ${what}: ${why}`);

describe('what leads nowhere is found', () => {
  it.for<readonly [kind: string, file: string, text: string, what: string]>([
    ['link', 'docs/plain.md', 'See [it](spec/gone.md).', ''],
    ['link from the root', 'docs/plain.md', '[it](docs/plain.md)', ''],
    ['anchor', 'README.md', '[it](docs/plain.md#two-words)', ''],
    ['anchor of a line in a fence', 'README.md', '[it](docs/plain.md#no-heading)', ''],
    ['own anchor', 'docs/plain.md', '[it](#three)', ''],
    ['path in a comment', 'domain/tan.ts', '// see domain/keys/gone.ts', ''],
    ['path in a message', 'domain/tan.ts', `throw new Error('see docs/gone.md');`, ''],
    ['path behind code', 'domain/tan.ts', `const x = 1; // see phone/gone.ts`, ''],
    ['path in backticks', 'README.md', '`domain/keys/gone.ts`', ''],
    ['folder in backticks', 'README.md', '`domain/gone/`', ''],
    ['pattern that nothing has', 'README.md', '`domain/*/gone.ts`', ''],
    ['one of two', 'README.md', '`domain/{tan,gone}.ts`', ''],
    ['a stage that nobody wrote', 'README.md', '`stages/production.toml`', ''],
    ['path from its own folder', 'phone/README.md', '`radio/gone.ts`', ''],
    ['name without folder', 'domain/tan.ts', '// see gone.ts', ''],
    ['configuration', 'x.toml', '# see docs/gone.md', ''],
    ['JSON', 'x.json', '{"$comment": "see docs/gone.md"}', ''],
    ['section', 'domain/tan.ts', '/** docs/architecture.md §4.5 */', 'docs/architecture.md has no §4.5'],
    ['section in a message', 'domain/tan.ts', `const why = 'docs/architecture.md §9';`, 'has no §9'],
    ['section over two lines', 'domain/tan.ts', '/**\n * See docs/architecture.md\n * §9.\n */', '3: §9'],
    ['second of a list', 'domain/tan.ts', '// docs/architecture.md §4, §9', 'has no §9'],
    ['end of a range', 'domain/tan.ts', '// docs/architecture.md §4–§9', 'has no §9'],
    ['bare section', 'domain/tan.ts', '// §4.4 says so', 'no file is named before it'],
    ['one of two files', 'local/x.ts', '// README.md §2', 'no file is named before it'],
    ['bare section of another comment', 'domain/tan.ts', '// docs/architecture.md\nconst x = 1;\n// §4.4', '3: §4.4'],
    ['bare section of a numbered document', 'docs/architecture.md', '## 1 One\n\nas in §3', 'has no §3'],
    ['rule', 'domain/tan.ts', '// docs/spec/cwa.md §2 rule 8', 'has no rule 8'],
    ['step', 'domain/tan.ts', '// (docs/spec/cwa.md §2 steps 1–3)', 'has no 3'],
    ['letter', 'domain/tan.ts', '// (docs/spec/cwa.md §6 k, m)', 'has no m'],
    ['number of an issue', 'domain/tan.ts', '// docs/spec/cwa.md §6, #724', 'has no #724'],
    ['code', 'domain/tan.ts', '// docs/spec/cwa.md §6, H15', 'has no H15'],
    ['name', 'domain/tan.ts', '// (docs/architecture.md §5, Days)', 'has no Days'],
    ['quotation', 'domain/tan.ts', '// docs/architecture.md §4.4, "copies live for ever"', `doesn't say`],
    ['title', 'domain/tan.ts', '// CONTRIBUTING.md, "Rules of the road"', 'no such heading'],
    ['decision', 'domain/tan.ts', '// (decision 013)', 'no decision 013'],
    ['decisions', 'domain/tan.ts', '// decisions 012 and 013', 'no decision 013'],
    ['path of a decision', 'domain/tan.ts', '// docs/decisions/013', 'no decision 013'],
    ['command', 'README.md', '`npm run -s dance`', 'no such command'],
    ['paper elsewhere', 'domain/tan.ts', '// design.md says so', 'cite docs/architecture.md'],
    ['digest of elsewhere', 'domain/tan.ts', '// spec/cwa.md', 'docs/spec/'],
    ['folder of elsewhere', 'domain/tan.ts', '// ../shared/vectors', 'not in this repository'],
    ['seeds', 'domain/tan.ts', '// Seed 001: every hour', 'name the public document'],
    ['tracker', 'domain/tan.ts', '// (issue 5, item 7)', 'tracker'],
    ['code without a document', 'domain/tan.ts', '// SP3 asks for it', 'a code without a document'],
  ])('%s: %s, %s', ([, file, text, what], { expect }) => {
    const all = found(file, text);
    expect(all).not.toEqual([]);
    expect(all.join('\n')).toContain(what);
  });

  it('names the line', ({ expect }) => {
    const text = '/**\n * One.\n */\nconst x = 1;\n/**\n * Two lines,\n * and domain/gone.ts.\n */';
    expect(found('domain/tan.ts', text)).toEqual(['7: domain/gone.ts: there is no such file or folder']);
  });
});

describe('what leads somewhere is not', () => {
  it.for<readonly [kind: string, file: string, text: string]>([
    [
      'link and anchor',
      'docs/plain.md',
      '[it](../docs/plain.md#two-words--more) [here](#two-words--more) [web](https://x.org/a.md)',
    ],
    ['folder', 'README.md', '[it](docs/spec) `domain/` `domain/keys`'],
    ['path', 'domain/tan.ts', '// domain/keys/rules.ts, and rules.ts'],
    ['patterns', 'README.md', '`domain/*/rules.ts` `domain/{tan,keys/rules}.ts` `phone/<room>/rpi.ts`'],
    ['path from its own folder', 'phone/README.md', '`radio/rpi.ts`'],
    [
      'what a command makes of a stage',
      'README.md',
      '`stages/<name>/public/` `stages/NAME.secrets.age` `stages/<name>.toml`',
    ],
    ['end of a path', 'domain/tan.ts', '// keys/rules.ts'],
    ['data of a test', 'domain/tan.test.ts', `check('domain/made-up.ts');`],
    ['addresses, types, keys', 'domain/tan.ts', '// application/json, sets/12.bin, `/version/v1/x.zip`'],
    ['sections', 'domain/tan.ts', '// docs/architecture.md §4.4 and docs/spec/cwa.md §2 rule 7, §6 k, #723; as in §7a'],
    ['steps', 'domain/tan.ts', '// docs/spec/cwa.md §2 steps 1–7'],
    ['over two lines', 'domain/tan.ts', '/**\n * See docs/spec/cwa.md\n * §6, H14.\n */'],
    ['quotation and name', 'domain/tan.ts', '// (docs/architecture.md §4.4, "copies live no longer", §5, Policy)'],
    ['own sections', 'docs/architecture.md', '## 4 One\n\nas in §4.4, by docs/spec/cwa.md §6, §7a. See §4.4.'],
    [
      'declared',
      'README.md',
      '§ without a file is of `docs/spec/cwa.md`.\n\n| a | b |\n|---|---|\n| §7a | docs/architecture.md §4 |',
    ],
    ['standards', 'domain/tan.ts', '// RFC 9110 §13.1.2, §8; APPNOTE §4.3.9; FIPS 186-5 §6'],
    ['sources of a digest', 'docs/spec/cwa.md', 'Source: `docs/SUBMISSION.md`; [DOC] `notes.md` §3.2.'],
    ['title', 'domain/tan.ts', '// CONTRIBUTING.md, "Rules of the house"'],
    ['decision', 'domain/tan.ts', '// decision 012, docs/decisions/012'],
    ['command', 'README.md', '`npm run -s demo -- --phones 3`'],
    ['words', 'domain/tan.ts', `// '../shared/env.ts'; the seed of the generator; they issue 60 teleTANs`],
  ])('%s: %s, %s', ([, file, text], { expect }) => {
    expect(found(file, text)).toEqual([]);
  });
});
