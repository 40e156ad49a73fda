import { describe, it } from 'vitest';
import { toBase64 } from './bytes.ts';
import { firstOf, keyRing, KeyRingError } from './key-ring.ts';

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const spelled = (...numbers: number[]): string => numbers.map((n) => toBase64(key(n))).join(',');

describe('a ring of keys', () => {
  it('is one key, as secrets always were, or up to three: the first makes', ({ expect }) => {
    expect(keyRing(spelled(1), 'K')).toEqual({ current: key(1), others: [], all: [key(1)] });
    expect(keyRing(spelled(2, 1, 3), 'K')).toEqual({
      current: key(2),
      others: [key(1), key(3)],
      all: [key(2), key(1), key(3)],
    });
  });

  it.for<[why: string, value: unknown, message: RegExp]>([
    ['missing', undefined, /^K: a non-empty text is expected$/],
    ['empty', '', /^K: a non-empty text is expected$/],
    ['four keys', spelled(1, 2, 3, 4), /^K: at most 3 keys, split by commas, are expected, got 4$/],
    ['a key twice', spelled(1, 2, 1), /^K: keys of a ring must differ, got one twice$/],
    ['a short key', `${spelled(1)},AAEC`, /^K: base64 of 32 bytes is expected as key 2 of 2, got 3 bytes$/],
    ['one short key', 'AAEC', /^K: base64 of 32 bytes is expected, got 3 bytes$/],
    ['no base64', 's3cr3t', /^K: base64 of 32 bytes is expected, got no base64$/],
    ['a comma too many', `${spelled(1)},`, /^K: base64 of 32 bytes is expected as key 2 of 2, got 0 bytes$/],
    ['blanks', `${spelled(1)}, ${spelled(2)}`, /^K: base64 of 32 bytes is expected as key 2 of 2, got no base64$/],
  ])('is refused, naming the secret and the rule, never a value: %s', ([, value, message], { expect }) => {
    expect(() => keyRing(value, 'K')).toThrow(KeyRingError);
    expect(() => keyRing(value, 'K')).toThrow(message);
  });

  it('is asked key by key, and no further than the first that knows', ({ expect }) => {
    const asked: number[] = [];
    const knows = (known: number) => (bytes: Uint8Array) => {
      asked.push(bytes[0]!);
      return bytes[0] === known ? known : null;
    };
    expect(firstOf(keyRing(spelled(2, 1), 'K'), knows(2))).toBe(2);
    expect(asked).toEqual([2]);
    expect(firstOf(keyRing(spelled(2, 1, 3), 'K'), knows(1))).toBe(1);
    expect(asked).toEqual([2, 2, 1]);
    expect(firstOf(keyRing(spelled(2, 1), 'K'), knows(9))).toBe(null);
  });
});
