/**
 * @module Whether the story of Google's dialect came out right: its figures against those that were to be. Nothing here knows what a server meant to do.
 */
import type { Sizes } from './wire.ts';

/** What a look of all listeners came to, by their encounters. */
export interface Look {
  readonly expected: number;
  readonly found: number;
  readonly missed: number;
  readonly wrong: number;
}

/** A count, and what it was to be. */
interface Counted {
  readonly is: number;
  readonly wanted: number;
}

export interface Figures {
  readonly inserted: Counted;
  readonly published: Counted;
  readonly nextDay: Counted;
  readonly revised: Counted;
  readonly takenBack: Counted;
  /** Keys new to the server when something else was said of keys. */
  readonly newWhenRevised: number;
  /** Keys that were taken back and a new phone gets. */
  readonly stillThere: number;
  /** Keys of which something was said anew twice. */
  readonly saidTwice: number;
  /** Phones that took a warning back. */
  readonly withdrawn: number;
  readonly looks: readonly Look[];
  /** By path. */
  readonly sizes: ReadonlyMap<string, Sizes>;
}

/** @returns a line for each figure that is wrong; none when the story is right */
export function wrongIn(figures: Figures): string[] {
  const { inserted, published, nextDay, revised, takenBack } = figures;
  const counts: readonly (readonly [string, Counted])[] = [
    ['keys that were new to the server', inserted],
    ['keys published of those sent', published],
    ['keys of the next day that were new', nextDay],
    ['keys revised', revised],
    ['keys taken back', takenBack],
    ['keys that were new when something else was said of them', { is: figures.newWhenRevised, wanted: 0 }],
    ['keys taken back that a new phone gets', { is: figures.stillThere, wanted: 0 }],
    ['keys of which something was said anew twice', { is: figures.saidTwice, wanted: 0 }],
    ...[...figures.sizes].flatMap(([path, { sent, answered }]) => [
      [`sizes of requests to ${path}`, { is: sent.size, wanted: 1 }] as const,
      [`sizes of answers of ${path}`, { is: answered.size, wanted: 1 }] as const,
    ]),
  ];
  return [
    ...counts.flatMap(([what, { is, wanted }]) => (is === wanted ? [] : [`${what}: ${is}, ${wanted} were to be`])),
    ...(figures.withdrawn === 0 ? ['no warning was taken back: the negative tests show nothing'] : []),
    ...figures.looks.flatMap(({ expected, missed, wrong }, n) => [
      ...(expected === 0 ? [`look ${n + 1}: no phone was to find anything: it shows nothing`] : []),
      ...(missed > 0 ? [`look ${n + 1}: ${missed} encounters were missed`] : []),
      ...(wrong > 0 ? [`look ${n + 1}: ${wrong} encounters were found that never happened, or were taken back`] : []),
    ]),
  ];
}
