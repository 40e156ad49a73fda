/**
 * @module What the person says of their symptoms, as a word on the command line.
 */
import type { Symptoms } from '../upload/onset.ts';
import { UsageError } from './calling.ts';

const WORDS = ['last-seven-days', 'one-to-two-weeks', 'more-than-two-weeks', 'no-date', 'none', 'not-said'] as const;
/** Days since the first that an app lets a person choose (upload/onset.ts). */
const MOST_DAYS = 21;

/** For `--help`. */
export const SYMPTOM_WORDS = `0..${MOST_DAYS} (began so many days ago), ${WORDS.join(', ')}`;

/**
 * @param word as typed
 * @returns what it says
 * @throws {UsageError} for any other word
 */
export function symptomsOf(word: string): Symptoms {
  const kind = WORDS.find((one) => one === word);
  if (kind !== undefined) return { kind };
  const days = Number(word);
  if (/^\d{1,2}$/.test(word) && days <= MOST_DAYS) return { kind: 'days-ago', days };
  throw new UsageError(`share: --symptoms: "${word}" must be one of ${SYMPTOM_WORDS}`);
}
