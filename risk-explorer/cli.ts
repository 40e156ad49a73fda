/**
 * @module `npm run explorer`: builds the risk explorer into one page, docs/risk-explorer/index.html, and into a module the
 * portal serves it from.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flag } from '../scripts/support/command-line/arguments.ts';
import { run } from '../scripts/support/command-line/command.ts';
import { buildFiles } from './build.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

await run(
  {
    name: 'npm run explorer',
    summary: 'Builds docs/risk-explorer/index.html and workers/portal/generated/risk-explorer.ts.',
    options: { check: flag('writes nothing; exit code 1 when they differ from what would be built') },
  },
  async ({ check }, { say }) => {
    const stale = Object.entries(await buildFiles()).filter(([path, text]) => {
      const file = `${ROOT}${path}`;
      return !existsSync(file) || readFileSync(file, 'utf8') !== text;
    });
    if (check && stale.length > 0) {
      process.stderr.write(`${stale.map(([path]) => path).join(', ')}: differs; run: npm run explorer\n`);
      return 1;
    }
    for (const [path, text] of stale) {
      mkdirSync(dirname(`${ROOT}${path}`), { recursive: true });
      writeFileSync(`${ROOT}${path}`, text);
    }
    say(`risk explorer: ${stale.length} files ${check ? 'differ' : 'written'}`);
    return 0;
  },
);
