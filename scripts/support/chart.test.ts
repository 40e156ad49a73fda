import { describe, it } from 'vitest';
import { barChart, escapeText, lineChart, shortNumber } from './chart.ts';

const linear = { label: 'x', scale: 'linear' } as const;
const log = { label: 'y', scale: 'log' } as const;

describe('a chart', () => {
  it('has no broken coordinate, whatever the points', ({ expect }) => {
    const odd = [
      [[0, 0]],
      [
        [1, 5],
        [1, 5],
      ],
      [
        [0, 1e-9],
        [1e12, 1e15],
      ],
      [
        [Number.NaN, 1],
        [2, Number.POSITIVE_INFINITY],
        [3, 4],
      ],
    ] as const;
    for (const points of odd) {
      for (const axis of [linear, log]) {
        const svg = lineChart('t', [{ name: 'a', points }], axis, axis);
        expect(svg).not.toMatch(/NaN|Infinity|undefined/);
      }
    }
  });

  it('says so when nothing was measured', ({ expect }) => {
    expect(lineChart('Rate', [{ name: 'a', points: [] }], linear, linear)).toBe('<p>Rate: nothing was measured.</p>');
  });

  it('names its lines when there are several', ({ expect }) => {
    const two = ['sessions/s', 'requests/s'].map((name) => ({ name, points: [[0, 1] as const, [1, 2] as const] }));
    const svg = lineChart('t', two, linear, linear);
    expect(svg).toContain('>sessions/s<');
    expect(svg).toContain('>requests/s<');
    expect(svg.match(/<polyline/g)).toHaveLength(2);
  });

  it('draws bars with their spread', ({ expect }) => {
    const svg = barChart('t', [{ name: 'a & b', median: 2, low: 1, high: 3 }], '/s');
    expect(svg).toContain('a &amp; b');
    expect(svg).toContain('2 /s');
  });
});

describe('text', () => {
  it('is safe inside HTML', ({ expect }) => {
    expect(escapeText(`<a href="x">'&'</a>`)).toBe('&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;');
  });

  it.for([
    [0.05, '0.05'],
    [999, '999'],
    [8_333, '8.33k'],
    [720e6, '720M'],
    [47.04e12, '47T'],
  ] as const)('%d is %s', ([value, text], { expect }) => {
    expect(shortNumber(value)).toBe(text);
  });
});
