/**
 * @module What becomes of a retry on a TAN that was used (docs/architecture.md §4.4): nobody remembers which keys it was used for, and
 * what keys are known by anyway, rows that wait and keyed hashes, answers in place of that.
 */
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { KeyStanding } from '../../domain/rpc.ts';
import { canBePublished, lastingHash, siftKeys } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import type { Ciphers } from './hour-keys.ts';

/**
 * Reads alone, so there is no crash to speak of.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 * @param keys as `accept` would be given them
 * @returns of each, in their order: known (by any upload, or as a decoy), new, or over (it can't be published any more)
 */
export function keyStandings(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  now: number,
  keys: readonly TemporaryExposureKey[],
): KeyStanding[] {
  const { fresh: found } = siftKeys(sql, config, ciphers, now, keys);
  const fresh = new Set(found.map(({ hash }) => toHex(hash)));
  return keys.map((key) => {
    if (!canBePublished(config, now, key)) return 'over';
    return fresh.has(toHex(lastingHash(config, key.keyData))) ? 'new' : 'known';
  });
}
