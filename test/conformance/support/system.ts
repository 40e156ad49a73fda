/**
 * @module A whole deployment on the local edge, with keys published, for tests that only speak HTTP to it.
 */
import { createHash } from 'node:crypto';
import { INTERVALS_PER_DAY } from '../../../protocol/gaen/intervals.ts';
import {
  encodeSubmissionPayload,
  type SubmissionPayload,
  type SubmittedKey,
} from '../../../protocol/submission-payload.ts';
import { type LocalEdge, type LocalEdgeOptions, startLocalEdge } from '../../../local-edge/local-edge.ts';
import { issueTans, moveClock, setClock } from '../../../scripts/support/operator.ts';
import { type RawAnswer, type RawRequest, send } from './http.ts';

/** A Tuesday, 10:20 UTC: the first hour that will be sealed is 10 o'clock's. */
export const START = Date.UTC(2026, 10, 24, 10, 20) / 1000;
export const DAY_ONE = '2026-11-24';
export const DAY_TWO = '2026-11-25';
/** 03:10 UTC on the next day: day one is complete, hours 0, 1 and 2 of day two are sealed. */
export const PUBLISHED_AT = Date.UTC(2026, 10, 25, 3, 10) / 1000;
/** Ten patients of fourteen keys: the least that a chunk is published with. */
export const PATIENTS = 10;
export const KEYS_PER_PATIENT = 14;

export const UPLOAD_PATH = '/version/v1/diagnosis-keys';

/** A running deployment. */
export interface System {
  readonly edge: LocalEdge;
  /** Everything the Workers logged. */
  readonly log: readonly string[];
  readonly send: (path: string, options?: RawRequest) => Promise<RawAnswer>;
  /** @param tan null for a dummy */
  readonly upload: (tan: string | null, payload: SubmissionPayload) => Promise<RawAnswer>;
  readonly tans: (count: number) => Promise<string[]>;
}

/** Sixteen bytes that no other label gives. */
const keyData = (label: string): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(label).digest().subarray(0, 16));

/**
 * The keys of somebody who is tested today: one a day, the newest of yesterday.
 *
 * @param label names the patient
 * @param now Unix seconds
 * @param count 1..14 keys
 * @returns keys as CWA's Android app sends them
 */
export function patientKeys(label: string, now: number, count = KEYS_PER_PATIENT): SubmittedKey[] {
  const today = Math.floor(now / 86_400) * INTERVALS_PER_DAY;
  return Array.from({ length: count }, (_, i) => ({
    keyData: keyData(`${label}/${i}`),
    transmissionRiskLevel: 3 + (i % 6),
    rollingStartIntervalNumber: today - (i + 1) * INTERVALS_PER_DAY,
    rollingPeriod: INTERVALS_PER_DAY,
    reportType: 1,
    daysSinceOnsetOfSymptoms: null,
  }));
}

/** @param keys keys @param changes other fields @returns a payload as CWA's Android app makes it (docs/spec/cwa.md §1.3) */
export function payloadOf(keys: readonly SubmittedKey[], changes: Partial<SubmissionPayload> = {}): SubmissionPayload {
  return {
    keys,
    requestPadding: new Uint8Array(28 * Math.max(15 - keys.length, 0)).fill(0x41),
    visitedCountries: ['DE'],
    origin: 'DE',
    consentToFederation: true,
    checkIns: [],
    submissionType: 0,
    checkInProtectedReports: [],
    cover: null,
    authorization: null,
    ...changes,
  };
}

/**
 * Starts a deployment at {@link START}.
 *
 * @param options state directory and variables, if not the usual ones
 * @returns it, empty unless the state directory held one, with the clock standing still
 */
export async function startSystem(options: LocalEdgeOptions = {}): Promise<System> {
  const log: string[] = [];
  const edge = await startLocalEdge({
    ...options,
    vars: { upload: { ANSWER_DEADLINE_MS: '100' }, verification: { ANSWER_DEADLINE_MS: '100' }, ...options.vars },
    onLog: (line) => void log.push(line),
  });
  await setClock(edge.url, START);
  const sendTo = (path: string, request?: RawRequest): Promise<RawAnswer> => send(edge.url, path, request);
  return {
    edge,
    log,
    send: sendTo,
    tans: (count) => issueTans(edge.url, count),
    upload: (tan, payload) =>
      sendTo(UPLOAD_PATH, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-protobuf',
          'cwa-fake': tan === null ? '1' : '0',
          'cwa-authorization': tan ?? '',
          'cwa-header-padding': tan === null ? 'x'.repeat(36) : '',
        },
        body: encodeSubmissionPayload(payload),
      }),
  };
}

/** A deployment that has published. */
export interface PublishedSystem extends System {
  /** Key data of all keys that were uploaded, hexadecimal. */
  readonly uploaded: ReadonlySet<string>;
  /** Of these, each patient's oldest: its retention ends at the midnight between the two days. */
  readonly oldest: ReadonlySet<string>;
}

/**
 * Starts a deployment, lets {@link PATIENTS} upload, and seals until {@link PUBLISHED_AT}.
 *
 * @returns the deployment, and what was uploaded
 */
export async function startPublishedSystem(
  more: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Promise<PublishedSystem> {
  // Nothing is set aside for what may be taken back, so that what is published is what was uploaded.
  const system = await startSystem({ vars: { ...more, origin: { RESERVE_UPLOADS: '0' } } });
  const uploaded = new Set<string>();
  const oldest = new Set<string>();
  for (const [patient, tan] of (await system.tans(PATIENTS)).entries()) {
    const keys = patientKeys(`patient ${patient}`, START);
    const { status } = await system.upload(tan, payloadOf(keys));
    if (status !== 200) throw new Error(`upload of patient ${patient}: status ${status}`);
    const names = keys.map((key) => Buffer.from(key.keyData ?? []).toString('hex'));
    for (const name of names) uploaded.add(name);
    oldest.add(names.at(-1) ?? '');
  }
  // In two steps, so that there is a former head, and lists of day one: catching up writes what changes only once.
  for (const now of [START + 3600, PUBLISHED_AT]) await moveClock(system.edge.url, now);
  return { ...system, uploaded, oldest };
}
