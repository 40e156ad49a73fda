/**
 * @module The two ways decoys are drawn that are attacked: the one that stands, by the same functions as the buffer, and the former.
 */
import { DEFAULT_CHUNK_POLICY } from '../../../domain/chunk-policy.ts';
import { planDecoys } from '../../../domain/decoy-plan.ts';
import { drawDecoy } from '../../../domain/decoys.ts';
import { publishedForm } from '../../../domain/embargo.ts';
import { countUpload, forgetHalf, nothingReceived, type Received } from '../../../domain/received.ts';
import type { Filler } from './deployment.ts';
import { drawFormerDecoy } from './former.ts';
import type { Seeded } from '../../support/seeded.ts';

/** @returns decoys as the buffer draws them, with what this deployment has received so far */
export function currentDecoys(random: Seeded): Filler {
  let received: Received | null = null;
  return {
    publishedForm,
    observe: (shape, hour) => {
      const today = Math.floor(hour / 24);
      received ??= nothingReceived(random.bytes, today);
      received = countUpload(forgetHalf(random.bytes, received, today), shape, hour);
    },
    start: (set) => {
      const known = received ?? nothingReceived(random.bytes, Math.floor(set.hour / 24));
      const next = planDecoys(known, set);
      return () => {
        const planned = next(random.bytes);
        const request = { ...planned, sealed: set.hour, retentionDays: DEFAULT_CHUNK_POLICY.retentionDays };
        return { keys: drawDecoy(random.bytes, { ...request, received: known }), earliest: planned.asOf };
      };
    },
  };
}

/** @returns decoys as they were drawn before decision 021 */
export function formerDecoys(random: Seeded): Filler {
  return {
    publishedForm,
    observe: () => {},
    start:
      ({ hour }) =>
      () => ({ keys: drawFormerDecoy(random.bytes, hour), earliest: hour }),
  };
}
