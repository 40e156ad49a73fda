/**
 * @module Fills a local edge with the hours of a country: so many cases a day, 14 keys each, sealed hour by hour by the real
 * origin under the moved clock. Uploads go to the buffer by its own RPC; `upload` and TANs have scenarios of their own.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { packUpload, type PackedUpload } from '../../domain/packed-upload.ts';
import type { AcceptReply } from '../../domain/rpc.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { INTERVALS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { advanceUntilIdle, setClock } from '../../scripts/support/operator.ts';

const HOUR = 3_600;
/** Keys that each seeded upload has: 14 whole days (CWA solution architecture). */
export const KEYS_PER_UPLOADED_CASE = 14;
/** Uploads under way at a time: the object does them one by one, this only hides the way there. */
const PARALLEL = 20;

interface Buffer {
  accept(uploadId: string, upload: PackedUpload): Promise<AcceptReply>;
}

/** The SubmissionBuffer of a local edge. */
async function bufferOf(edge: LocalEdge): Promise<Buffer> {
  const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', 'exposure-edge-origin');
  return namespace.getByName('buffer') as unknown as Buffer;
}

/**
 * One person's keys: 14 whole days before the upload, onset some days ago, risk falling with the distance to it.
 *
 * @param day UTC day of the upload, days since the epoch
 * @returns keys that every phone accepts (domain/keys)
 */
export function keysOfOneCase(day: number): TemporaryExposureKey[] {
  const onset = randomInt(1, 8);
  return Array.from({ length: KEYS_PER_UPLOADED_CASE }, (_, index) => {
    const daysAgo = index + 1;
    const distance = Math.abs(onset - daysAgo);
    return {
      keyData: new Uint8Array(randomBytes(16)),
      transmissionRiskLevel: Math.max(3, 8 - distance),
      rollingStartIntervalNumber: (day - daysAgo) * INTERVALS_PER_DAY,
      rollingPeriod: INTERVALS_PER_DAY,
      reportType: REPORT_TYPE.CONFIRMED_TEST,
      daysSinceOnsetOfSymptoms: onset - daysAgo,
    };
  });
}

/**
 * Hands uploads to the buffer, in the edge's present hour.
 *
 * @param edge its clock within the hour
 * @param hour hours since the epoch, for the keys' days
 * @param uploads how many people
 * @throws Error when one isn't stored
 */
export async function uploadCases(edge: LocalEdge, hour: number, uploads: number): Promise<void> {
  const buffer = await bufferOf(edge);
  const day = Math.floor(hour / 24);
  const one = async (): Promise<void> => {
    const keys = keysOfOneCase(day);
    const upload = { keys, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null };
    const reply = await buffer.accept(randomUUID(), packUpload(upload));
    if (reply.kind !== 'stored') throw new Error(`seed: an upload of new keys was answered "${reply.kind}"`);
  };
  for (let done = 0; done < uploads; done += PARALLEL) {
    await Promise.all(Array.from({ length: Math.min(PARALLEL, uploads - done) }, one));
  }
}

/** Which hours are to be filled, and how full. */
export interface SeedPlan {
  /** First and last hour, hours since the epoch; each gets uploads and is sealed. */
  readonly from: number;
  readonly to: number;
  readonly casesPerDay: number;
  /** Told now and then, for a person who waits. */
  readonly progress: (line: string) => void;
}

/**
 * Lets hours pass: uploads in each, then its end, then whatever the origin does. Afterwards the clock stands a few seconds
 * behind the end of the last hour.
 *
 * @param edge a local edge whose clock may be moved
 * @param plan see {@link SeedPlan}
 */
export async function seedHours(edge: LocalEdge, plan: SeedPlan): Promise<void> {
  const total = plan.to - plan.from + 1;
  let told = Date.now();
  for (let hour = plan.from; hour <= plan.to; hour += 1) {
    await setClock(edge.url, hour * HOUR + HOUR / 2);
    await uploadCases(edge, hour, casesOfHour(hour, plan.casesPerDay));
    await setClock(edge.url, (hour + 1) * HOUR + 5);
    await advanceUntilIdle(edge.url);
    if (Date.now() - told > 10_000) {
      told = Date.now();
      plan.progress(`seed: ${hour - plan.from + 1} of ${total} hours are sealed`);
    }
  }
}

/**
 * Lets whole days pass at once: a day's uploads in one hour, then its 24 hours sealed in a row by the origin's catch-up. The
 * days' chunks are those that an hour by hour history leaves; only the way there is shorter.
 *
 * @param edge a local edge whose clock may be moved
 * @param plan `from` and `to` are hours at which a day begins, `to` is left out
 */
export async function seedDays(edge: LocalEdge, plan: SeedPlan): Promise<void> {
  for (let hour = plan.from; hour < plan.to; hour += 24) {
    await setClock(edge.url, (hour + 12) * HOUR);
    await uploadCases(edge, hour, plan.casesPerDay);
    await setClock(edge.url, (hour + 24) * HOUR + 5);
    await advanceUntilIdle(edge.url);
    plan.progress(`seed: ${(hour - plan.from) / 24 + 1} of ${(plan.to - plan.from) / 24} days are sealed`);
  }
}

/** Spreads a day's cases over its hours so that they add up. */
function casesOfHour(hour: number, casesPerDay: number): number {
  const at = (index: number): number => Math.floor((casesPerDay * index) / 24);
  const ofDay = hour % 24;
  return at(ofDay + 1) - at(ofDay);
}
