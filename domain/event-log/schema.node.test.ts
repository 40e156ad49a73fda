import { describe, it } from 'vitest';
import * as z from 'zod';
import schema from './entry.schema.json' with { type: 'json' };
import { logEntrySchema } from './entry.ts';

describe('entry.schema.json', () => {
  it('is what entry.ts gives (npm run log:schema)', ({ expect }) => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(logEntrySchema, { io: 'input' }))));
  });
});
