/**
 * @module What `verification` answers over HTTP: nothing yet. Phones' routes (registration token, test result, TAN) come
 * with the verification chain; until then every path is unknown.
 */
import { Hono } from 'hono';

/** @returns a hono app without routes */
export function createApp() {
  const app = new Hono();
  app.notFound(() => new Response(null, { status: 404, headers: { 'cache-control': 'no-store' } }));
  return app;
}
