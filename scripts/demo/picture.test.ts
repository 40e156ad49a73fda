/** @module The demo's picture shows what happened, and a failure as one. */
import { describe, it } from 'vitest';
import { demoPicture, type PicturedPhone, type PicturedRun } from './picture.ts';

const AUDIENCE: readonly PicturedPhone[] = [
  { number: 200, situation: 'published', expected: 2, found: 2, wrong: 0, after: 'same' },
  { number: 201, situation: 'published', expected: 1, found: 1, wrong: 0, after: 'same' },
  { number: 202, situation: 'replay', expected: 0, found: 0, wrong: 0, after: 'same' },
];
const RUN: PicturedRun = {
  phones: 1000,
  infected: 200,
  keysShared: 2800,
  dummies: 400,
  keysPublished: 2130,
  bytesPerKey: 17.79,
  audience: AUDIENCE,
  forged: { uploads: 12, keys: 125, left: 0 },
};

const fills = (svg: string): string[] =>
  [...svg.matchAll(/<rect [^>]*width="13"[^>]* fill="(#\w+)"/g)].map(([, fill = '']) => fill);

describe('demoPicture', () => {
  it('gives each phone a place of its own in the crowd', ({ expect }) => {
    const places = [...demoPicture(RUN).matchAll(/M[\d.]+ [\d.]+h0/g)].map(([place]) => place);
    expect(new Set(places).size).toBe(1000);
  });

  it('fills the squares of phones that found all, leaves those empty that had nothing to find', ({ expect }) => {
    const svg = demoPicture(RUN);
    expect(fills(svg)).toEqual(['#009e73', '#009e73', '#ffffff']);
    expect(svg).toContain('3 of 3 encounters found, 0 missed, 0 false: 2 phones warn, 1 rightly stay silent');
  });

  it.for<[string, PicturedPhone, string]>([
    [
      'a missed encounter',
      { number: 200, situation: 'published', expected: 2, found: 1, wrong: 0, after: 'same' },
      '1 missed, 0 false',
    ],
    [
      'a false alarm',
      { number: 202, situation: 'replay', expected: 0, found: 0, wrong: 1, after: 'same' },
      '0 missed, 1 false',
    ],
  ])('shows %s in black, and says nothing of rightly', ([, phone, counted], { expect }) => {
    const svg = demoPicture({ ...RUN, audience: [phone] });
    expect(fills(svg)).toEqual(['#000000']);
    expect(svg).toContain(counted);
    expect(svg).not.toContain('rightly');
  });

  it('has a colour of its own for a warning that was taken back, and shows one that its platform keeps', ({
    expect,
  }) => {
    const [met, ...others] = AUDIENCE;
    const svg = (after: PicturedPhone['after'], left = 0): string =>
      demoPicture({ ...RUN, audience: [{ ...met!, after }, ...others], forged: { uploads: 12, keys: 125, left } });
    expect(fills(svg('withdrawn'))).toEqual(['#cc79a7', '#009e73', '#ffffff']);
    expect(svg('withdrawn')).toContain('wholly or in part: 1 phones');
    expect(fills(svg('kept'))).toEqual(['#e69f00', '#009e73', '#ffffff']);
    expect(svg('kept')).toContain('confirmed test: 1<');
    expect(svg('same', 3)).toContain('125 keys end, a day later 3 of them are left');
  });

  it('draws the same bytes for the same run', ({ expect }) => {
    expect(demoPicture(RUN)).toBe(demoPicture(structuredClone(RUN)));
  });
});
