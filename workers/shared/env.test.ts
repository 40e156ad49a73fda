import { describe, it } from 'vitest';
import { ConfigError, country, integer, parsedOnce, secretRing } from './env.ts';

const SECRET = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const OTHER = 'AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';

describe('variables of a Worker', () => {
  it('are read as what they are', ({ expect }) => {
    expect(integer({ N: '60' }, 'N', { min: 1, max: 60 })).toBe(60);
    expect(secretRing({ K: SECRET }, 'K').current).toEqual(Uint8Array.from({ length: 32 }, (_, i) => i));
    expect(secretRing({ K: `${SECRET},${OTHER}` }, 'K').all).toHaveLength(2);
    expect(country({ C: 'DE' }, 'C')).toBe('DE');
  });

  it.for<[name: string, read: () => unknown, message: RegExp]>([
    ['missing', () => integer({}, 'N', { min: 0, max: 1 }), /^N: a non-empty text/],
    ['empty', () => integer({ N: '' }, 'N', { min: 0, max: 1 }), /^N: a non-empty text/],
    ['no string', () => integer({ N: 1 }, 'N', { min: 0, max: 1 }), /^N: a non-empty text/],
    [
      'too large',
      () => integer({ N: '61' }, 'N', { min: 1, max: 60 }),
      /^N: an integer 1\.\.60 is expected, got "61"$/,
    ],
    ['a fraction', () => integer({ N: '1.5' }, 'N', { min: 1, max: 60 }), /an integer 1\.\.60/],
    ['hexadecimal', () => integer({ N: '0x10' }, 'N', { min: 1, max: 60 }), /an integer 1\.\.60/],
    ['with a unit', () => integer({ N: '10s' }, 'N', { min: 1, max: 60 }), /an integer 1\.\.60/],
    ['no country', () => country({ C: '' }, 'C'), /^C: a non-empty text/],
    ['lower case', () => country({ C: 'de' }, 'C'), /^C: two capital letters are expected, got "de"$/],
    ['short key', () => secretRing({ K: 'AAEC' }, 'K'), /^K: base64 of 32 bytes is expected, got 3 bytes$/],
    ['a ring that isn’t one', () => secretRing({ K: `${SECRET},${SECRET}` }, 'K'), /^K: keys of a ring must differ/],
  ])('a value that makes no sense names itself: %s', ([, read, message], { expect }) => {
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  it('the value of a secret is never in the message', ({ expect }) => {
    for (const value of ['s3cr3t-value', `${SECRET}AAAA`]) {
      let message = '';
      try {
        secretRing({ K: value }, 'K');
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain('K: base64 of 32 bytes is expected');
      expect(message).not.toContain(value);
    }
  });

  it('are parsed once an environment, and again after a failure', ({ expect }) => {
    let calls = 0;
    const configOf = parsedOnce((env: { readonly n: number }) => {
      calls++;
      if (env.n < 0) throw new ConfigError('n', 'negative');
      return env.n;
    });
    const good = { n: 1 };
    const bad = { n: -1 };
    expect([configOf(good), configOf(good)]).toEqual([1, 1]);
    expect(() => configOf(bad)).toThrow(ConfigError);
    expect(() => configOf(bad)).toThrow(ConfigError);
    expect(calls).toBe(3);
  });
});
