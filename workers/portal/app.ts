/**
 * @module The portal Worker: operator commands now, staff pages later. Nobody gets past the first middleware without an
 * identity (design.md §7).
 */
import { Hono } from 'hono';
import { noStore } from '../shared/no-store.ts';
import { problem } from '../shared/problem.ts';
import type { PortalEnv } from './bindings.ts';
import type { Identify } from './identity.ts';
import { operatorRoutes } from './operator.ts';

/** What the composition hands in. */
export interface PortalDependencies {
  readonly identify: Identify;
}

/**
 * @param dependencies where an identity comes from
 * @returns a hono app
 */
export function createApp({ identify }: PortalDependencies) {
  const app = new Hono<{ Bindings: PortalEnv }>();
  app.use(noStore());
  app.use(async function requireIdentity(c, next) {
    const identity = await identify(c.executionCtx as { readonly access?: CloudflareAccessContext });
    if (identity === null) return problem(403, 'Forbidden', 'This host is reached through Cloudflare Access alone.');
    return next();
  });
  app.route('/operator', operatorRoutes());
  app.notFound(() => problem(404, 'Not Found'));
  app.onError(() =>
    problem(500, 'Internal Server Error', 'Nothing is known to have changed; the command may be repeated.'),
  );
  return app;
}
