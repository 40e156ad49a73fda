/**
 * @module Cloudflare Access: a service token gets another secret, which is told once as the first one was, or another year.
 */
import { randomBytes } from 'node:crypto';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import { timestamp } from '../state.ts';
import { ACCESS, findIn } from './access-lists.ts';

const MS_PER_HOUR = 3_600_000;
const right = RIGHTS.accessTokens;

function refresh(context: Context): Json {
  const token = findIn('accessServiceTokens')(context);
  const hours = Number.parseInt(String(token['duration']), 10);
  const expires = new Date(Date.now() + hours * MS_PER_HOUR).toISOString();
  return Object.assign(token, { expires_at: expires, updated_at: timestamp() });
}

function rotate(context: Context): Json {
  const { id, name, duration, client_id } = findIn('accessServiceTokens')(context);
  return { id, name, duration, client_id, client_secret: randomBytes(32).toString('hex') };
}

/** What becomes of a token that is there. */
export const ACCESS_TOKEN_SECRET_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: `${ACCESS}/service_tokens/:id/rotate`,
    right,
    params: 'ServiceTokenRotateParams',
    handle: rotate,
  },
  { method: 'POST', path: `${ACCESS}/service_tokens/:id/refresh`, right, handle: refresh },
];
