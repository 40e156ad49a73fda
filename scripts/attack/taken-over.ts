/**
 * @module `npm run attack -- taken-over`: one Worker after the other does what it likes with what it is bound to, and the
 * rest must hold. A file below taken-over/ each.
 */
import type { Attack, Verdict } from './attack.ts';
import { takenOverConfig } from './taken-over/config.ts';
import { takenOverIndex } from './taken-over/index.ts';
import { takenOverLaboratory } from './taken-over/laboratory.ts';
import { takenOverPortal } from './taken-over/portal.ts';
import { takenOverUpload } from './taken-over/upload.ts';

/** A Worker that was taken over, tried on the system as it is and on one with a fault. */
type TakenOver = (seed: number, progress: (text: string) => void) => Promise<readonly Verdict[]>;

const WORKERS: readonly TakenOver[] = [
  takenOverUpload,
  takenOverPortal,
  takenOverIndex,
  takenOverConfig,
  takenOverLaboratory,
];

export const attack: Attack = {
  name: 'taken-over',
  summary: 'what a Worker that was taken over can do to the rest',
  async run({ seed, progress }) {
    const verdicts: Verdict[] = [];
    for (const worker of WORKERS) verdicts.push(...(await worker(seed, progress)));
    return verdicts;
  },
};
