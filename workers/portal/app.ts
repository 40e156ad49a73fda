/**
 * @module The portal Worker: staff pages (HTML below `/staff`) and operator commands (JSON below `/operator`). Nobody gets
 * past the first middleware without an identity (docs/architecture.md §7). The administrators' API is another application on another
 * host, and neither answers for the other.
 */
import { Hono } from 'hono';
import { trimTrailingSlash } from 'hono/trailing-slash';
import type { Clock } from '../../domain/clock.ts';
import { ENDED_MESSAGE } from '../../domain/sunset.ts';
import { parsedOnce } from '../shared/env.ts';
import { noStore } from '../shared/no-store.ts';
import { problem } from '../shared/problem.ts';
import { createAdminApi } from './admin-api/app.ts';
import { parsePortalConfig } from './bindings.ts';
import { errorPage } from './errors.tsx';
import type { Identify } from './identity-source.ts';
import { operatorRoutes } from './operator.ts';
import { securityHeaders } from './security-headers.ts';
import { staffRoutes } from './staff.tsx';
import type { Staff } from './staff-context.ts';

/** What the composition hands in. */
export interface PortalDependencies {
  readonly identify: Identify;
  readonly clock: Clock;
}

const configOf = parsedOnce(parsePortalConfig);

/**
 * @param dependencies where an identity and the time come from
 * @returns a hono app
 */
export function createApp({ identify, clock }: PortalDependencies) {
  const app = new Hono<Staff>();
  const adminApi = createAdminApi(clock);
  app.use(async function byHost(c, next) {
    if (new URL(c.req.url).hostname !== configOf(c.env).adminApiHost) return next();
    return adminApi.fetch(c.req.raw, c.env, c.executionCtx);
  });
  app.use(noStore(), securityHeaders());
  app.use('/staff/*', trimTrailingSlash());
  app.use(async function requireIdentity(c, next) {
    const config = configOf(c.env);
    // A stub belongs to the request that made it.
    const room = c.env.STAFF_ROOM.getByName('room');
    const now = Math.floor(await clock());
    const identity = await identify({
      request: c.req.raw,
      access: (c.executionCtx as { readonly access?: CloudflareAccessContext }).access,
      config,
      now,
      checkCard: async (question) => room.checkCard(question),
    });
    if (identity === null) {
      return problem(
        403,
        'Forbidden',
        'This host is reached through Cloudflare Access or with a professional’s card alone.',
      );
    }
    c.set('config', config);
    c.set('room', room);
    c.set('now', now);
    c.set('identity', identity);
    return next();
  });
  app.get('/', (c) => c.redirect('/staff', 303));
  app.route('/staff', staffRoutes());
  app.route('/operator', operatorRoutes());
  app.notFound(() => problem(404, 'Not Found'));
  app.onError((error, c) => {
    // What a purged object says: of all pages and commands those of `/operator/sunset` alone are left.
    if (error.message.includes(ENDED_MESSAGE)) return problem(410, 'Gone', 'This deployment has ended.');
    return c.req.path.startsWith('/staff')
      ? errorPage(c, 'server')
      : problem(500, 'Internal Server Error', 'Nothing is known to have changed; the command may be repeated.');
  });
  return app;
}
