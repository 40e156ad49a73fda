/**
 * @module Patients' keys and bytes that a seed draws, for chaos, attacks, fuzz and benchmarks.
 */
import { createHash } from 'node:crypto';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { enIntervalNumber, INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';

const KEYS_PER_UPLOAD = 14;

/** Deterministic bytes: SHA-256 in counter mode. */
export function byteSource(seed: string): (length: number) => Uint8Array {
  let counter = 0;
  return (length) => {
    const out = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      out.set(
        createHash('sha256')
          .update(`${seed}/${counter++}`)
          .digest()
          .subarray(0, length - at),
        at,
      );
    }
    return out;
  };
}

/** 14 keys of the 14 days before `now`, of a risk that is published. */
export function patientKeys(random: (length: number) => Uint8Array, now: number): SharedKey[] {
  const today = enIntervalNumber(now) - (enIntervalNumber(now) % INTERVALS_PER_DAY);
  return Array.from({ length: KEYS_PER_UPLOAD }, (_, i) => ({
    keyData: random(16),
    rollingStartIntervalNumber: today - (i + 1) * INTERVALS_PER_DAY,
    rollingPeriod: INTERVALS_PER_DAY,
    transmissionRiskLevel: 3 + (i % 6),
    daysSinceOnsetOfSymptoms: null,
  }));
}
