/** @module The OpenAPI documents on their own: valid, complete, nothing unused. What they say is tried in the tests of their names. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, it } from 'vitest';
import { DOCUMENTS, documentText, loadDocument, operations } from './support/openapi.ts';

describe.each(DOCUMENTS)('docs/%s', (name) => {
  const text = documentText(name);

  it('is valid OpenAPI 3.1', async ({ expect }) => {
    const result = await new Validator().validate(text);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it('refers to nothing that is missing', ({ expect }) => {
    const { components } = loadDocument(name);
    const references = [...text.matchAll(/\$ref: '#\/components\/(\w+)\/(\w+)'/g)];
    expect(references.length).toBe(text.split('$ref').length - 1);
    for (const [, kind = '', one = ''] of references) {
      expect(components[kind as keyof typeof components]).toHaveProperty(one);
    }
  });

  it('names each operation once', ({ expect }) => {
    const ids = operations(loadDocument(name)).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no component that nothing refers to', ({ expect }) => {
    const { components } = loadDocument(name);
    for (const kind of ['parameters', 'headers', 'responses', 'schemas'] as const) {
      for (const one of Object.keys(components[kind] ?? {})) expect(text).toContain(`#/components/${kind}/${one}'`);
    }
  });
});
