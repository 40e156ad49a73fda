/**
 * @module `npm run deploy:dry-run`: has wrangler bundle and check every Worker as for a deployment, without an account.
 * The bundles stay in .cache/bundles/<environment>/, where test/integration/bundles.test.ts reads its own copy.
 */
import { spawnSync } from 'node:child_process';
import { readOptions, run } from './support/cli.ts';
import { readEnvironments, requireChunkPolicy, ROOT } from '../local-edge/workers.ts';

const USAGE = `
npm run deploy:dry-run

Checks the chunk policy, then runs wrangler deploy --dry-run for each environment of wrangler.toml. Ends with 1 if one fails or
warns.
`;

await run(async () => {
  readOptions(USAGE, {});
  const environments = readEnvironments();
  requireChunkPolicy(environments);
  let failed = 0;
  for (const { environment } of environments) {
    const { status, stdout, stderr } = spawnSync(
      'wrangler',
      ['deploy', '--dry-run', '--outdir', `.cache/bundles/${environment}`, '--env', environment],
      { cwd: ROOT, encoding: 'utf8', env: { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: '1' } },
    );
    // Unknown fields of wrangler.toml only warn, and a typo in a field that keeps logs off must not pass.
    const warned = /warning/i.test(stderr + stdout);
    const size = /Total Upload: .*/.exec(stdout)?.[0] ?? '';
    process.stdout.write(`${status === 0 && !warned ? 'ok  ' : 'FAIL'} ${environment}  ${size}\n`);
    if (status !== 0 || warned) {
      process.stdout.write(stdout + stderr);
      failed += 1;
    }
  }
  return failed > 0 ? 1 : 0;
});
