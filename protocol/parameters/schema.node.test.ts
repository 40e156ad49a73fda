import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, it } from 'vitest';
import * as z from 'zod';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { parametersSchema } from './document.ts';
import schema from './parameters.schema.json' with { type: 'json' };

describe('parameters.schema.json', () => {
  it('is what document.ts gives (npm run parameters:schema)', ({ expect }) => {
    expect(JSON.parse(JSON.stringify(z.toJSONSchema(parametersSchema, { io: 'input' })))).toEqual(schema);
  });

  it('accepts the default document and refuses what the code refuses', ({ expect }) => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    expect(validate(defaults)).toBe(true);
    const { v1, v2 } = defaults;
    const bad: unknown[] = [
      { ...defaults, fudge: 1 },
      { ...defaults, format: 'v0' },
      { ...defaults, v1: { ...v1, exposureConfiguration: { ...v1.exposureConfiguration, attenuationScores: [9] } } },
      { ...defaults, v2: { ...v2, dailySummaries: { ...v2.dailySummaries, attenuationBucketThresholdDb: [1, 2] } } },
    ];
    for (const document of bad) {
      expect(validate(document)).toBe(false);
      expect(parametersSchema.safeParse(document).success).toBe(false);
    }
  });
});
