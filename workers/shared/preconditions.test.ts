import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { matchesEntityTag, parseRange, rangeApplies } from './preconditions.ts';

const TAG = '"0123abc"';

describe('RFC 9110 §13.1.2 If-None-Match', () => {
  const cases: readonly (readonly [name: string, header: string | null, want: boolean])[] = [
    ['absent', null, false],
    ['the same tag', TAG, true],
    ['weakened by a compressing CDN', `W/${TAG}`, true],
    ['any', ' * ', true],
    ['one of a list', `"x", W/${TAG} ,"y"`, true],
    ['a tag that holds a comma beside it', `"a,b",${TAG}`, true],
    ['another tag', '"other"', false],
    ['the tag as part of another', '"x0123abc"', false],
    ['without quotes', '0123abc', false],
    ['behind something else', `abc ${TAG}`, false],
    ['with something behind', `${TAG}x`, false],
    ['empty', '', false],
  ];
  it.for(cases)('%s', ([, header, want], { expect }) => {
    expect(matchesEntityTag(header, TAG)).toBe(want);
  });
});

describe('RFC 9110 §13.1.5 If-Range', () => {
  const cases: readonly (readonly [name: string, header: string | null, want: boolean])[] = [
    ['absent', null, true],
    ['the same strong tag', TAG, true],
    ['a weak tag never', `W/${TAG}`, false],
    ['another tag', '"other"', false],
    ['a date never', 'Wed, 25 Nov 2026 00:00:00 GMT', false],
  ];
  it.for(cases)('%s', ([, header, want], { expect }) => {
    expect(rangeApplies(header, TAG)).toBe(want);
  });
});

describe('RFC 9110 §14.1.2 Range', () => {
  const cases: readonly (readonly [header: string, want: ReturnType<typeof parseRange>])[] = [
    ['bytes=0-0', { offset: 0, length: 1 }],
    ['bytes=0-99', { offset: 0, length: 100 }],
    ['bytes=10-', { offset: 10, length: 90 }],
    ['bytes=90-1000', { offset: 90, length: 10 }],
    ['bytes=-5', { offset: 95, length: 5 }],
    ['bytes=-500', { offset: 0, length: 100 }],
    ['Bytes=1-2', { offset: 1, length: 2 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-4', 'ignore'],
    ['bytes=-', 'ignore'],
    ['bytes=0-1,3-4', 'ignore'],
    ['items=0-1', 'ignore'],
    ['bytes=a-b', 'ignore'],
    ['bytes=9999999999999999999-', 'ignore'],
    ['', 'ignore'],
  ];
  it.for(cases)('%s of 100 bytes', ([header, want], { expect }) => {
    expect(parseRange(header, 100)).toEqual(want);
  });

  it('never reaches outside the object', ({ expect }) => {
    const bound = fc.option(fc.nat(300), { nil: '' });
    fc.assert(
      fc.property(bound, bound, fc.nat(200), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (typeof range === 'string') return;
        expect(range.length).toBeGreaterThan(0);
        expect(range.offset).toBeGreaterThanOrEqual(0);
        expect(range.offset + range.length).toBeLessThanOrEqual(size);
      }),
      { seed: 20261125, numRuns: 2000 },
    );
  });
});
