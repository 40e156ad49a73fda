/**
 * @module Operator commands about rollbacks, below `/operator/rollback` (docs/rollback.md): what there is, a dry run, ask, and as a second person confirm. Each but the first carries the undo key, which passes
 * through in this request alone.
 */
import { Hono } from 'hono';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { problem } from '../shared/problem.ts';
import { readCommand } from './json-command.ts';
import { ask, confirm, plan, standings } from './rollback-desk.ts';
import { readConfirm, readPlan } from './rollback-input.ts';
import type { Staff } from './staff-context.ts';

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
