/**
 * @module The counters of a local edge (local-edge/entries/counters.ts): how often Workers, the bucket and the Durable
 * Objects were reached. Differences between two looks are what a scenario did.
 */
import type { LocalEdge } from '../../local-edge/local-edge.ts';

/** `index`, `r2.get`, `SubmissionBuffer.accept` … → how often. */
export type Counters = ReadonlyMap<string, number>;

const WORKERS = ['index', 'upload', 'origin', 'verification'] as const;

/**
 * @param edge a local edge with local entries; deployed ones count nothing
 * @returns the counters of all its Workers
 */
export async function readCounters(edge: LocalEdge): Promise<Counters> {
  const all = await Promise.all(
    WORKERS.map(async (worker) => {
      const { fetch } = await edge.miniflare.getWorker(`exposure-edge-${worker}`);
      const answer = await fetch('http://counters.invalid/local/counters');
      return Object.entries((await answer.json()) as Record<string, number>);
    }),
  );
  return new Map(all.flat());
}

/**
 * @param before an earlier look
 * @param after a later one
 * @returns what was added, names that stand still left out
 */
export function counterDifference(before: Counters, after: Counters): Map<string, number> {
  const added = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
  return new Map(added.filter(([, value]) => value !== 0));
}

/**
 * @param counters a difference
 * @param names exact names
 * @returns their sum
 */
export function sumOf(counters: Counters, ...names: string[]): number {
  return names.reduce((sum, name) => sum + (counters.get(name) ?? 0), 0);
}

/** Methods of Durable Objects that requests of phones lead to, and none else. */
export const CALLS_BY_PHONES = [
  'SubmissionBuffer.accept',
  'SubmissionBuffer.resolve',
  'TanLedger.reserve',
  'TanLedger.reserveCertificate',
  'TanLedger.commit',
  'TanLedger.release',
] as const;
