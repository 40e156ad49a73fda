/**
 * @module The claim of the architecture as an assertion: however many phones ask, the origin is read at most once for each
 * object, TTL and cache tier (docs/architecture.md §6). Pure: counters in, broken bounds out.
 */
import type { TierReads } from '../../scripts/support/edge-tier/tier.ts';

/** TTL of what changes, seconds (durable-objects/publisher/index-ops.ts, parameter-store/write-ops.ts); files never change. */
const HEAD_TTL_SECONDS = 60;
const LIST_TTL_SECONDS = 300;

/** What a tier may have passed on. */
export interface Bound {
  /** Requests for objects that were passed on. */
  readonly reads: number;
  /** Sum of what was allowed for the same objects. */
  readonly allowed: number;
  /** Distinct objects. */
  readonly objects: number;
  /** `GET /v1/…: 5 reads, 2 allowed`; empty when the bound holds. */
  readonly broken: readonly string[];
}

/**
 * How often one path may be asked for in some time by one tier.
 *
 * @param path without query
 * @param seconds how long caches were filled
 * @param readsPerExpiry reads at the end of each TTL: 1 by the shield; 2 by an edge, which may get the old one while the
 *   shield fetches anew, and then keeps that for a second (deploy/nginx)
 * @returns reads allowed
 */
export function allowedReads(path: string, seconds: number, readsPerExpiry = 1): number {
  const ttl = path.endsWith('/manifest.json')
    ? HEAD_TTL_SECONDS
    : /\/(country|date|hour|head\.json|app_config\w*)$/.test(path)
      ? LIST_TTL_SECONDS
      : Number.POSITIVE_INFINITY;
  // One when it is first asked for, one each time a TTL is over. A new version is only noticed at the end of a TTL.
  return 1 + Math.floor(seconds / ttl) * readsPerExpiry;
}

/**
 * Holds a tier's counter against the bound.
 *
 * @param reads what the tier passed on
 * @param options.seconds how long the caches were in use
 * @param options.caches how many caches of this tier asked: 1 shield, 3 edges
 * @param options.readsPerExpiry see {@link allowedReads}
 * @returns the sums, and which paths broke the bound; requests that no object answered don't count: a flood makes them, and
 *   such answers are never kept
 */
export function holdBound(
  reads: TierReads,
  options: { readonly seconds: number; readonly caches: number; readonly readsPerExpiry?: number },
): Bound {
  const broken: string[] = [];
  let total = 0;
  let allowed = 0;
  let objects = 0;
  for (const [request, count] of reads.byPath) {
    if (!reads.objects.has(request)) continue;
    const path = request.slice(request.indexOf(' ') + 1);
    const most = options.caches * allowedReads(path, options.seconds, options.readsPerExpiry);
    objects += 1;
    total += count;
    allowed += most;
    if (count > most) broken.push(`${request}: ${count} reads, ${most} allowed`);
  }
  return { reads: total, allowed, objects, broken };
}

/**
 * @param answers requests that phones made
 * @param reads requests that reached the origin
 * @returns share that the caches answered, 0..1
 */
export function offloadRatio(answers: number, reads: number): number {
  return answers === 0 ? 1 : 1 - reads / answers;
}
