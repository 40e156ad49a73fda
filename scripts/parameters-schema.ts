/**
 * @module `npm run parameters:schema`: makes protocol/parameters/parameters.schema.json, which editors check and complete
 * a parameter document by, from the schema in protocol/parameters/document.ts. `--check` writes nothing and fails when
 * what is checked in differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { parametersSchema } from '../protocol/parameters/document.ts';
import { flag } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';

const FILE = new URL('../protocol/parameters/parameters.schema.json', import.meta.url);

await run(
  {
    name: 'npm run parameters:schema',
    summary: 'Makes protocol/parameters/parameters.schema.json from protocol/parameters/document.ts.',
    options: { check: flag('writes nothing; exit code 1 when the file differs') },
  },
  ({ check }) => {
    const text = `${JSON.stringify(z.toJSONSchema(parametersSchema), null, 2)}\n`;
    if (!check) {
      writeFileSync(FILE, text);
      return 0;
    }
    if (readFileSync(FILE, 'utf8') === text) return 0;
    process.stderr.write('parameters.schema.json differs from document.ts; run: npm run parameters:schema\n');
    return 1;
  },
);
