import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'vitest';
import ProcessReporter from './process-reporter.ts';
import { figuresOf, processTree, proportionalMb } from './process-table.ts';

/** Takes 200 MB, writes to every page, lets go of them, says so, and stays until its input ends. */
const GREEDY = `
  let held = Buffer.alloc(200e6, 1);
  held = null;
  gc();
  process.stdout.write('done');
  process.stdin.resume();
`;

async function greedy() {
  const child = spawn(process.execPath, ['--expose-gc', '-e', GREEDY], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { pid: child.pid!, end: () => (child.stdin.end(), once(child, 'exit')) };
}

describe('the kernel’s figures', () => {
  it('tell a process’s peak after it has let go, and its CPU, until it ends', async ({ expect }) => {
    const { pid, end } = await greedy();
    const { peakMb, cpuSeconds, parent } = figuresOf(pid)!;
    expect(peakMb).toBeGreaterThan(200);
    expect(peakMb).toBeLessThan(400);
    expect(proportionalMb(pid)).toBeLessThan(peakMb - 150);
    expect(cpuSeconds).toBeGreaterThan(0);
    expect(parent).toBe(process.pid);
    expect(processTree(process.pid).map((one) => one.pid)).toEqual(expect.arrayContaining([process.pid, pid]));
    await end();
    expect(figuresOf(pid)).toBeNull();
    expect(proportionalMb(pid)).toBe(0);
  });
});

describe('the report', () => {
  it('names a process above the budget of memory; CPU stands beside its budget and is no fault', async ({ expect }) => {
    const { end } = await greedy();
    const reporter = new ProcessReporter();
    const within = reporter.report([], { mostMb: 1500 });
    expect(within.faults).toEqual([]);
    expect(within.text).toMatch(/^All together: \d+ s of CPU, at most \d+ MB at a time\.$/m);
    expect(within.text).toMatch(/^ +2\d\d +\d+\.\d +\d+\.\d {2}node$/m);
    await end();
    // Its peak counts although it has ended.
    const { faults, text } = reporter.report([], { mostMb: 200, cpuSeconds: 0 });
    expect(faults).toEqual([expect.stringMatching(/^ABOVE THE BUDGET of 200 MB: node with 2\d\d MB$/)]);
    expect(text).toMatch(/^All together: \d+ s of CPU \(budget: 0 s\), at most \d+ MB at a time\.$/m);
    expect(text.endsWith(faults.join('\n'))).toBe(true);
  });
});
