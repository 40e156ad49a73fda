import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { parseStrictJson } from './strict-json.ts';

const LIMITS = { depth: 4, members: 100 };

describe('strict JSON', () => {
  for (const { name, text, kind } of [
    { name: 'duplicate name', text: '{"a":1,"a":2}', kind: 'duplicate-name' },
    { name: 'duplicate name hidden by an escape', text: '{"a":1,"\\u0061":2}', kind: 'duplicate-name' },
    { name: 'duplicate name in an inner object', text: '[{"b":{"c":1 , "c" : 2}}]', kind: 'duplicate-name' },
    { name: 'nested too deep', text: '['.repeat(5) + ']'.repeat(5), kind: 'too-deep' },
    { name: 'a million brackets', text: '['.repeat(1_000_000), kind: 'too-deep' },
    { name: 'too many elements', text: `[${'0,'.repeat(100)}0]`, kind: 'too-many-members' },
    { name: 'open string', text: '{"a', kind: 'malformed' },
    { name: 'not JSON', text: '{a:1}', kind: 'malformed' },
    { name: 'empty', text: '', kind: 'malformed' },
    { name: 'duplicate name that is half a surrogate', text: '{"\ud800":1,"\\ud800":2}', kind: 'duplicate-name' },
    { name: 'duplicate name that ends in backslashes', text: '{"a\\\\":1,"a\\u005c":2}', kind: 'duplicate-name' },
    { name: 'string that its last escape leaves open', text: `{"a":"${'\\'.repeat(65_535)}"}`, kind: 'malformed' },
    { name: '64 KB of escaped quotes, left open', text: `["${'\\"'.repeat(32_000)}`, kind: 'malformed' },
    { name: 'bad escape in a name', text: '{"\\x":1}', kind: 'malformed' },
  ]) {
    it(`refuses: ${name}`, ({ expect }) => {
      const result = parseStrictJson(text, LIMITS);
      expect(result.ok ? 'accepted' : result.error.kind).toBe(kind);
    });
  }

  it('same name in different objects is fine', ({ expect }) => {
    expect(parseStrictJson('[{"a":1},{"a":2}]', LIMITS)).toEqual({ ok: true, value: [{ a: 1 }, { a: 2 }] });
    expect(parseStrictJson('{"a":"a","b":"x:\\"a\\":"}', LIMITS)).toEqual({ ok: true, value: { a: 'a', b: 'x:"a":' } });
  });

  it('accepts what JSON.stringify writes, and gives the same value', ({ expect }) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(text, { depth: 10, members: 10_000 })).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { seed: 1 },
    );
  });

  it('never throws on any text', ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', '1') }), (text) => {
        expect(() => parseStrictJson(text, LIMITS)).not.toThrow();
      }),
      { seed: 2, numRuns: 2000 },
    );
  });
});
