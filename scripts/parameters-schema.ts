/**
 * @module `npm run parameters:schema`: makes protocol/parameters/parameters.schema.json, which editors check and complete
 * a parameter document by, from the schema in protocol/parameters/document.ts. `--check` writes nothing and fails when
 * what is checked in differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { parametersSchema } from '../protocol/parameters/document.ts';
import { flag } from './support/command-line/arguments.ts';
import { runChild } from './support/command-line/child.ts';
import { run } from './support/command-line/command.ts';

const FILE = fileURLToPath(new URL('../protocol/parameters/parameters.schema.json', import.meta.url));

await run(
  {
    name: 'npm run parameters:schema',
    summary: 'Makes protocol/parameters/parameters.schema.json from protocol/parameters/document.ts.',
    options: { check: flag('writes nothing; exit code 1 when the file differs') },
  },
  async ({ check }) => {
    const schema: unknown = z.toJSONSchema(parametersSchema, { io: 'input' });
    if (!check) {
      writeFileSync(FILE, `${JSON.stringify(schema, null, 2)}\n`);
      const { code, stderr } = await runChild('oxfmt', [FILE], { output: 'kept' });
      if (code !== 0) throw new Error(`oxfmt ended with ${code}: ${stderr}`);
      return 0;
    }
    // Compared as values: the formatter lays it out otherwise than JSON.stringify does.
    if (isDeepStrictEqual(JSON.parse(readFileSync(FILE, 'utf8')), JSON.parse(JSON.stringify(schema)))) return 0;
    process.stderr.write('parameters.schema.json differs from document.ts; run: npm run parameters:schema\n');
    return 1;
  },
);
