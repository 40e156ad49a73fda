/**
 * @module A library of encounters for the risk explorer: what two phones would hear of each other. Attenuations are
 * typical values for the distances named; real ones scatter by 10 dB and more (the simulator has that).
 */

import type { Phrase } from './texts/phrases.ts';

interface Segment {
  readonly minutes: number;
  /** dB at every scan of the segment. */
  readonly attenuation: number;
}

export interface Encounter {
  readonly name: Phrase;
  readonly segments: readonly Segment[];
  /** Whole UTC days before today. */
  readonly daysAgo: number;
  /** 1..8, of the infected person's key. */
  readonly transmissionRiskLevel: number;
}

export const LIBRARY: readonly Encounter[] = [
  {
    name: 'Brushing past in a shop',
    segments: [{ minutes: 1, attenuation: 45 }],
    daysAgo: 2,
    transmissionRiskLevel: 6,
  },
  {
    name: 'Bus, next seat, 12 min',
    segments: [{ minutes: 12, attenuation: 55 }],
    daysAgo: 3,
    transmissionRiskLevel: 5,
  },
  { name: 'Queue, 2 m, 15 min', segments: [{ minutes: 15, attenuation: 62 }], daysAgo: 1, transmissionRiskLevel: 6 },
  {
    name: 'Coffee for two, 30 min',
    segments: [{ minutes: 30, attenuation: 52 }],
    daysAgo: 2,
    transmissionRiskLevel: 8,
  },
  {
    name: 'Same coffee, early in the illness',
    segments: [{ minutes: 30, attenuation: 52 }],
    daysAgo: 2,
    transmissionRiskLevel: 3,
  },
  {
    name: 'Office day, 4 m, chats at the desk',
    segments: [
      { minutes: 120, attenuation: 70 },
      { minutes: 10, attenuation: 54 },
      { minutes: 180, attenuation: 71 },
      { minutes: 15, attenuation: 56 },
    ],
    daysAgo: 4,
    transmissionRiskLevel: 6,
  },
  {
    name: 'Train, same carriage, 90 min',
    segments: [{ minutes: 90, attenuation: 75 }],
    daysAgo: 5,
    transmissionRiskLevel: 7,
  },
  {
    name: 'Neighbours through a wall, 3 h',
    segments: [{ minutes: 180, attenuation: 82 }],
    daysAgo: 1,
    transmissionRiskLevel: 8,
  },
  {
    name: 'Household evening, 4 h',
    segments: [{ minutes: 240, attenuation: 58 }],
    daysAgo: 1,
    transmissionRiskLevel: 7,
  },
  {
    name: 'Dinner twelve days ago, 2 h',
    segments: [{ minutes: 120, attenuation: 55 }],
    daysAgo: 12,
    transmissionRiskLevel: 8,
  },
];

/** One attenuation for some minutes. */
export function constantEncounter(
  name: Phrase,
  minutes: number,
  attenuation: number,
  transmissionRiskLevel: number,
  daysAgo = 1,
): Encounter {
  return { name, segments: [{ minutes, attenuation }], daysAgo, transmissionRiskLevel };
}
