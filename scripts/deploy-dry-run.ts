/**
 * @module `npm run deploy:dry-run`: has wrangler bundle and check every Worker as for a deployment, without an account.
 * The bundles stay in .cache/bundles/<environment>/, where test/integration/bundles.long.test.ts reads its own copy.
 */
import { runChild } from './support/command-line/child.ts';
import { run } from './support/command-line/command.ts';
import { readEnvironments, requireChunkPolicy, ROOT } from '../local-edge/workers.ts';

await run(
  {
    name: 'npm run deploy:dry-run',
    summary: `Checks the chunk policy, then runs wrangler deploy --dry-run for each environment of wrangler.toml. Ends with 1 if one
      fails or warns. The bundles stay in .cache/bundles/.`,
  },
  async (_, { say }) => {
    const environments = readEnvironments();
    requireChunkPolicy(environments);
    let failed = 0;
    for (const { environment } of environments) {
      const { code, stdout, stderr } = await runChild(
        'wrangler',
        ['deploy', '--dry-run', '--outdir', `.cache/bundles/${environment}`, '--env', environment],
        { cwd: ROOT, environment: { WRANGLER_SEND_METRICS: 'false', CI: '1' }, output: 'kept' },
      );
      // Unknown fields of wrangler.toml only warn, and a typo in a field that keeps logs off must not pass.
      const warned = /warning/i.test(stderr + stdout);
      const size = /Total Upload: .*/.exec(stdout)?.[0] ?? '';
      say(`${code === 0 && !warned ? 'ok  ' : 'FAIL'} ${environment}  ${size}`);
      if (code !== 0 || warned) {
        say(stdout + stderr);
        failed += 1;
      }
    }
    return failed > 0 ? 1 : 0;
  },
);
