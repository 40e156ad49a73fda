import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../local-edge/workers.ts';

const call = (...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'simulator', 'cli.ts'), ...args], { encoding: 'utf8' });

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
