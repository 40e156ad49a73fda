import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { authenticateTan, composeTan } from './tan.ts';

const KEY = new Uint8Array(32).fill(7);
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const tenBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('self-authenticating TANs', () => {
  it('have the layout of a version-4 UUID and authenticate themselves', ({ expect }) => {
    fc.assert(
      fc.property(tenBytes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes, key) => {
        const tan = composeTan(bytes, key);
        expect(tan).toMatch(UUID_V4);
        expect(authenticateTan(tan, key)).toBe(tan);
      }),
      { seed: 1 },
    );
  });

  it('a flip of any of the 122 free bits is a forgery', ({ expect }) => {
    const tan = composeTan(
      Uint8Array.from({ length: 10 }, (_, i) => i * 25),
      KEY,
    );
    let accepted = 0;
    let tried = 0;
    for (const [position, digit] of Array.from(tan).entries()) {
      if (digit === '-') continue;
      for (const bit of [1, 2, 4, 8]) {
        const flipped = (Number.parseInt(digit, 16) ^ bit).toString(16);
        if (authenticateTan(tan.slice(0, position) + flipped + tan.slice(position + 1), KEY) !== null) accepted++;
        tried++;
      }
    }
    expect({ accepted, tried }).toEqual({ accepted: 0, tried: 128 });
  });

  it('another key, and random version-4 UUIDs, are refused', ({ expect }) => {
    fc.assert(
      fc.property(fc.uuid({ version: 4 }), (uuid) => authenticateTan(uuid, KEY) === null),
      { seed: 2, numRuns: 500 },
    );
    expect(authenticateTan(composeTan(new Uint8Array(10), new Uint8Array(32)), KEY)).toBeNull();
  });

  it.for([
    ['upper case', (tan: string) => tan.toUpperCase()],
    ['blanks around it', (tan: string) => ` ${tan}\t`],
  ] as const)('is read in its canonical spelling: %s', ([, spell], { expect }) => {
    const tan = composeTan(new Uint8Array(10).fill(0xff), KEY);
    expect(authenticateTan(spell(tan), KEY)).toBe(tan);
  });

  it.for(['', 'TAN', '0'.repeat(36), 'a'.repeat(10_000), '123e4567-e89b-12d3-a456-426614174000'])(
    'is refused when it is no version-4 UUID: %s',
    (text, { expect }) => {
      expect(authenticateTan(text, KEY)).toBeNull();
    },
  );

  it('needs exactly 80 unpredictable bits', ({ expect }) => {
    expect(() => composeTan(new Uint8Array(9), KEY)).toThrow(/10 bytes expected, got 9/);
  });
});
