/** @module The OpenAPI document on its own: valid, complete, nothing unused. What it says is tried in openapi.test.ts. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, it } from 'vitest';
import { documentText, loadDocument, operations } from './support/openapi.ts';

describe('docs/openapi.yaml', () => {
  it('is valid OpenAPI 3.1', async ({ expect }) => {
    const result = await new Validator().validate(documentText());
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('refers to nothing that is missing', ({ expect }) => {
    const { components } = loadDocument();
    const references = [...documentText().matchAll(/\$ref: '#\/components\/(\w+)\/(\w+)'/g)];
    expect(references.length).toBe(documentText().split('$ref').length - 1);
    for (const [, kind = '', name = ''] of references) {
      expect(components[kind as keyof typeof components]).toHaveProperty(name);
    }
  });

  it('names each operation once', ({ expect }) => {
    const ids = operations(loadDocument()).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no component that nothing refers to', ({ expect }) => {
    const { components } = loadDocument();
    for (const kind of ['parameters', 'headers', 'responses', 'schemas'] as const) {
      for (const name of Object.keys(components[kind]))
        expect(documentText()).toContain(`#/components/${kind}/${name}'`);
    }
  });
});
