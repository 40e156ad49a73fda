/**
 * @module `npm run stage:schema`: makes the JSON Schema that editors check and complete a stage's file by. `--check` writes nothing and fails when what is checked in differs.
 */
import { fileSchema } from './stage/file/schema.ts';
import { run } from './support/command-line/command.ts';
import { makeSchema, SCHEMA_OPTIONS } from './support/schema-file.ts';

const FILE = 'stages/stage.schema.json';

await run(
  {
    name: 'npm run stage:schema',
    summary: `Makes ${FILE} from scripts/stage/file/schema.ts.`,
    options: SCHEMA_OPTIONS,
  },
  async ({ check }) => {
    if (await makeSchema(FILE, fileSchema, check)) return 0;
    process.stderr.write(`${FILE} differs from scripts/stage/file/schema.ts; run: npm run stage:schema\n`);
    return 1;
  },
);
