/**
 * @module `npm run parameters:schema`: makes the JSON Schema that editors check and complete a parameter document by.
 */
import { parametersSchema } from '../protocol/parameters/document.ts';
import { schemaCommand } from './support/schema-file.ts';

await schemaCommand({
  command: 'npm run parameters:schema',
  file: 'protocol/parameters/parameters.schema.json',
  source: 'protocol/parameters/document.ts',
  schema: parametersSchema,
});
