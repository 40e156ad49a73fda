/**
 * @module `npm run log:schema`: makes the JSON Schema of the event log's entries (docs/event-log.md). `--check` writes nothing and
 * fails when what is checked in differs.
 */
import { logEntrySchema } from '../domain/event-log/entry.ts';
import { run } from './support/command-line/command.ts';
import { makeSchema, SCHEMA_OPTIONS } from './support/schema-file.ts';

const FILE = 'domain/event-log/entry.schema.json';

await run(
  {
    name: 'npm run log:schema',
    summary: `Makes ${FILE} from domain/event-log/entry.ts.`,
    options: SCHEMA_OPTIONS,
  },
  async ({ check }) => {
    if (await makeSchema(FILE, logEntrySchema, check)) return 0;
    process.stderr.write(`${FILE} differs from domain/event-log/entry.ts; run: npm run log:schema\n`);
    return 1;
  },
);
