/**
 * @module Patients that upload through the storm: each has its TAN and 14 keys, sends until it is acknowledged, or gives
 * up after a while (the phone was switched off), which must leave all of its keys or none.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { upload } from '../../phone/upload/upload.ts';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { enIntervalNumber, INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { issueTans } from './operator.ts';

const KEYS_PER_UPLOAD = 14;
const RETRY_MS = 100;

export interface Ledger {
  /** Hex of every key whose upload was answered with success. */
  readonly acknowledged: Set<string>;
  /** Keys of uploads that never were: all of one patient's or none may be published. */
  readonly abandoned: string[][];
  /** Keys of retries that heard that their TAN was used: their first attempt was stored, and lost with the storage. */
  readonly refused: string[][];
  attempts: number;
}

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

/**
 * One patient after the other until told to stop.
 *
 * @param name seeds keys and padding
 * @param now Unix seconds of the local clock
 * @param patience attempts before this patient gives up; Infinity never
 */
export async function runClient(
  url: string,
  name: string,
  now: () => number,
  patience: (patient: number) => number,
  stopped: () => boolean,
  ledger: Ledger,
): Promise<void> {
  const random = byteSource(name);
  for (let patient = 0; !stopped(); patient++) {
    const tan = await patiently(() => issueTans(url, 1));
    const keys = patientKeys(random, now());
    const content = { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 as const };
    const hexes = keys.map((key) => toHex(key.keyData));
    let stored = false;
    let refused = false;
    for (let attempt = 0; !stored && !refused && attempt < patience(patient); attempt++) {
      ledger.attempts++;
      const reply = await upload(tan[0] ?? '', content, { fetch, baseUrl: url, random });
      refused = !reply.ok && attempt > 0 && reply.error.kind === 'ask-hotline';
      if (!reply.ok && !refused && reply.error.kind !== 'try-again') {
        throw new Error(`upload: ${JSON.stringify(reply.error)}`);
      }
      stored = reply.ok;
      if (!stored) await sleep(RETRY_MS);
    }
    if (refused) ledger.refused.push(hexes);
    else if (stored) for (const hex of hexes) ledger.acknowledged.add(hex);
    else ledger.abandoned.push(hexes);
  }
}

/** Tries again while the edge is down. @throws the last error after a minute */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const until = Date.now() + 60_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > until) throw error;
      await sleep(RETRY_MS);
    }
  }
}
