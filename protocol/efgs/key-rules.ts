/**
 * @module What the gateway demands of a key (docs/spec/europe.md §3.4). One key that breaks a rule has the whole upload refused, so
 * a client looks first.
 */
import { enIntervalNumber, INTERVALS_PER_DAY } from '../gaen/intervals.ts';
import type { EfgsKey } from './batch.ts';

const KEY_DATA_BYTES = 16;
/** From midnight UTC of this many days ago. */
const MAX_AGE_DAYS = 15;
const MAX_RISK_LEVEL = 8;
/** Transmission risk level of a key that has none. */
export const NO_RISK_LEVEL = 0x7fffffff;

export type KeyFault = 'key-data' | 'too-old' | 'future' | 'rolling-period' | 'risk-level';

/** @param key any key @param now Unix seconds @returns the first rule it breaks, or null */
export function keyFault(key: EfgsKey, now: number): KeyFault | null {
  const interval = enIntervalNumber(now);
  const oldest = (Math.floor(interval / INTERVALS_PER_DAY) - MAX_AGE_DAYS) * INTERVALS_PER_DAY;
  if (key.keyData.length !== KEY_DATA_BYTES) return 'key-data';
  if (key.rollingStartIntervalNumber < oldest) return 'too-old';
  if (key.rollingStartIntervalNumber > interval + 1) return 'future';
  if (key.rollingPeriod < 1 || key.rollingPeriod > INTERVALS_PER_DAY) return 'rolling-period';
  const level = key.transmissionRiskLevel;
  return (level >= 0 && level <= MAX_RISK_LEVEL) || level === NO_RISK_LEVEL ? null : 'risk-level';
}
