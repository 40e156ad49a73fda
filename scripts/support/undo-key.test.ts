/** @module The undo key in two shares: what either says, what both give, and which pairs are refused. */
import { describe, it } from 'vitest';
import { combineShares, drawUndoKey, publicHalf, ShareError, splitKey } from './undo-key.ts';

const KEY = drawUndoKey();

describe('the shares of an undo key', () => {
  it('give the key together, in any order, and each time others', ({ expect }) => {
    const [first, second] = splitKey(KEY);
    expect(combineShares([first, second])).toBe(KEY);
    expect(combineShares([second, first])).toBe(KEY);
    const [another] = splitKey(KEY);
    expect(another).not.toBe(first);
    // Either alone is random bytes beside the name of the public half.
    expect(first.split(' ')[1]).toBe(second.split(' ')[1]);
    expect(publicHalf(combineShares([first, second]))).toBe(publicHalf(KEY));
  });

  it.for<[what: string, pair: () => readonly [string, string], message: RegExp]>([
    ['one of them twice', () => [splitKey(KEY)[0], splitKey(KEY)[0]], /both files are share 1/],
    ['shares of two splittings', () => [splitKey(KEY)[0], splitKey(KEY)[1]], /do not fit/],
    ['shares of two keys', () => [splitKey(KEY)[0], splitKey(drawUndoKey())[1]], /two different keys/],
    ['something else', () => ['a text', splitKey(KEY)[1]], /first file is no share/],
    ['the key itself', () => [splitKey(KEY)[0], KEY], /second file is no share/],
  ])('are refused: %s', ([, pair, message], { expect }) => {
    expect(() => combineShares(pair())).toThrow(ShareError);
    expect(() => combineShares(pair())).toThrow(message);
  });

  it('are made of a P-256 key alone', ({ expect }) => {
    expect(() => splitKey('a key')).toThrow(ShareError);
  });
});
