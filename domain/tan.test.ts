import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { authenticateTan, composeTan, lastDayOfTan, MAX_TAN_LIFETIME_SECONDS } from './tan.ts';

const KEY = new Uint8Array(32).fill(7);
const NOW = 1_606_305_600;
const DAY = 86_400;
const TODAY = lastDayOfTan(NOW);
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const tenBytes = fc.uint8Array({ minLength: 10, maxLength: 10 });

describe('self-authenticating TANs', () => {
  it('have the layout of a version-4 UUID and authenticate themselves', ({ expect }) => {
    fc.assert(
      fc.property(tenBytes, fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes, key) => {
        const tan = composeTan(bytes, TODAY, key);
        expect(tan).toMatch(UUID_V4);
        expect(authenticateTan(tan, key, NOW)).toBe(tan);
      }),
      { seed: 1 },
    );
  });

  it('a flip of any of the 122 free bits is a forgery', ({ expect }) => {
    const tan = composeTan(
      Uint8Array.from({ length: 10 }, (_, i) => i * 25),
      TODAY,
      KEY,
    );
    let accepted = 0;
    let tried = 0;
    for (const [position, digit] of Array.from(tan).entries()) {
      if (digit === '-') continue;
      for (const bit of [1, 2, 4, 8]) {
        const flipped = (Number.parseInt(digit, 16) ^ bit).toString(16);
        if (authenticateTan(tan.slice(0, position) + flipped + tan.slice(position + 1), KEY, NOW) !== null) accepted++;
        tried++;
      }
    }
    expect({ accepted, tried }).toEqual({ accepted: 0, tried: 128 });
  });

  it('another key, and random version-4 UUIDs, are refused', ({ expect }) => {
    fc.assert(
      fc.property(fc.uuid({ version: 4 }), (uuid) => authenticateTan(uuid, KEY, NOW) === null),
      { seed: 2, numRuns: 500 },
    );
    expect(authenticateTan(composeTan(new Uint8Array(10), TODAY, new Uint8Array(32)), KEY, NOW)).toBeNull();
  });

  it.for([
    ['upper case', (tan: string) => tan.toUpperCase()],
    ['blanks around it', (tan: string) => ` ${tan}\t`],
  ] as const)('is read in its canonical spelling: %s', ([, spell], { expect }) => {
    const tan = composeTan(new Uint8Array(10).fill(0xff), TODAY, KEY);
    expect(authenticateTan(spell(tan), KEY, NOW)).toBe(tan);
  });

  it.for(['', 'TAN', '0'.repeat(36), 'a'.repeat(10_000), '123e4567-e89b-12d3-a456-426614174000'])(
    'is refused when it is no version-4 UUID: %s',
    (text, { expect }) => {
      expect(authenticateTan(text, KEY, NOW)).toBeNull();
    },
  );

  it('needs exactly ten unpredictable bytes', ({ expect }) => {
    expect(() => composeTan(new Uint8Array(9), TODAY, KEY)).toThrow(/10 bytes expected, got 9/);
  });

  it('end where they are read, without any store: from two days after the last on, for 15 days', ({ expect }) => {
    const end = NOW + MAX_TAN_LIFETIME_SECONDS;
    const tan = composeTan(new Uint8Array(10).fill(3), lastDayOfTan(end), KEY);
    const lives = (day: number): boolean => authenticateTan(tan, KEY, NOW + day * DAY) !== null;
    const days = Array.from({ length: 32 }, (_, day) => day);
    // Issued today, over after 14 days; the 15th is the retry's. Then dead until five bits say the same again.
    expect(days.filter((day) => lives(day))).toEqual([...days.slice(0, 16), 31]);
  });

  it('of two days differ in their day and their MAC alone', ({ expect }) => {
    const unpredictable = new Uint8Array(10).fill(0xa5);
    const tans = [TODAY, TODAY + 1].map((day) => composeTan(unpredictable, day, KEY).replaceAll('-', ''));
    // 75 bits: 12 digits before the version, 3 between, and 15 of the 62 after the variant.
    expect(new Set(tans.map((tan) => tan.slice(0, 16))).size).toBe(1);
    expect(new Set(tans).size).toBe(2);
  });
});
