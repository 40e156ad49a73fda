/**
 * @module `npm run api:schemas`: makes scripts/stage/double/generated/params.schema.json from the types of npm `cloudflare`. `--check`
 * writes nothing and fails when what is checked in differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../local-edge/workers.ts';
import { GENERATED, generateParamSchemas } from './stage/double/schemas/generate.ts';
import { flag } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';

await run(
  {
    name: 'npm run api:schemas',
    summary:
      "Makes the schemas by which the double of Cloudflare's API judges calls, from the types of npm cloudflare.",
    options: { check: flag('writes nothing; exit code 1 when what is checked in differs') },
  },
  async ({ check }, { say }) => {
    const text = generateParamSchemas(ROOT);
    const file = join(ROOT, GENERATED);
    if (check && readFileSync(file, 'utf8') !== text) {
      process.stderr.write(`${GENERATED} differs from npm cloudflare's types; run: npm run api:schemas\n`);
      return 1;
    }
    if (!check) writeFileSync(file, text);
    say(`${check ? 'checked' : 'made'} ${GENERATED}`);
    return 0;
  },
);
