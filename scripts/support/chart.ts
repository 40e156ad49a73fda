/**
 * @module Line and bar charts as SVG text, without a library: what the load report and the capacity model draw. Pure.
 * Colours follow the page when it sets `--ink`, `--line` and `--paper`; the fallbacks are for a file seen alone.
 */

/** One line of a chart. Points must be finite; on a logarithmic axis also above 0. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn dashed: a target or an estimate, not a measurement. */
  readonly dashed?: boolean;
}

/** How an axis is scaled and named. */
export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  /** Text of a tick; default: a short number. */
  readonly format?: (value: number) => string;
}

/** Told apart by people who see red and green alike; dark enough on white and light enough on black. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#56b4e9'] as const;

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = { left: 68, right: 16, top: 34, bottom: 46 };
const INNER_WIDTH = WIDTH - MARGIN.left - MARGIN.right;
const INNER_HEIGHT = HEIGHT - MARGIN.top - MARGIN.bottom;

/**
 * Makes text safe inside HTML and SVG.
 *
 * @param text anything
 * @returns the text with its five special characters replaced
 */
export function escapeText(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/**
 * Shortens a number for an axis: `1.5k`, `720M`, `0.05`.
 *
 * @param value finite
 * @returns at most three significant digits and a unit prefix
 */
export function shortNumber(value: number): string {
  for (const [limit, suffix] of [
    [1e15, 'P'],
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(value) >= limit) return `${Number((value / limit).toPrecision(3))}${suffix}`;
  }
  return `${Number(value.toPrecision(3))}`;
}

/** Where a value lies between 0 and 1, and the ticks to draw. */
interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

function scaleOf(values: readonly number[], axis: Axis): Scale {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return axis.scale === 'log' ? logScale(low, high) : linearScale(Math.min(0, low), high);
}

function linearScale(low: number, high: number): Scale {
  const span = high > low ? high - low : 1;
  const magnitude = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => span / s <= 5) ?? span;
  const bottom = Math.floor(low / step) * step;
  const top = Math.ceil((low + span) / step) * step;
  const count = Math.round((top - bottom) / step);
  const ticks = Array.from({ length: count + 1 }, (_, i) => bottom + i * step);
  return { place: (value) => (value - bottom) / (top - bottom), ticks };
}

function logScale(low: number, high: number): Scale {
  const bottom = Math.floor(Math.log10(low));
  const top = Math.max(bottom + 1, Math.ceil(Math.log10(high)));
  const every = Math.ceil((top - bottom) / 6);
  const ticks = Array.from({ length: top - bottom + 1 }, (_, i) => 10 ** (bottom + i)).filter(
    (_, i) => i % every === 0,
  );
  return { place: (value) => (Math.log10(value) - bottom) / (top - bottom), ticks };
}

/**
 * Draws lines over numbers.
 *
 * @param title stands above the plot
 * @param series one or more, at least one point together
 * @param x the horizontal axis
 * @param y the vertical axis
 * @returns one `<svg>` element, 640 × 300, or a paragraph when there is no point
 */
