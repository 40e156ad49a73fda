/**
 * @module The numbers of key validation, each with its reason.
 */
import { INTERVALS_PER_DAY, RETENTION_DAYS } from '../../protocol/gaen/intervals.ts';

/**
 * Most keys of one upload that are published: a phone keeps 14 days and today (docs/spec/gaen.md §1), and each day has two keys
 * where it was cut once. Counted when the rules that drop keys have had their turn; on the wire there may be as many as
 * protocol/submission-payload.ts reads.
 */
export const MAX_KEYS_PER_UPLOAD = 2 * (RETENTION_DAYS + 1);
export const KEY_DATA_BYTES = 16;
/** docs/spec/gaen.md §4.2: phones ignore or choke on anything outside 1..144. */
export const MAX_ROLLING_PERIOD = INTERVALS_PER_DAY;
/**
 * Same-day release gives several keys that begin at one midnight, or each where the one before was cut; Google's server allows
 * three (docs/spec/google.md §2.1).
 */
export const MAX_KEYS_OF_ONE_DAY = 3;
/** From the start of a phone's oldest key to the end of its newest: 14 days of history and today. */
export const MAX_SPAN_INTERVALS = (RETENTION_DAYS + 1) * INTERVALS_PER_DAY;
/** CWA's own levels; 0 means "unused" and is never sent (docs/spec/cwa.md §2.1 rule 6). */
export const MIN_RISK_LEVEL = 1;
export const MAX_RISK_LEVEL = 8;
/** Submission types that go with a TAN: PCR test, rapid test, host warning (docs/spec/cwa.md §1.1). */
export const SUBMISSION_TYPES_WITH_TAN: readonly number[] = [0, 1, 2];
/** Largest start the wire's int32 can hold. */
export const MAX_ROLLING_START = 2 ** 31 - 1;
