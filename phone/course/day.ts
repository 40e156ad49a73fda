/**
 * @module Whether a course is feigned today, and which ones are left out because real ones took their place: then neither the
 * number of courses nor that of any kind tells who was tested (docs/decisions/026).
 */
import type { RandomBytes } from '../random.ts';
import { type CoverSettings, feign, type Feigned, happens, type Kind, kindOf } from './course.ts';

/** Feigned courses whose place real ones took, and which are still to be left out, by kind. */
export type Replaced = Readonly<Record<Kind, number>>;
export const NONE_REPLACED: Replaced = { scanned: 0, typed: 0, pending: 0 };

/**
 * Whether a course is feigned on a UTC day.
 *
 * @param midnight first second of the UTC day, Unix seconds
 * @param replaced see {@link Replaced}
 * @param settings see {@link CoverSettings}
 * @param random source of bytes
 * @returns the course, null on most days, and how many are still to be left out
 */
export function coverOfDay(
  midnight: number,
  replaced: Replaced,
  settings: CoverSettings,
  random: RandomBytes,
): { begun: Feigned | null; replaced: Replaced } {
  if (!happens(settings.coverTraffic.probabilityPerDay, random)) return { begun: null, replaced };
  const begun = feign(midnight, settings, random);
  const kind = kindOf(begun);
  return replaced[kind] > 0 ? { begun: null, replaced: changed(replaced, kind, -1) } : { begun, replaced };
}

/**
 * @param replaced see {@link Replaced}
 * @param kind of the course
 * @param by how many more, or fewer
 * @returns the same with that number changed
 */
export function changed(replaced: Replaced, kind: Kind, by: number): Replaced {
  return { ...replaced, [kind]: replaced[kind] + by };
}