export function lineChart(title: string, series: readonly Series[], x: Axis, y: Axis): string {
  const usable = series.map((s) => ({ ...s, points: s.points.filter(([px, py]) => fits(px, x) && fits(py, y)) }));
  const points = usable.flatMap((s) => s.points);
  if (points.length === 0) return `<p>${escapeText(title)}: nothing was measured.</p>`;
  const xs = scaleOf(
    points.map(([px]) => px),
    x,
  );
  const ys = scaleOf(
    points.map(([, py]) => py),
    y,
  );
  const px = (value: number): string => (MARGIN.left + xs.place(value) * INNER_WIDTH).toFixed(1);
  const py = (value: number): string => (MARGIN.top + (1 - ys.place(value)) * INNER_HEIGHT).toFixed(1);
  const lines = usable.map((s, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const dash = s.dashed === true ? ' stroke-dasharray="5 4"' : '';
    const path = s.points.map(([a, b]) => `${px(a)},${py(b)}`).join(' ');
    if (s.points.length === 1) {
      const [a, b] = s.points[0] ?? [0, 0];
      return `<circle cx="${px(a)}" cy="${py(b)}" r="3" fill="${colour}"/>`;
    }
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`;
  });
  const grid = [
    ...ys.ticks.map((t) => gridLine(MARGIN.left, py(t), WIDTH - MARGIN.right, py(t), tickText(t, y), 'y')),
    ...xs.ticks.map((t) => gridLine(px(t), MARGIN.top, px(t), HEIGHT - MARGIN.bottom, tickText(t, x), 'x')),
  ];
  return frame(title, [...grid, axisLabels(x.label, y.label), ...lines, legend(usable.map((s) => s.name))]);
}

/** One bar with its spread: the median, and the lowest and highest of the repetitions. */
export interface Bar {
  readonly name: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** A target or an estimate beside what was measured: drawn pale. */
  readonly pale?: boolean;
}

/**
 * Draws horizontal bars with the spread of their repetitions.
 *
 * @param title stands above the plot
 * @param bars in drawing order, values ≥ 0
 * @param unit follows each value
 * @returns one `<svg>` element
 */
export function barChart(title: string, bars: readonly Bar[], unit: string): string {
  const most = Math.max(...bars.map((bar) => bar.high), Number.MIN_VALUE);
  const left = 190;
  const span = WIDTH - left - 110;
  const rows = bars.map((bar, index) => {
    const top = MARGIN.top + 8 + index * 36;
    const at = (value: number): string => (left + (value / most) * span).toFixed(1);
    const label = `${shortNumber(bar.median)} ${unit}`;
    return (
      `<text x="${left - 8}" y="${top + 15}" text-anchor="end">${escapeText(bar.name)}</text>` +
      `<rect x="${left}" y="${top}" width="${((bar.median / most) * span).toFixed(1)}" height="20" ` +
      `fill="${COLOURS[0]}"${bar.pale === true ? ' fill-opacity="0.3"' : ''}/>` +
      spread(bar, at, top) +
      `<text x="${Number(at(bar.high)) + 8}" y="${top + 15}">${escapeText(label)}</text>`
    );
  });
  return frame(title, rows, MARGIN.top + 16 + bars.length * 36);
}

/** The whisker from lowest to highest; nothing where there is but one value. */
function spread(bar: Bar, at: (value: number) => string, top: number): string {
  if (bar.low === bar.high) return '';
  const path = `M${at(bar.low)} ${top + 10}H${at(bar.high)}M${at(bar.low)} ${top + 5}v10M${at(bar.high)} ${top + 5}v10`;
  return `<path d="${path}" stroke="var(--ink,#222)" stroke-width="1.5"/>`;
}

const fits = (value: number, axis: Axis): boolean => Number.isFinite(value) && (axis.scale === 'linear' || value > 0);

const tickText = (value: number, axis: Axis): string => (axis.format ?? shortNumber)(value);

function gridLine(
  x1: number | string,
  y1: number | string,
  x2: number | string,
  y2: number | string,
  text: string,
  axis: 'x' | 'y',
): string {
  const place =
    axis === 'y'
      ? `x="${Number(x1) - 6}" y="${Number(y1) + 4}" text-anchor="end"`
      : `x="${x1}" y="${Number(y2) + 16}" text-anchor="middle"`;
  return (
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="var(--line,#ddd)"/>` +
    `<text ${place}>${escapeText(text)}</text>`
  );
}

function axisLabels(x: string, y: string): string {
  const middle = MARGIN.top + INNER_HEIGHT / 2;
  return (
    `<text x="${MARGIN.left + INNER_WIDTH / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeText(x)}</text>` +
    `<text x="14" y="${middle}" text-anchor="middle" transform="rotate(-90 14 ${middle})">${escapeText(y)}</text>`
  );
}

function legend(names: readonly string[]): string {
  if (names.length < 2) return '';
  let x = MARGIN.left + 10;
  const entries = names.map((name, index) => {
    const entry =
      `<rect x="${x}" y="${MARGIN.top - 9}" width="12" height="4" fill="${COLOURS[index % COLOURS.length]}"/>` +
      `<text x="${x + 16}" y="${MARGIN.top - 3}">${escapeText(name)}</text>`;
    x += 30 + name.length * 6.2;
    return entry;
  });
  return entries.join('');
}

function frame(title: string, parts: readonly string[], height = HEIGHT): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
    `aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="11" fill="var(--ink,#222)">` +
    `<text x="${MARGIN.left}" y="15" font-size="13" font-weight="600">${escapeText(title)}</text>` +
    `${parts.join('')}</svg>`
  );
}
