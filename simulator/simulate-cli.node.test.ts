import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../local-edge/workers.ts';

const call = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'simulator', 'cli.ts'), ...args], { encoding: 'utf8' });

/** Right by its structure: more time in a day is less of a risk. */
function contradict(text: string): string {
  const document = JSON.parse(text) as {
    riskCalculation: { normalizedTimePerDayToRiskLevelMapping: { riskLevel: number }[] };
  };
  for (const [index, level] of document.riskCalculation.normalizedTimePerDayToRiskLevelMapping.entries()) {
    level.riskLevel = 2 - index;
  }
  return JSON.stringify(document);
}

describe('npm run simulate', () => {
  it('writes CSV, SVG and JSON where it is told, and with --json prints nothing else', ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
    try {
      const done = call('--phones', '100', '--days', '1', '--sample', '0', '--json', '--out', folder);
      expect(done.status).toBe(0);
      expect(readdirSync(folder).toSorted()).toEqual(['simulate.csv', 'simulate.json', 'simulate.svg']);
      expect(done.stdout).toBe(readFileSync(join(folder, 'simulate.json'), 'utf8'));
      expect(JSON.parse(done.stdout)).toMatchObject({ options: { phones: 100, days: 1 }, people: 167 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('--help names every option and ends with 0', ({ expect }) => {
    const { status, stdout } = call('--help');
    expect(status).toBe(0);
    for (const option of ['--phones', '--days', '--seed', '--adoption', '--incidence', '--test-delay', '--out']) {
      expect(stdout).toContain(option);
    }
  });

  it.for<readonly [name: string, bend: (text: string) => string, says: RegExp]>([
    ['no JSON', () => '{', /document: 1 characters must be JSON/],
    ['of another structure', (text) => text.replace('"riskCalculation"', '"riskyCalculation"'), /riskCalculation: .+/],
    ['a contradiction', contradict, /riskLevel: 1 must not be below the level of less time/],
  ])('a parameter document that is %s is refused with path, value and rule', ([, bend, says], { expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
    try {
      const file = join(folder, 'parameters.json');
      writeFileSync(file, bend(readFileSync(join(ROOT, 'parameters', 'default.json'), 'utf8')));
      const config = spawnSync(process.execPath, [join(ROOT, 'scripts', 'config.ts'), 'validate', file], {
        encoding: 'utf8',
      });
      const { status, stdout, stderr } = call('--phones', '100', '--days', '1', '--parameters', file, '--out', folder);
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toContain(`${file} could not be published`);
      expect(stderr).toMatch(says);
      // As `npm run config -- validate` says it.
      expect(config.status).toBe(1);
      expect(stderr).toContain(config.stdout.trim());
      expect(readdirSync(folder)).toEqual(['parameters.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.for<readonly [string, string]>([
    ['--phones', '99'],
    ['--adoption', '0'],
    ['--test-delay', 'soon'],
    ['--reference-db', 'NaN'],
    ['--unheard-of', '1'],
  ])('%s %s is a mistake of the caller: 2, and the message names it', ([option, value], { expect }) => {
    const { status, stderr } = call(option, value);
    expect(status).toBe(2);
    expect(stderr).toContain(option);
  });
});
