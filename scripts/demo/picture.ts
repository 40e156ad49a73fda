/**
 * @module The picture of the demo's story (README.md shows docs/demo.svg, and CI compares it with what a run draws): every phone a
 * dot, every phone that downloaded a square with what it found. Pure: SVG text out of plain data. Nothing in it depends on the
 * machine or on the keys that a run signs with, so the same seed draws the same bytes.
 */
import { escapeText } from '../support/chart.ts';

/** Whom a phone that downloads has been near. */
export type Situation =
  /** Somebody whose key of that day is published. */
  | 'published'
  /** Only somebody whose key is left out, its risk level being too low. */
  | 'left-out'
  /** An attacker who sent a broadcast again, hours later. */
  | 'replay'
  | 'healthy'
  | 'nobody';

/** One phone that downloaded and matched. */
export interface PicturedPhone {
  readonly number: number;
  readonly situation: Situation;
  /** Keys that it met and was to find. */
  readonly expected: number;
  /** Of these, found. */
  readonly found: number;
  /** Found although it never met them. */
  readonly wrong: number;
  /** What a rollback did to its warning: nothing; took keys of it back; should have, but its platform keeps what was confirmed. */
  readonly after: 'same' | 'withdrawn' | 'kept';
}

/** What the picture says beside the phones. */
export interface PicturedRun {
  readonly phones: number;
  /** Phones 0..infected−1 share their keys. */
  readonly infected: number;
  readonly keysShared: number;
  readonly dummies: number;
  /** Of people; synthetic ones beside them are drawn anew in each run. */
  readonly keysPublished: number;
  readonly bytesPerKey: number;
  readonly audience: readonly PicturedPhone[];
  /** Uploads by code cards of the batch that proved forged, their published keys, and those that a phone gets a day later. */
  readonly forged: { readonly uploads: number; readonly keys: number; readonly left: number };
}

const WIDTH = 880;
const HEIGHT = 418;
const INK = '#1b1f24';
const SOFT = '#57606a';
/** Told apart by people who see red and green alike (Okabe and Ito's palette). */
const COLOUR = {
  shared: '#d55e00',
  watching: '#0072b2',
  other: '#d0d7de',
  right: '#009e73',
  withdrawn: '#cc79a7',
  kept: '#e69f00',
  broken: '#000000',
} as const;

const DOT_COLUMNS = 40;
const DOT_PITCH = 7.4;
/** Powers of 11 modulo the prime 1,009 come to each of 1..1,008 once, in no visible order: places for up to 1,008 phones. */
const PLACES = { prime: 1009, root: 11 } as const;
const SQUARE_COLUMNS = 20;
const SQUARE_PITCH = 16;

const WARNED = { same: COLOUR.right, withdrawn: COLOUR.withdrawn, kept: COLOUR.kept } as const;

const GROUPS: readonly (readonly [Situation, string])[] = [
  ['published', 'met people whose keys are in the file'],
  ['left-out', 'met people whose keys were left out (risk below 3)'],
  ['replay', "heard an attacker's replay, hours late"],
  ['healthy', 'met healthy people only'],
  ['nobody', 'met nobody'],
];

const number = (value: number): string => value.toLocaleString('en-US');

function text(x: number, y: number, content: string, style = ''): string {
  return `<text x="${x}" y="${y}" ${style}>${escapeText(content)}</text>`;
}

const soft = `fill="${SOFT}"`;
const strong = 'font-size="13" font-weight="600"';

/** @returns a place in the crowd for each phone, such that neighbours by number stand apart */
function places(phones: number): number[] {
  const found: number[] = [];
  for (let power = 1; found.length < phones; power = (power * PLACES.root) % PLACES.prime) {
    if (power <= phones) found.push(power - 1);
  }
  return found;
}

/** A dot is a stroke of no length with a round end: one path a colour keeps the file small. */
function crowd(run: PicturedRun, left: number, top: number): string[] {
  const watching = new Set(run.audience.map((phone) => phone.number));
  const dots = Map.groupBy(
    Array.from({ length: run.phones }, (_, phone) => phone),
    (phone) => (phone < run.infected ? COLOUR.shared : watching.has(phone) ? COLOUR.watching : COLOUR.other),
  );
  const placeOf = places(run.phones);
  return [...dots].map(([colour, phones]) => {
    const path = phones.map((phone) => {
      const place = placeOf[phone] ?? 0;
      const x = left + (place % DOT_COLUMNS) * DOT_PITCH;
      const y = top + Math.floor(place / DOT_COLUMNS) * DOT_PITCH;
      return `M${x.toFixed(1)} ${y.toFixed(1)}h0`;
    });
    return `<path d="${path.join('')}" stroke="${colour}" stroke-width="5.6" stroke-linecap="round"/>`;
  });
}

function legend(run: PicturedRun, left: number, top: number): string[] {
  const others = run.phones - run.infected - run.audience.length;
  return (
    [
      [COLOUR.shared, `${run.infected} get a TAN and share ${number(run.keysShared)} keys`],
      [COLOUR.watching, `${run.audience.length} download, verify and match, each for itself`],
      [COLOUR.other, `${others} others`],
    ] as const
  ).flatMap(([colour, label], row) => mark(colour, left, top + row * 18, label));
}

