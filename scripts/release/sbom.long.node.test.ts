/** @module The bill of materials of this very project, as npm tells it here, is CycloneDX 1.5. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { headOf, readLock } from './repository.ts';
import { bomOf, npmBom } from './sbom.ts';

const schema = (name: string): object =>
  JSON.parse(readFileSync(join(ROOT, `test/vectors/cyclonedx/${name}.SNAPSHOT.schema.json`), 'utf8')) as object;

it('holds to its schema', async ({ expect }) => {
  // Formats of addresses are not looked at: Ajv knows them by another package alone.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  // By the names that the schema refers to them by.
  for (const name of ['spdx', 'jsf-0.82']) {
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  const isBom = ajv.compile(schema('bom-1.5'));
  const of = { name: 'exposure-edge', version: '0.1.0', commit: await headOf(ROOT) };
  const bom = bomOf(await npmBom(ROOT), of, new Set(['node_modules/zod']), readLock(ROOT));
  expect([isBom(bom), isBom.errors]).toEqual([true, null]);
  expect(isBom({ ...bom, serialNumber: 'today' })).toBe(false);
});
