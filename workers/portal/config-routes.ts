/**
 * @module Operator commands about the parameter document, below `/operator/config`: what is published, its text, publish
 * and roll back. 200 and 202 carry the outcome, 409 a version that isn't the one the operator has seen, 422 what is wrong
 * with the document.
 */
import { Hono } from 'hono';
import { MAX_DOCUMENT_CHARACTERS } from '../../domain/parameters/validate.ts';
import type { PublishReply } from '../../domain/parameters/publication.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { readBody } from '../shared/body.ts';
import { problem } from '../shared/problem.ts';
import type { PortalEnv } from './bindings.ts';
import { RISK_EXPLORER_PAGE, RISK_EXPLORER_POLICY } from './generated/risk-explorer.ts';
import { readPublish, readRollback } from './config-input.ts';
import type { InputError } from './operator-input.ts';

/** The document, once more escaped as a text, and the other fields. */
const MAX_COMMAND_BYTES = 2 * MAX_DOCUMENT_CHARACTERS + 4096;

/** @returns the routes below `/operator/config`; who may call them is decided before */
export function configRoutes() {
  const routes = new Hono<{ Bindings: PortalEnv }>();

  routes.get('/', async (c) => c.json(await c.env.ORIGIN.parameterStatus()));

  // The operator's page: the same as docs/risk-explorer, which here also publishes.
  routes.get('/explorer', (c) =>
    c.body(RISK_EXPLORER_PAGE, 200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': RISK_EXPLORER_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    }),
  );

  routes.get('/documents/:name', async (c) => {
    const text = await c.env.ORIGIN.parameterDocument(c.req.param('name'));
    if (text === null) return problem(404, 'Not Found', 'There is no document of this name.');
    return c.body(text, 200, { 'content-type': 'application/json' });
  });

  routes.post('/publish', async (c) => {
    const command = await readCommand(c.req.raw, readPublish);
    if (command instanceof Response) return command;
    return answer(await c.env.ORIGIN.publishParameters(command.request, command.expectedVersion));
  });

  routes.post('/rollback', async (c) => {
    const command = await readCommand(c.req.raw, readRollback);
    if (command instanceof Response) return command;
    return answer(await c.env.ORIGIN.rollbackParameters(command.request, command.expectedVersion));
  });

  return routes;
}

async function readCommand<T>(request: Request, read: (body: unknown) => Result<T, InputError>): Promise<T | Response> {
  const body = await readBody(request, MAX_COMMAND_BYTES);
  if (body.kind === 'too-large') return problem(413, 'Content Too Large', `At most ${MAX_COMMAND_BYTES} bytes.`);
  const command = read(body.kind === 'body' ? parsedJson(body.bytes) : null);
  return command.ok ? command.value : problem(400, 'Bad Request', command.error);
}

function answer(reply: PublishReply): Response {
  switch (reply.kind) {
    case 'published':
    case 'unchanged':
    case 'would-publish':
      return Response.json(reply);
    case 'accepted':
      return Response.json(reply, { status: 202 });
    case 'conflict':
      return Response.json(reply, { status: 409 });
    case 'invalid':
      return Response.json(reply, { status: 422 });
  }
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return null;
  }
}
