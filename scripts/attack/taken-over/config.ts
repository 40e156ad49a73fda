/** @module `config`, taken over: see public-bucket.ts. */
import type { Verdict } from '../attack.ts';
import { takenOverReader } from './public-bucket.ts';

/** Sealed under attack, midnight among them. */
const HOURS = 6;

/** @param seed same seed, same strokes @param progress prints a line @returns the verdicts */
export async function takenOverConfig(
  seed: number,
  progress: (text: string) => void,
  hours = HOURS,
): Promise<readonly Verdict[]> {
  progress('config is taken over');
  return takenOverReader('config', seed, hours);
}
