/**
 * @module Two plots: what one phone heard over time with the weight of each attenuation range, and which level constant
 * encounters get by minutes and attenuation.
 */
import type { Parameters } from '../protocol/parameters/document.ts';
import { svg } from './dom.ts';
import { type Evaluation, levelAt } from './evaluate.ts';
import { say } from './texts/say.ts';

const WIDTH = 480;
const HEIGHT = 270;
const MARGIN = { left: 48, right: 12, top: 12, bottom: 40 };
const DB = { min: 30, max: 95 };
const DB_TICKS = [30, 40, 50, 60, 70, 80, 90];

type Scale = (value: number) => number;

function scale(min: number, max: number, from: number, to: number): Scale {
  return (value) => from + ((Math.min(max, Math.max(min, value)) - min) / (max - min)) * (to - from);
}

const plotBottom = HEIGHT - MARGIN.bottom;
const plotRight = WIDTH - MARGIN.right;

function frame(label: string, x: Scale, xTicks: readonly number[], y: Scale, yTicks: readonly number[]): SVGElement {
  const axes = svg('g', { class: 'axes' });
  for (const tick of xTicks) {
    axes.append(
      svg('line', { x1: x(tick), x2: x(tick), y1: plotBottom, y2: plotBottom + 4 }),
      svg('text', { x: x(tick), y: plotBottom + 16, 'text-anchor': 'middle' }, String(tick)),
    );
  }
  for (const tick of yTicks) {
    axes.append(
      svg('line', { x1: MARGIN.left - 4, x2: MARGIN.left, y1: y(tick), y2: y(tick) }),
      svg('text', { x: MARGIN.left - 8, y: y(tick) + 4, 'text-anchor': 'end' }, String(tick)),
    );
  }
  axes.append(
    svg('text', { x: (MARGIN.left + plotRight) / 2, y: HEIGHT - 6, 'text-anchor': 'middle' }, label),
    svg('text', { x: MARGIN.left + 6, y: MARGIN.top + 14 }, 'dB'),
    svg('rect', {
      x: MARGIN.left,
      y: MARGIN.top,
      width: plotRight - MARGIN.left,
      height: plotBottom - MARGIN.top,
      class: 'frame',
    }),
  );
  return axes;
}

function root(label: string): SVGElement {
  return svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: 'img',
    'aria-label': label,
  });
}

/** Near is at the top, as risk is. */
const decibels = scale(DB.min, DB.max, MARGIN.top, plotBottom);

function niceTicks(max: number): number[] {
  const step = [5, 10, 15, 30, 60, 120].find((candidate) => max / candidate <= 8) ?? 240;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, n) => n * step);
}

/** Attenuation of each scan, windows as boxes in the colour of their level, weight ranges as bands. */
export function timePlot(parameters: Parameters, evaluation: Evaluation): SVGElement {
  const { sightings } = evaluation.match;
  const start = sightings[0]!.timestamp;
  const length = Math.max(15, (sightings.at(-1)!.timestamp - start) / 60 + 5);
  const x = scale(0, length, MARGIN.left, plotRight);
  const plot = root(say('Attenuation over time'));
  const heaviest = Math.max(...parameters.riskCalculation.minutesAtAttenuationWeights.map(({ weight }) => weight), 0.1);
  for (const { attenuationRange, weight } of parameters.riskCalculation.minutesAtAttenuationWeights) {
    const top = decibels(attenuationRange.min);
    plot.append(
      svg('rect', {
        x: MARGIN.left,
        y: top,
        width: plotRight - MARGIN.left,
        height: Math.max(0, decibels(attenuationRange.max) - top),
        class: 'band',
        opacity: (0.45 * weight) / heaviest,
      }),
      svg('text', { x: plotRight - 6, y: top + 14, 'text-anchor': 'end', class: 'note' }, `× ${weight}`),
    );
  }
  plot.append(frame(say('minutes'), x, niceTicks(length), decibels, DB_TICKS));
  for (const { timestamp, attenuation } of sightings) {
    const minute = (timestamp - start) / 60;
    plot.append(
      svg('rect', {
        x: x(minute),
        y: decibels(attenuation) - 3,
        width: Math.max(2, x(minute + 5) - x(minute) - 1),
        height: 6,
        class: 'scan',
      }),
    );
  }
  return plot;
}

const MAP_MINUTES = { min: 0, max: 120, step: 5 };
const MAP_DB_STEP = 1;
const LEVEL_CLASS = ['none', 'low', 'high'] as const;

/** Level of constant encounters; the encounter that is looked at is marked. */
export function levelMap(
  parameters: Parameters,
  transmissionRiskLevel: number,
  marked: { readonly minutes: number; readonly attenuation: number } | null,
): SVGElement {
  const x = scale(MAP_MINUTES.min, MAP_MINUTES.max, MARGIN.left, plotRight);
  const plot = root(say('Level by minutes and attenuation'));
  for (let minutes = MAP_MINUTES.min; minutes < MAP_MINUTES.max; minutes += MAP_MINUTES.step) {
    for (let attenuation = DB.min; attenuation < DB.max; attenuation += MAP_DB_STEP) {
      const level = levelAt(parameters, minutes + MAP_MINUTES.step, attenuation, transmissionRiskLevel) ?? 0;
      plot.append(
        svg('rect', {
          x: x(minutes),
          y: decibels(attenuation),
          width: x(minutes + MAP_MINUTES.step) - x(minutes) + 0.5,
          height: decibels(attenuation + MAP_DB_STEP) - decibels(attenuation) + 0.5,
          class: `cell ${LEVEL_CLASS[level]}`,
          'shape-rendering': 'crispEdges',
        }),
      );
    }
  }
  plot.append(frame(say('minutes'), x, niceTicks(MAP_MINUTES.max), decibels, DB_TICKS));
  if (marked !== null) {
    plot.append(svg('circle', { cx: x(marked.minutes), cy: decibels(marked.attenuation), r: 6, class: 'mark' }));
  }
  return plot;
}
