import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { secondsUntilDownload } from '../../phone/timing/schedule.ts';
import { compared, spreadOf } from './compare.ts';
import { questionOf } from './run-scenario.ts';
import { keysOfOneCase } from './seed.ts';

const SCENARIOS = join(import.meta.dirname, '..', 'scenarios');
const scenarios = readdirSync(SCENARIOS).filter((name) => name.endsWith('.ts'));

describe('every scenario', () => {
  it.for(scenarios)('%s says in its head which question it answers', (name, { expect }) => {
    const question = questionOf(name.replace('.ts', ''));
    expect(question).toMatch(/^[a-z].{20,}\?$/);
    expect(question).not.toContain('*');
  });

  it.for(scenarios)(
    '%s counts a dropped session as a failure, and fetches no code from the network',
    (name, { expect }) => {
      const text = readFileSync(join(SCENARIOS, name), 'utf8');
      expect(text).toContain('export const options = loadOptions({');
      expect(text).not.toMatch(/from 'https?:/);
    },
  );

  it.for(scenarios)('%s runs nothing but sessions, which count themselves', (name, { expect }) => {
    const text = readFileSync(join(SCENARIOS, name), 'utf8');
    const exported = [...text.matchAll(/^export (?:const|(?:async )?function) (\w+)(.*)$/gm)];
    const run = exported.filter(([, what = '']) => !['options', 'setup'].includes(what));
    expect(run.length).toBeGreaterThan(0);
    for (const [, , made] of run) expect(made).toMatch(/^ = (session[(<]|send(Real|Dummy);)/);
  });

  it('opens a new connection for each session', ({ expect }) => {
    const settings = readFileSync(join(SCENARIOS, 'lib/settings.ts'), 'utf8');
    expect(settings).toContain('noVUConnectionReuse: true');
    expect(scenarios.length).toBeGreaterThan(9);
  });
});

describe('the arrival of phones', () => {
  it("is constant, since the reference phone's schedule spreads them evenly over the hour", ({ expect }) => {
    // xorshift32: the same draws each time.
    let state = 1;
    const random = (length: number): Uint8Array =>
      Uint8Array.from({ length }, () => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return state & 0xff;
      });
    const now = 1_606_262_400 + 1_234;
    const minutes = Array.from({ length: 60 }, () => 0);
    const phones = 60_000;
    for (let phone = 0; phone < phones; phone += 1) {
      const minute = Math.floor(((now + secondsUntilDownload(now, random)) % 3_600) / 60);
      minutes[minute] = (minutes[minute] ?? 0) + 1;
    }
    // A thousand a minute; five standard deviations are 158.
    expect(Math.min(...minutes)).toBeGreaterThan(842);
    expect(Math.max(...minutes)).toBeLessThan(1_158);
  });
});

describe('a seeded case', () => {
  it('has 14 whole days before the upload, with values that phones accept', ({ expect }) => {
    const keys = keysOfOneCase(20_000);
    expect(keys).toHaveLength(14);
    for (const [index, key] of keys.entries()) {
      expect(key.rollingStartIntervalNumber).toBe((19_999 - index) * 144);
      expect(key.daysSinceOnsetOfSymptoms).toBeGreaterThanOrEqual(-14);
      expect(key.daysSinceOnsetOfSymptoms).toBeLessThanOrEqual(14);
      expect(key.transmissionRiskLevel).toBeGreaterThanOrEqual(3);
      expect(key.transmissionRiskLevel).toBeLessThanOrEqual(8);
    }
  });
});

describe('a comparison', () => {
  it('gives the spread of repetitions', ({ expect }) => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3 });
    expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, low: 1, high: 4 });
  });

  it('divides within a turn, so that a slow minute hits both', ({ expect }) => {
    const turn = (statics: number, edge: number) => [
      { server: 'static' as const, sessionsPerSecond: statics, p95: 1 },
      { server: 'edge' as const, sessionsPerSecond: edge, p95: 1 },
    ];
    const repetitions = [...turn(1_000, 800), ...turn(500, 400), ...turn(100, 80)];
    expect(compared(repetitions, 'edge').ofStatic).toEqual({ median: 0.8, low: 0.8, high: 0.8 });
  });
});
