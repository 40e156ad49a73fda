/** @module `npm run edge` on a state that nobody has used: the k6 command it prints does what it promises, as it stands. */
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { runChild } from '../../scripts/support/command-line/child.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';
import { ROOT } from '../../local-edge/workers.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { start } from '../../test/support/processes.ts';
import { ensureK6 } from '../driver/k6.ts';

const { path: folder, remove } = temporaryFolder('edge-command');
afterAll(remove);

describe('npm run edge', () => {
  it('seals some hours on a fresh state, and prints a k6 command that is green there, signatures checked', async ({
    expect,
  }) => {
    await runChild('sh', ['scripts/edge-tools.sh'], { cwd: ROOT, output: 'kept' });
    await ensureK6();
    const port = String(await freePorts(6));
    const running = start(['load-tests/edge-tier/cli.ts', '--port', port, '--state', join(folder, 'state')]);
    try {
      const [, command = ''] = await running.output(/^k6: +(.*)\n/m);
      expect(command).toContain('npm run -s k6 -- run load-tests/scenarios/');
      const environment = { DURATION: '2', CHECK_TIMES: 'no', INIT_CWD: ROOT };
      const k6 = await runChild('sh', ['-c', command], { cwd: ROOT, environment, output: 'kept' });
      expect(k6).toMatchObject({ code: 0 });
      expect(k6.stdout).toContain('all thresholds met');
      expect(k6.stdout).not.toContain('NOT checked');
    } finally {
      running.kill('SIGINT', 'process');
    }
    expect((await running.ended).code).toBe(0);
  });
});