/** @returns a dot of a colour and what it means */
function mark(colour: string, left: number, y: number, label: string): string[] {
  return [`<circle cx="${left}" cy="${y - 4}" r="4" fill="${colour}"/>`, text(left + 12, y, label)];
}

function arrow(x1: number, x2: number, y: number): string {
  return `<path d="M${x1} ${y}H${x2}m-7 -5l7 5l-7 5" fill="none" stroke="${SOFT}" stroke-width="1.6"/>`;
}

/** A sheet of paper with its corner folded. */
function sheet(run: PicturedRun, left: number, top: number): string[] {
  const line = (row: number, content: string, style = soft): string =>
    text(left + 58, top + 30 + row * 17, content, `text-anchor="middle" ${style}`);
  return [
    `<path d="M${left} ${top}h96l20 20v98h-116z" fill="#f6f8fa" stroke="${SOFT}"/>`,
    `<path d="M${left + 96} ${top}v20h20" fill="none" stroke="${SOFT}"/>`,
    line(0, 'one hour,', strong),
    line(1, 'sealed', strong),
    line(2.4, `${number(run.keysPublished)} keys,`),
    line(3.4, `${run.bytesPerKey.toFixed(1)} bytes each,`),
    line(4.4, 'sorted, signed'),
    text(left + 58, top + 140, `${run.dummies} dummies were`, `text-anchor="middle" ${soft}`),
    text(left + 58, top + 155, 'sent beside them', `text-anchor="middle" ${soft}`),
  ];
}

/** Green: it found all it was to find. Empty: nothing to find, nothing found. Black: wrong. Pink: keys of its warning were taken back. Orange: they were forged, and it keeps them. */
function square(phone: PicturedPhone, x: number, y: number): string {
  const broken = phone.found !== phone.expected || phone.wrong > 0;
  const fill = broken ? COLOUR.broken : phone.found > 0 ? WARNED[phone.after] : '#ffffff';
  const box = `<rect x="${x}" y="${y}" width="13" height="13" rx="2" fill="${fill}" stroke="${broken || phone.found > 0 ? fill : '#8c959f'}"/>`;
  if (phone.found + phone.wrong === 0) return box;
  const style = 'text-anchor="middle" font-size="9.5" fill="#ffffff"';
  return box + text(x + 6.5, y + 10, String(phone.found + phone.wrong), style);
}

function groups(run: PicturedRun, left: number, top: number): string[] {
  const parts: string[] = [];
  let y = top;
  for (const [situation, label] of GROUPS) {
    const members = run.audience.filter((phone) => phone.situation === situation);
    if (members.length === 0) continue;
    parts.push(text(left, y, `${members.length} ${label}`));
    members.forEach((phone, at) => {
      const row = Math.floor(at / SQUARE_COLUMNS);
      parts.push(square(phone, left + (at % SQUARE_COLUMNS) * SQUARE_PITCH, y + 6 + row * SQUARE_PITCH));
    });
    y += 26 + Math.ceil(members.length / SQUARE_COLUMNS) * SQUARE_PITCH;
  }
  return parts;
}

/**
 * Draws a run.
 *
 * @param run at most 1,008 phones
 * @returns one SVG document, 880 × 418, white behind everything
 */
export function demoPicture(run: PicturedRun): string {
  const sum = (value: (phone: PicturedPhone) => number): number =>
    run.audience.reduce((n, phone) => n + value(phone), 0);
  const expected = sum((phone) => phone.expected);
  const found = sum((phone) => phone.found);
  const alarmed = run.audience.filter((phone) => phone.found + phone.wrong > 0).length;
  const right = run.audience.every((phone) => phone.found === phone.expected && phone.wrong === 0);
  const verdict =
    `${found} of ${expected} encounters found, ${expected - found} missed, ${sum((phone) => phone.wrong)} false: ` +
    `${alarmed} phones warn, ${run.audience.length - alarmed}${right ? ' rightly' : ''} stay silent`;
  const count = (after: PicturedPhone['after']): number => run.audience.filter((phone) => phone.after === after).length;
  const { uploads, keys, left: remaining } = run.forged;
  const rolledBack = `Then ${uploads} code cards prove forged and are rolled back by two people: ${keys} keys end, a day later ${remaining} of them are left`;
  const takenBack = `warning taken back, wholly or in part: ${count('withdrawn')} phones`;
  const keep = `kept, by Android’s rule for a confirmed test: ${count('kept')}`;
  const parts = [
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#ffffff" stroke="#d0d7de"/>`,
    text(24, 32, `${number(run.phones)} phones live 14 days`, strong),
    ...crowd(run, 28, 50),
    ...legend(run, 28, 256),
    arrow(334, 362, 130),
    ...sheet(run, 374, 64),
    arrow(500, 528, 130),
    text(538, 32, 'Encounters that each phone found', strong),
    ...groups(run, 538, 56),
    `<path d="M24 322H${WIDTH - 24}" stroke="#d0d7de"/>`,
    text(24, 350, verdict, 'font-size="15" font-weight="600"'),
    text(24, 376, rolledBack),
    ...mark(COLOUR.withdrawn, 28, 398, takenBack),
    ...mark(COLOUR.kept, 338, 398, keep),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" ` +
    `aria-label="${escapeText(`${verdict}. ${rolledBack}; ${takenBack}, ${keep}`)}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="11.5" fill="${INK}">\n` +
    `${parts.join('\n')}\n</svg>\n`
  );
}
