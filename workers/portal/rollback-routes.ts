/**
 * @module Operator commands about rollbacks, below `/operator/rollback` (docs/rollback.md): what there is, a dry run, ask, and as a second person confirm. Each but the first carries the undo key, which passes
 * through in this request alone.
 */
import { Hono } from 'hono';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { readBody } from '../shared/body.ts';
import { problem } from '../shared/problem.ts';
import type { InputError } from './operator-input.ts';
import { ask, confirm, plan, standings } from './rollback-desk.ts';
import { readConfirm, readPlan } from './rollback-input.ts';
import type { Staff } from './staff-context.ts';

/** A handful of fields and a key. */
const MAX_COMMAND_BYTES = 4 * 1024;
const NOTHING = 'The books have no authorisation of this source on these days.';

/** @returns the routes below `/operator/rollback`; who may call them is decided before */
export function rollbackRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    return c.json({ rollbacks: await standings(c) });
  });

  routes.post('/plan', async (c) => {
    const command = await readCommand(c.req.raw, (body) => readPlan(body, Math.floor(c.var.now / SECONDS_PER_DAY)));
    if (command instanceof Response) return command;
    const answer = await plan(c, command.target, command.undoKey);
    if (answer.kind === 'nothing') return problem(404, 'Not Found', NOTHING);
    if (answer.kind === 'bad-key') return problem(422, 'Unprocessable Content', answer.reason);
    return c.json(answer.plan);
  });

  routes.post('/ask', async (c) => {
    const command = await readCommand(c.req.raw, (body) => readPlan(body, Math.floor(c.var.now / SECONDS_PER_DAY)));
    if (command instanceof Response) return command;
    const answer = await ask(c, command.target, command.undoKey);
    if (answer.kind === 'nothing') return problem(404, 'Not Found', NOTHING);
    if (answer.kind === 'bad-key') return problem(422, 'Unprocessable Content', answer.reason);
    return c.json({ id: answer.id, ...answer.plan }, 202);
  });

  routes.post('/confirm', async (c) => {
    const command = await readCommand(c.req.raw, readConfirm);
    if (command instanceof Response) return command;
    const answer = await confirm(c, command.id, command.undoKey);
    switch (answer.kind) {
      case 'own':
        return problem(403, 'Forbidden', 'Whoever asked can’t be the second person.');
      case 'gone':
        return problem(404, 'Not Found', 'There is no such rollback, or its hour is over.');
      case 'bad-key':
        return problem(422, 'Unprocessable Content', answer.reason);
      case 'noted':
        return c.json(answer.rollback);
    }
  });

  return routes;
}

async function readCommand<T>(request: Request, read: (body: unknown) => Result<T, InputError>): Promise<T | Response> {
  const body = await readBody(request, MAX_COMMAND_BYTES);
  if (body.kind === 'too-large') return problem(413, 'Content Too Large', `At most ${MAX_COMMAND_BYTES} bytes.`);
  const command = read(body.kind === 'body' ? parsedJson(body.bytes) : null);
  return command.ok ? command.value : problem(400, 'Bad Request', command.error);
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return null;
  }
}
