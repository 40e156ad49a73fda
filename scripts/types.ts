/**
 * @module `npm run types`: type-checks the three programs, what runs in workerd, what runs in Node, and what runs in k6.
 */
import { runChild } from './support/command-line/child.ts';
import { run } from './support/command-line/command.ts';
import { ROOT } from '../local-edge/workers.ts';

const PROJECTS = ['tsconfig.workers.json', 'tsconfig.node.json', 'load-tests/scenarios/tsconfig.json'];

await run(
  {
    name: 'npm run types',
    summary: `Type-checks with tsc, writing nothing: ${PROJECTS.join(', ')}. Ends with 1 if one has errors.`,
  },
  async (_, { say }) => {
    let failed = 0;
    for (const project of PROJECTS) {
      const { code } = await runChild('tsc', ['-p', project], { cwd: ROOT, output: 'shown' });
      say(`tsc -p ${project}: ${code === 0 ? 'ok' : 'errors'}`);
      if (code !== 0) failed += 1;
    }
    return failed > 0 ? 1 : 0;
  },
);
