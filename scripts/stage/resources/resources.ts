/**
 * @module Everything that a stage has in the account beside its Workers, in the order in which it is brought: what a Worker is bound to, what guards hosts, and last, once the Workers are
 * there, the hosts themselves. Taken away in the opposite order.
 */
import { ACCESS } from './access.ts';
import { R2_BUCKETS } from './buckets.ts';
import { CLIENT_AUTHORITIES } from './certificates.ts';
import { HOSTS } from './domains.ts';
import type { Resource } from './resource.ts';
import { ROUTES } from './routes.ts';
import { TIERED_CACHE } from './tiered-cache.ts';
import { TRANSFORMS } from './transforms.ts';
import { CACHE_RULES, FIREWALL, RATE_LIMITS } from './zone-rules.ts';

/** In order. */
export const RESOURCES: readonly Resource[] = [
  R2_BUCKETS,
  CLIENT_AUTHORITIES,
  FIREWALL,
  RATE_LIMITS,
  TRANSFORMS,
  CACHE_RULES,
  TIERED_CACHE,
  ACCESS,
  // The host of keys must be there before a route on it leads anywhere; until then phones keep the configuration they have.
  HOSTS,
  ROUTES,
];
