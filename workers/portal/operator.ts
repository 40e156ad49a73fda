/**
 * @module Operator commands (docs/architecture.md §7): JSON under `/operator/*`, for people and scripts that Access lets in. They
 * change nothing by GET, and POST takes `application/json` alone, which no form of a foreign page can send.
 */
import { Hono } from 'hono';
import { problem } from '../shared/problem.ts';
import { authorityRoutes } from './authority-routes.ts';
import { cardRoutes } from './card-routes.ts';
import { allClocks } from './clocks.ts';
import { apiKeyRoutes, codeCommandRoutes } from './code-routes.ts';
import { configRoutes } from './config-routes.ts';
import { readCommand } from './json-command.ts';
import { readAdvance, readConfirmClock, readIssueTans, readRestore } from './operator-input.ts';
import type { Role } from './roles.ts';
import { peerCommandRoutes } from './peer-routes.ts';
import { rollbackRoutes } from './rollback-routes.ts';
import { audit, type Staff } from './staff-context.ts';
import { sunsetRoutes } from './sunset-routes.ts';

/** Operators give all commands; a health authority sets parameters, quotas of codes, whose certificates are good, and rolls back (docs/architecture.md §1). */
const rolesFor = (path: string): readonly Role[] =>
  path === '/operator/codes/quota'
    ? ['health-authority']
    : /^\/operator\/(config|authorities|rollback)(\/|$)/.test(path)
      ? ['operator', 'health-authority']
      : ['operator'];
/** Commands that the audit log keeps. `advance` is what an alarm calls all day: it says nothing of anybody. */
const AUDITED = [
  '/operator/tans',
  '/operator/config/publish',
  '/operator/config/rollback',
  '/operator/config/agree',
  '/operator/clock',
  '/operator/sunset/prove',
  '/operator/rollback/plan',
  '/operator/restore',
];

/** @returns the routes below `/operator`; that somebody was let in is decided before */
export function operatorRoutes() {
  const routes = new Hono<Staff>();

  routes.use(async function requireRole(c, next) {
    if (rolesFor(c.req.path).some((role) => c.var.identity.roles.includes(role))) return next();
    return problem(403, 'Forbidden', 'Your roles do not include this command.');
  });

  // Whose sessions have ended gives no command either until they have signed in again, though commands need no session.
  routes.use(async function requireAdmitted(c, next) {
    const { identity, room } = c.var;
    const { subject, authenticatedAt } = identity;
    switch (await room.admit({ subject, authenticatedAt })) {
      case 'admitted':
        return next();
      case 'ended':
        return problem(401, 'Unauthorized', 'Your session has ended: sign in again.');
      case 'many':
        return problem(429, 'Too Many Requests', 'Wait a minute.');
    }
  });

  routes.use(async function requireJson(c, next) {
    if (c.req.method !== 'POST') return next();
    const mediaType = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (mediaType !== 'application/json') return problem(415, 'Unsupported Media Type', 'Send application/json.');
    if (AUDITED.includes(c.req.path)) await audit(c, c.req.path.slice(1).replaceAll('/', '.'));
    return next();
  });

  routes.post('/tans', async (c) => {
    const command = await readCommand(c.req.raw, readIssueTans);
    if (command instanceof Response) return command;
    const issued = await c.env.VERIFICATION.issueTans({ ...command, issuer: c.var.identity.subject });
    if (issued === null) return problem(409, 'Conflict', 'What you vouched for today was rolled back.');
    return c.json({ tans: issued.tans }, 201);
  });

  routes.post('/advance', async (c) => {
    const command = await readCommand(c.req.raw, readAdvance);
    if (command instanceof Response) return command;
    const { idle } = await c.env.ORIGIN.advance();
    if (!idle) return c.json({ idle });
    // Once nothing is left to publish, what is due to be forgotten elsewhere goes too.
    await c.env.VERIFICATION.forgetExpired();
    return c.json(command.peers ? await c.env.FEDERATION.advance() : { idle });
  });

  routes.route('/config', configRoutes());
  routes.route('/authorities', authorityRoutes());
  routes.route('/cards', cardRoutes());
  routes.route('/codes', codeCommandRoutes());
  routes.route('/api-keys', apiKeyRoutes());
  routes.route('/sunset', sunsetRoutes());
  routes.route('/rollback', rollbackRoutes());
  routes.route('/peers', peerCommandRoutes());

  routes.get('/clock', async (c) => c.json({ clocks: await allClocks(c.env, null) }));

  routes.post('/clock', async (c) => {
    const command = await readCommand(c.req.raw, readConfirmClock);
    if (command instanceof Response) return command;
    return c.json({ clocks: await allClocks(c.env, command.now) });
  });

  routes.post('/restore', async (c) => {
    const request = await readCommand(c.req.raw, (body) => readRestore(body, new URL(c.req.url).host));
    if (request instanceof Response) return request;
    return c.json(await c.env.ORIGIN.restore(request));
  });

  routes.get('/status', async (c) => c.json(await c.env.ORIGIN.status()));

  return routes;
}
