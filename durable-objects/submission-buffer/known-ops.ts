/**
 * @module What becomes of a retry on a TAN that was used (docs/architecture.md §4.4): nobody remembers which keys it was used for, and
 * what keys are known by anyway, rows that wait and keyed hashes, answers in place of that.
 */
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { canBePublished, newKeys } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';

/**
 * Reads alone, so there is no crash to speak of.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param keys as `accept` would be given them
 * @returns whether at least one of them can still be published, and each of those is known: by any upload, or as a decoy
 */
export function allKnown(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  keys: readonly TemporaryExposureKey[],
): boolean {
  const publishable = keys.filter((key) => canBePublished(config, now, key));
  return publishable.length > 0 && newKeys(sql, config, ciphers, now, publishable).length === 0;
}
