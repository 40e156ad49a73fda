/**
 * @module Operator commands about the parameter document, below `/operator/config`: what is published, its text, publish
 * roll back and, as a second person, agree. 200 and 202 carry the outcome, 409 a version that isn't the one the operator has seen, 422 what is wrong
 * with the document.
 */
import { Hono } from 'hono';
import { MAX_DOCUMENT_CHARACTERS } from '../../domain/parameters/validate.ts';
import { problem } from '../shared/problem.ts';
import { RISK_EXPLORER_PAGE, RISK_EXPLORER_POLICY } from './generated/risk-explorer.ts';
import { readProposal, readPublish, readRollback } from './config-input.ts';
import { readCommand } from './json-command.ts';
import { agree, parameterProposals, type PublishAnswer, publishOrPropose } from './parameter-desk.ts';
import type { Staff } from './staff-context.ts';

/** The document, once more escaped as a text, and the other fields. */
const MAX_COMMAND_BYTES = 2 * MAX_DOCUMENT_CHARACTERS + 4096;

/** @returns the routes below `/operator/config`; who may call them is decided before */
export function configRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const [status, proposals] = await Promise.all([c.env.ORIGIN.parameterStatus(), parameterProposals(c)]);
    const waiting = proposals.map(({ id, by, at, action, expectedVersion }) => ({
      id,
      by,
      at,
      action,
      expectedVersion,
    }));
    return c.json({ ...status, proposals: waiting });
  });

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
    const command = await readCommand(c.req.raw, readPublish, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    return answer(await publishOrPropose(c, { action: 'publish', request: command.request }, command.expectedVersion));
  });

  routes.post('/rollback', async (c) => {
    const command = await readCommand(c.req.raw, readRollback, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    return answer(await publishOrPropose(c, { action: 'rollback', request: command.request }, command.expectedVersion));
  });

  routes.post('/agree', async (c) => {
    const command = await readCommand(c.req.raw, readProposal, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    const reply = await agree(c, command);
    if (reply.kind === 'own') return problem(403, 'Forbidden', 'Whoever proposed it can’t be the second person.');
    if (reply.kind === 'gone') return problem(404, 'Not Found', 'There is no such proposal, or no longer.');
    return answer(reply);
  });

  return routes;
}

function answer(reply: PublishAnswer): Response {
  switch (reply.kind) {
    case 'published':
    case 'unchanged':
    case 'would-publish':
    case 'needs-second-person':
      return Response.json(reply);
    case 'accepted':
    case 'proposed':
      return Response.json(reply, { status: 202 });
    case 'conflict':
      return Response.json(reply, { status: 409 });
    case 'invalid':
      return Response.json(reply, { status: 422 });
  }
}
