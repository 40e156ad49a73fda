/** @module Each place where a checker looks away says why, and is still needed: oxlint's rules, knip's exceptions, disable comments. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { bareDirectives, exceptionsIn, laxRules, leftOut, parseCommented } from '../support/exceptions.ts';

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const OXLINT = read('.oxlintrc.json');
const KNIP = read('knip.json');

/** @returns exceptions that don't say why, and if the two ways to count them differ, that */
function unexplained(text: string): string[] {
  const config = parseCommented(text);
  const found = exceptionsIn(text);
  const bare = found.filter(({ saysWhy }) => !saysWhy).map(({ line }) => line);
  const wanted = laxRules(config).length + leftOut(config).length;
  return found.length === wanted ? bare : [...bare, `${wanted} exceptions, but ${found.length} on lines of their own`];
}

describe('oxlint', () => {
  const off = laxRules(parseCommented(OXLINT));

  it('says of each rule that is off, and of each file it leaves out, why', ({ expect }) => {
    expect(off).toContain('typescript/no-unsafe-type-assertion');
    expect(unexplained(OXLINT)).toEqual([]);
  });

  it('has no rule off that would find nothing', ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'exposure-edge-rules-'));
    try {
      const { plugins, ignorePatterns } = parseCommented(OXLINT);
      const rules = Object.fromEntries(off.map((name) => [name, 'error']));
      const config = join(folder, 'oxlintrc.json');
      writeFileSync(config, JSON.stringify({ plugins, ignorePatterns, categories: { correctness: 'off' }, rules }));
      const { stdout } = spawnSync(
        join(ROOT, 'node_modules/.bin/oxlint'),
        ['--type-aware', '-c', config, '-f', 'json', '.'],
        { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 },
      );
      const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string }[] };
      // `typescript(consistent-return)`
      const finding = new Set(diagnostics.map(({ code }) => code.replace(/^(\w+)\((.*)\)$/, '$1/$2')));
      expect(off.filter((name) => !finding.has(name.includes('/') ? name : `eslint/${name}`))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('knip', () => {
  // That each is still needed knip says itself: `npm run unused` takes its hints as errors.
  it('says of each exception why', ({ expect }) => {
    expect(leftOut(parseCommented(KNIP))).toContain('nginx');
    expect(unexplained(KNIP)).toEqual([]);
    expect(read('package.json')).toContain('knip --treat-config-hints-as-errors');
  });
});

describe('comments', () => {
  // That each is still needed the linter says itself.
  it('that switch a checker off say why', ({ expect }) => {
    const files = execFileSync('git', ['ls-files', '*.ts', '*.tsx', '*.mjs'], { cwd: ROOT, encoding: 'utf8' });
    const sources = files.split('\n').filter((file) => file !== '' && !file.includes('/generated/'));
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap((file) => bareDirectives(read(file)).map((line) => `${file}: ${line}`))).toEqual([]);
    expect(read('package.json')).toContain('--report-unused-disable-directives --deny-warnings');
  });
});

describe('this check itself', () => {
  const config = (rule: string): string => `{\n  "rules": {\n    "eqeqeq": "error",\n${rule}\n  }\n}`;

  it.for<[text: string, bare: boolean]>([
    [`    "no-x": "off"`, true],
    [`    "no-x": ["off"]`, true],
    [`    "typescript/no-x": ["warn", { "max": 3 }]`, true],
    [`    "no-x": [\n      "warn",\n      {}\n    ]`, true],
    [`    "no-x": 0`, true],
    [`    //\n    "no-x": "off"`, true],
    [`    // It is wrong here.\n    "no-x": "off"`, false],
    [`    // It is wrong here.\n    "no-x": [\n      "warn",\n      {}\n    ]`, false],
  ])('sees %s', ([rule, bare], { expect }) => {
    expect(unexplained(config(rule))).toHaveLength(bare ? 1 : 0);
    expect(exceptionsIn(config(rule))).toHaveLength(1);
  });

  it('leaves a rule that is on alone', ({ expect }) => {
    const text = config(`    "no-x": ["error", { "max": 3 }],\n    "no-y": [\n      "error",\n      0\n    ]`);
    expect(exceptionsIn(text)).toEqual([]);
    expect(unexplained(text)).toEqual([]);
  });

  it('wants the reason in each place', ({ expect }) => {
    const rules = `"rules": {\n// Too strict for it.\n"no-x": "off"\n}`;
    const override = `"overrides": [{\n"files": ["a"],\n"rules": {\n"no-x": "off"\n}\n}]`;
    expect(unexplained(`{\n${rules},\n${override}\n}`)).toEqual(['"no-x": "off"']);
  });

  it.for<[text: string, bare: string[]]>([
    [`"ignoreBinaries": ["go"]`, ['"ignoreBinaries": ["go"]']],
    [`// Debian has it.\n"ignoreBinaries": ["go"]`, []],
    [`// Debian has them.\n"ignoreBinaries": ["go", "nginx"]`, ['2 exceptions, but 1 on lines of their own']],
    [`"ignoreBinaries": [\n// Debian has it.\n"nginx",\n"go"\n],\n"entry": ["go"]`, ['"go"']],
    [`"overrides": [{\n"files": ["*.test.ts"],\n"excludeFiles": ["*.test.ts"]\n}]`, ['"excludeFiles": ["*.test.ts"]']],
    [`"project": [\n"a",\n"!b"\n]`, ['"!b"']],
    [`"ignoreExportsUsedInFile": true`, ['"ignoreExportsUsedInFile": true']],
  ])('sees what is left out: %s', ([text, bare], { expect }) => {
    expect(unexplained(`{\n${text}\n}`)).toEqual(bare);
  });

  it.for(['// oxlint-dis', '// @ts-expect-err', '/* eslint-dis', '// @ts-noch'])('sees %s…', (begun, { expect }) => {
    const directive = begun.replace(/dis$/, 'disable no-x').replace(/err$/, 'error').replace(/noch$/, 'nocheck');
    expect(bareDirectives(`a();\n${directive}\n${directive} -- the one place`)).toEqual([directive]);
  });
});
