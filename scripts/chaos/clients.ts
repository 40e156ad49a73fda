/**
 * @module Patients that upload through the storm: each has its TAN, 14 keys and a secret a key, sends until it is acknowledged, or gives up after a while (the
 * phone was switched off), which must leave all of its keys or none. Some have their TAN by a code card of a batch that will be rolled back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryStore } from '../../phone/store.ts';
import { heardOf } from '../../phone/testing/heard.ts';
import type { Sighting } from '../../phone/radio/sighting.ts';
import type { PlaybookPorts } from '../../phone/course/playbook.ts';
import { upload } from '../../phone/upload/upload.ts';
import type { SharedKey } from '../../phone/upload/upload-request.ts';
import { type KeptSecret, withSecrets } from '../../phone/upload/withdrawal.ts';
import { typeCode } from '../../phone/verification/codes.ts';
import { register, tan, testResult, type VerificationFailure } from '../../phone/verification/verification.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import { issueTans } from '../support/operator.ts';
import { byteSource, patientKeys } from '../support/patients.ts';

const RETRY_MS = 100;
/** A run that failed ends with its edge: nobody goes on trying for the sake of a client. */
const again = (): Promise<void> => sleep(RETRY_MS, undefined, { ref: false });
/** A kill, a loss and a restore that is killed too, on a busy machine. */
const PATIENCE_MS = 180_000;
/** Phones met these keys' owners, by their place among the patient's: days that outlive the run. */
const MET = [0, 2];
const MET_AT = 70;

/** One upload, from its keys to what became of it. */
export interface Patient {
  readonly keys: readonly SharedKey[];
  /** Hex of the keys, in their order. */
  readonly names: readonly string[];
  /** What takes them back. */
  readonly openings: readonly Opening[];
  /** Of the code card; null: an operator's TAN. */
  readonly batchId: string | null;
  /** refused: a retry heard that its TAN was used (its first attempt was stored and lost with the storage), or its batch had ended. */
  upload: 'sending' | 'acknowledged' | 'abandoned' | 'refused';
  /** asked: nobody heard an answer, so it may have been done or not. */
  withdrawal: 'none' | 'asked' | 'heard';
}

/** All that was sent. */
export interface Ledger {
  readonly patients: Patient[];
  /** What the phones that download heard of some of these, and hex of the keys. */
  readonly heard: Sighting[];
  readonly met: Set<string>;
  attempts: number;
}

/** Cards of one batch. */
export interface Batch {
  readonly batchId: string;
  /** Not used yet. */
  readonly codes: string[];
}

/** What a client works with. */
export interface ClientPorts {
  readonly url: string;
  /** Seeds keys and padding. */
  readonly name: string;
  /** Unix seconds of the local clock. */
  readonly now: () => number;
  /** The batch whose cards it has; null: it has its TANs from an operator. */
  readonly batch: () => Batch | null;
  /** Attempts before this patient gives up; Infinity never. */
  readonly patience: (patient: number) => number;
  readonly stopped: () => boolean;
}

/** @returns hex of every key whose upload was answered with success */
export function acknowledged({ patients }: Ledger): Set<string> {
  return new Set(patients.flatMap(({ upload: fate, names }) => (fate === 'acknowledged' ? names : [])));
}

/** One patient after the other until told to stop. @throws Error for an answer that nothing here explains */
export async function runClient(ports: ClientPorts, ledger: Ledger): Promise<void> {
  const random = byteSource(ports.name);
  for (let patient = 0; !ports.stopped(); patient++) {
    const batch = ports.batch();
    const code = batch?.codes.pop();
    const given = code === undefined ? null : await cardTan(code, playbookPorts(ports.url, random));
    // The card's batch has ended: it can't be had any more.
    if (code !== undefined && given === null) continue;
    const [own] = given === null ? await patiently(() => issueTans(ports.url, 1)) : [given];
    await share(ports, random, ledger, own ?? '', {
      batchId: given === null ? null : batch!.batchId,
      patience: ports.patience(patient),
    });
  }
}

/** @param random source of bytes @returns ports of a phone of the edge */
export function playbookPorts(url: string, random: PlaybookPorts['random']): PlaybookPorts {
  return { fetch, baseUrl: url, verificationUrl: url, random };
}

async function share(
  { url, now, stopped }: ClientPorts,
  random: PlaybookPorts['random'],
  ledger: Ledger,
  ownTan: string,
  { batchId, patience }: { readonly batchId: string | null; readonly patience: number },
): Promise<void> {
  const drawn = patientKeys(random, now());
  const secrets = memoryStore<readonly KeptSecret[]>();
  const shared = { keys: drawn, visitedCountries: [], consentToFederation: false, submissionType: 0 as const };
  const content = await withSecrets(shared, { secrets, random, clock: now });
  const kept = await secrets.load();
  const patient: Patient = {
    keys: content.keys,
    names: content.keys.map(({ keyData }) => toHex(keyData)),
    openings: kept.ok ? (kept.value ?? []).map(({ keyData, secret }) => ({ keyData, secret })) : [],
    batchId,
    upload: 'sending',
    withdrawal: 'none',
  };
  ledger.patients.push(patient);
  for (const n of MET) {
    ledger.heard.push(heardOf(drawn[n]!, MET_AT));
    ledger.met.add(patient.names[n]!);
  }
  for (let attempt = 0; attempt < patience; attempt++) {
    ledger.attempts++;
    const reply = await upload(ownTan, content, playbookPorts(url, random));
    if (reply.ok) {
      patient.upload = 'acknowledged';
      return;
    }
    if (reply.error.kind === 'ask-hotline' && (attempt > 0 || batchId !== null)) {
      patient.upload = 'refused';
      return;
    }
    if (reply.error.kind !== 'try-again') throw new Error(`upload: ${JSON.stringify(reply.error)}`);
    if (stopped() && attempt * RETRY_MS > PATIENCE_MS) throw new Error('upload: nobody stores it any more');
    await again();
  }
  patient.upload = 'abandoned';
}

/** @returns the TAN of a code card, or null when its batch has ended */
async function cardTan(code: string, ports: PlaybookPorts): Promise<string | null> {
  const typed = typeCode(code);
  if (!typed.ok) throw new Error(`code card: ${typed.error.kind}`);
  const token = await answered(() => register(typed.value, ports));
  if (token === null) return null;
  if ((await answered(() => testResult(token, ports))) === null) return null;
  return answered(() => tan(token, ports));
}

/** Asks again while the edge is down. @returns null for a no */
async function answered<T>(ask: () => Promise<Result<T, VerificationFailure>>): Promise<T | null> {
  return patiently(async () => {
    const reply = await ask();
    if (reply.ok) return reply.value;
    if (reply.error.kind === 'ask-hotline') return null;
    throw new Error(`verification: ${'status' in reply.error ? (reply.error.status ?? 'no answer') : reply.error.why}`);
  });
}

/** Tries again while the edge is down. @throws the last error after some minutes */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > until) throw error;
      await again();
    }
  }
}
