/**
 * @module `npm run log:schema`: makes the JSON Schema of the event log's entries (docs/event-log.md).
 */
import { logEntrySchema } from '../domain/event-log/entry.ts';
import { schemaCommand } from './support/schema-file.ts';

await schemaCommand({
  command: 'npm run log:schema',
  file: 'domain/event-log/entry.schema.json',
  source: 'domain/event-log/entry.ts',
  schema: logEntrySchema,
});
