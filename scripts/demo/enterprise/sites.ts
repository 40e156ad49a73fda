/**
 * @module The sites of an enterprise, as docs/federation.md configures them: what differs from wrangler.toml and from a backend of a federation of countries, and nothing else.
 */
import type { RegionWish } from '../../federation/plan.ts';
import { ALL_TO_ALL } from '../../../protocol/feed/names.ts';

const CLUSTER = 'enterprise';
const FIRST = 'S'.charCodeAt(0);
const LETTERS = 26;

/** Up to 36, as docs/federation.md has them: SA to SZ, then TA to TJ. */
export const MOST_SITES = 36;

/** @returns so many sites of one cluster */
export function sitesOf(count: number): RegionWish[] {
  return Array.from({ length: count }, (_, n) => ({
    id: String.fromCharCode(FIRST + Math.floor(n / LETTERS), 'A'.charCodeAt(0) + (n % LETTERS)),
    cluster: CLUSTER,
  }));
}

/** All read one feed of each; nobody has one of their own. Answers don't wait, since nobody watches their time here. */
export const SITE_VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
  origin: { PEER_FEEDS: ALL_TO_ALL },
  federation: { PEER_FEEDS: ALL_TO_ALL },
} as const;

/** MIN_KEYS and MAX_HOLD_HOURS of wrangler.toml, which stay as they are. */
export const MIN_KEYS = 140;
export const MAX_HOLD_HOURS = 6;
