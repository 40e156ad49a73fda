/** @module The demo's picture shows what happened, and a failure as one. */
import { describe, it } from 'vitest';
import { demoPicture, type PicturedPhone, type PicturedRun } from './picture.ts';

const AUDIENCE: readonly PicturedPhone[] = [
  { number: 200, situation: 'published', expected: 2, found: 2, wrong: 0 },
  { number: 201, situation: 'published', expected: 1, found: 1, wrong: 0 },
  { number: 202, situation: 'replay', expected: 0, found: 0, wrong: 0 },
];
const RUN: PicturedRun = {
  phones: 1000,
  infected: 200,
  keysShared: 2800,
  dummies: 400,
  keysPublished: 2130,
  bytesPerKey: 17.79,
  audience: AUDIENCE,
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
      { number: 200, situation: 'published', expected: 2, found: 1, wrong: 0 },
      '1 missed, 0 false',
    ],
    ['a false alarm', { number: 202, situation: 'replay', expected: 0, found: 0, wrong: 1 }, '0 missed, 1 false'],
  ])('shows %s in black, and says nothing of rightly', ([, phone, counted], { expect }) => {
    const svg = demoPicture({ ...RUN, audience: [phone] });
    expect(fills(svg)).toEqual(['#000000']);
    expect(svg).toContain(counted);
    expect(svg).not.toContain('rightly');
  });

  it('draws the same bytes for the same run', ({ expect }) => {
    expect(demoPicture(RUN)).toBe(demoPicture(structuredClone(RUN)));
  });
});
