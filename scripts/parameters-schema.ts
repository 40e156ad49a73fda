/**
 * @module `npm run parameters:schema`: makes the JSON Schema that editors check and complete a parameter document by.
 * `--check` writes nothing and fails when what is checked in differs.
 */
import { parametersSchema } from '../protocol/parameters/document.ts';
import { run } from './support/command-line/command.ts';
import { makeSchema, SCHEMA_OPTIONS } from './support/schema-file.ts';

const FILE = 'protocol/parameters/parameters.schema.json';

await run(
  {
    name: 'npm run parameters:schema',
    summary: `Makes ${FILE} from protocol/parameters/document.ts.`,
    options: SCHEMA_OPTIONS,
  },
  async ({ check }) => {
    if (await makeSchema(FILE, parametersSchema, check)) return 0;
    process.stderr.write(`${FILE} differs from protocol/parameters/document.ts; run: npm run parameters:schema\n`);
    return 1;
  },
);
