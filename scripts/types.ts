/**
 * @module `npm run types`: type-checks the three programs, what runs in workerd, what runs in Node, and what runs in k6.
 */
import { spawnSync } from 'node:child_process';
import { ROOT } from '../local-edge/workers.ts';

let failed = 0;
for (const project of ['tsconfig.workers.json', 'tsconfig.node.json', 'load-tests/scenarios/tsconfig.json']) {
  const { status } = spawnSync('tsc', ['-p', project], { cwd: ROOT, stdio: 'inherit' });
  process.stdout.write(`tsc -p ${project}: ${status === 0 ? 'ok' : 'errors'}\n`);
  if (status !== 0) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;
