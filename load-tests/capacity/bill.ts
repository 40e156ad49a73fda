/**
 * @module The monthly bill under each way of serving, from the model's figures and a dated price list
 * (load-tests/targets.json). Pure. Sources: docs/spec/platform.md §1.1–1.4; docs/spec/google.md §7 for the general cloud.
 */
import type { Assumptions } from './assumptions.ts';
import type { Capacity } from './model.ts';

/** The price list as `targets.json` holds it, US dollars. */
export interface Prices {
  readonly date: string;
  readonly workers: {
    readonly monthlyMinimum: number;
    readonly requestsIncluded: number;
    readonly perMillionRequests: number;
    readonly cpuMillisecondsIncluded: number;
    readonly perMillionCpuMilliseconds: number;
  };
  readonly r2: {
    readonly storageGigabyteMonthsIncluded: number;
    readonly perGigabyteMonth: number;
    readonly classAIncluded: number;
    readonly perMillionClassA: number;
    readonly classBIncluded: number;
    readonly perMillionClassB: number;
    readonly perGigabyteEgress: number;
  };
  readonly durableObjects: {
    readonly requestsIncluded: number;
    readonly perMillionRequests: number;
    readonly gigabyteSecondsIncluded: number;
    readonly perMillionGigabyteSeconds: number;
    readonly gigabytesWhileActive: number;
    readonly rowsWrittenIncluded: number;
    readonly perMillionRowsWritten: number;
    readonly storageGigabyteMonthsIncluded: number;
    readonly perGigabyteMonth: number;
  };
  readonly cloudEgress: { readonly perGigabyte: number };
}

/**
 * worker: `index` runs for every request and reads R2 each time. workers-cache: hits are billed as requests but run
 * nothing. r2-custom-domain: hits cost nothing, misses read R2; the configuration is `config`'s with Workers Cache, as docs/deploy.md
 * has it. r2-for-all: the bucket's domain serves that, too. cloud-egress: a general cloud's bucket without a CDN. Uploads and questions to
 * verification are requests to a Worker in each, and run it.
 */
export const SERVING = ['worker', 'workers-cache', 'r2-custom-domain', 'r2-for-all', 'cloud-egress'] as const;
export type Serving = (typeof SERVING)[number];

/** One month's bill, US dollars. */
export interface Bill {
  readonly serving: Serving;
  readonly requests: number;
  readonly cpu: number;
  readonly bucketOperations: number;
  readonly storage: number;
  readonly egress: number;
  readonly durableObjects: number;
  readonly total: number;
}

const DAYS_PER_MONTH = 30;
const SECONDS_PER_MONTH = DAYS_PER_MONTH * 86_400;
const MILLION = 1e6;
const GIGABYTE = 1e9;

/** What is left to pay beyond what is included. */
const beyond = (used: number, included: number, perMillion: number): number =>
  (Math.max(0, used - included) / MILLION) * perMillion;

/** Reads a day, keys' and configuration's: which are requests to a Worker, run one, and reach the bucket. */
function readsOf(serving: Serving, c: Capacity): { billed: number; run: number; bucket: number } {
  const reads = c.requestsPerDay + c.configRequestsPerDay;
  const misses = c.bucketReadsPerDay + c.configReadsPerDay;
  switch (serving) {
    case 'worker':
      return { billed: reads, run: reads, bucket: reads };
    case 'workers-cache':
      return { billed: reads, run: misses, bucket: misses };
    case 'r2-custom-domain':
      return { billed: c.configRequestsPerDay, run: c.configReadsPerDay, bucket: misses };
    case 'r2-for-all':
      return { billed: 0, run: 0, bucket: misses };
    case 'cloud-egress':
      return { billed: 0, run: 0, bucket: reads };
  }
}

/**
 * Works out one month's bill of 30 days.
 *
 * @param serving how phones' reads are answered
 * @param a the assumptions
 * @param c what the model made of them
 * @param prices the price list
 * @returns the parts and their sum
 */
export function monthlyBill(serving: Serving, a: Assumptions, c: Capacity, prices: Prices): Bill {
  const { workers, r2, durableObjects, cloudEgress } = prices;
  const { billed, run, bucket } = readsOf(serving, c);
  const asked = c.uploadRequestsPerDay + c.verificationRequestsPerDay;
  const requests =
    workers.monthlyMinimum +
    beyond((billed + asked) * DAYS_PER_MONTH, workers.requestsIncluded, workers.perMillionRequests);
  const cpuMilliseconds =
    (run * a.indexCpuMilliseconds + c.uploadCpuMillisecondsPerDay + c.verificationCpuMillisecondsPerDay) *
    DAYS_PER_MONTH;
  const cpu = beyond(cpuMilliseconds, workers.cpuMillisecondsIncluded, workers.perMillionCpuMilliseconds);
  const bucketOperations =
    beyond(c.bucketWritesPerDay * DAYS_PER_MONTH, r2.classAIncluded, r2.perMillionClassA) +
    beyond(bucket * DAYS_PER_MONTH, r2.classBIncluded, r2.perMillionClassB);
  const storage = Math.max(0, c.storedBytes / GIGABYTE - r2.storageGigabyteMonthsIncluded) * r2.perGigabyteMonth;
  const perGigabyte = serving === 'cloud-egress' ? cloudEgress.perGigabyte : r2.perGigabyteEgress;
  const egress = ((c.bytesPerDay * DAYS_PER_MONTH) / GIGABYTE) * perGigabyte;
  const objects =
    beyond(c.objectCallsPerDay * DAYS_PER_MONTH, durableObjects.requestsIncluded, durableObjects.perMillionRequests) +
    beyond(
      a.objectsAwake * durableObjects.gigabytesWhileActive * SECONDS_PER_MONTH,
      durableObjects.gigabyteSecondsIncluded,
      durableObjects.perMillionGigabyteSeconds,
    ) +
    beyond(
      c.objectRowsWrittenPerDay * DAYS_PER_MONTH,
      durableObjects.rowsWrittenIncluded,
      durableObjects.perMillionRowsWritten,
    ) +
    Math.max(0, c.objectStoredBytes / GIGABYTE - durableObjects.storageGigabyteMonthsIncluded) *
      durableObjects.perGigabyteMonth;
  const total = requests + cpu + bucketOperations + storage + egress + objects;
  return { serving, requests, cpu, bucketOperations, storage, egress, durableObjects: objects, total };
}
