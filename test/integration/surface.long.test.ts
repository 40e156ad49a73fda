/**
 * @module Today's Workers can be called by those of the last release, and call them: nothing that crosses between Workers, or between a Worker and its objects, has changed at once (docs/releasing.md, "Two releases").
 */
import { it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';
import { AGREED_BREAKS } from '../../scripts/release/agreed-breaks.ts';
import { breaksBetween, TWO_RELEASES } from '../../scripts/release/compare-surfaces.ts';
import { readSurface } from '../../scripts/release/read-surface.ts';
import { keptReleases, surfaceOf } from '../support/releases/archive.ts';

const lines = (breaks: readonly { readonly at: string; readonly what: string }[]): string[] =>
  breaks.map(({ at, what }) => `${at} ${what}`).toSorted();

it('what Workers and objects answer to is what those of the last release call, or was agreed to', ({ expect }) => {
  const before = surfaceOf(keptReleases().at(-1) ?? '');
  const now = readSurface(ROOT);
  // The reading is of all of them: a Worker that it doesn't see breaks nothing.
  expect(Object.keys(now.methods)).toEqual(expect.arrayContaining(Object.keys(before.methods)));
  expect(Object.values(now.methods).flatMap((methods) => Object.keys(methods)).length).toBeGreaterThan(300);
  expect(lines(breaksBetween(before, now)), TWO_RELEASES).toEqual(lines(AGREED_BREAKS));
});
