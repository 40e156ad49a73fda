import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { GOOGLE_RULES } from './google-rules.ts';
import { ALLOWANCES, KEY_RULES, LIMIT_RULES } from './key-rules.ts';
import { encodeRiskLevel } from './risk.ts';
import { UPLOAD_RULES } from './upload-rules.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
const document = read('key-validation.md');

interface Documented {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
}

/** The table as the document must hold it. */
function tableOf(rules: readonly Documented[]): string {
  const rows = rules.map(({ name, rule, reason }) => `| \`${name}\` | ${rule} | ${reason} |`);
  return ['| Name | Rule | Reason |', '|---|---|---|', ...rows].join('\n');
}

function section(name: string, of = document): string {
  return of.split(`<!-- rules: ${name} -->\n`)[1]?.split('\n<!-- end -->')[0] ?? '';
}

describe('docs/key-validation.md', () => {
  it.for([
    ['UPLOAD_RULES', UPLOAD_RULES],
    ['KEY_RULES', KEY_RULES],
    ['LIMIT_RULES', LIMIT_RULES],
    ['ALLOWANCES', ALLOWANCES],
  ] as const)('holds the rules in code, word for word: %s', ([name, rules], { expect }) => {
    expect(section(name)).toBe(tableOf(rules));
  });

  it('holds the encoding of risk levels', ({ expect }) => {
    const levels = [1, 2, 3, 4, 5, 6, 7, 8].map(encodeRiskLevel);
    expect(document).toContain(`| Report type | ${levels.map((l) => l.reportType).join(' | ')} |`);
    expect(document).toContain(`| Days since onset | ${levels.map((l) => l.daysSinceOnsetOfSymptoms).join(' | ')} |`);
  });

  it('no two rules share a name', ({ expect }) => {
    const names = [...UPLOAD_RULES, ...KEY_RULES, ...LIMIT_RULES, ...ALLOWANCES].map((rule) => rule.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('docs/google-dialect.md', () => {
  it('holds the rules in code, word for word, each name once', ({ expect }) => {
    const rows = GOOGLE_RULES.map(
      ({ name, consequence, rule, reason }) => `| \`${name}\` | ${consequence} | ${rule} | ${reason} |`,
    );
    const table = ['| Name | Consequence | Rule | Reason |', '|---|---|---|---|', ...rows].join('\n');
    expect(section('GOOGLE_RULES', read('google-dialect.md'))).toBe(table);
    expect(new Set(GOOGLE_RULES.map(({ name }) => name)).size).toBe(GOOGLE_RULES.length);
  });
});
