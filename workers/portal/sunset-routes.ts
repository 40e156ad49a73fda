/**
 * @module Operator commands about the end of the deployment, below `/operator/sunset` (docs/sunset.md): what there is, stop and purge, each with the
 * deployment's name typed and a second person, and the proof. 200 done, or a dry run; 202 waits for the second person; 409 too early, or something is
 * left; 422 another name.
 */
import { Hono } from 'hono';
import { problem } from '../shared/problem.ts';
import { readCommand } from './json-command.ts';
import { readEndStep } from './operator-input.ts';
import type { Staff, StaffContext } from './staff-context.ts';
import { prove, sunsetStatus, takeStep } from './sunset-desk.ts';

/** @returns the routes below `/operator/sunset`; who may call them is decided before */
export function sunsetRoutes() {
  const routes = new Hono<Staff>();
  routes.get('/', async (c) => c.json(await sunsetStatus(c)));
  routes.post('/stop', (c) => answerStep(c, 'stop'));
  routes.post('/purge', (c) => answerStep(c, 'purge'));
  routes.post('/prove', async (c) => {
    const reply = await prove(c);
    return c.json(reply, reply.kind === 'proved' ? 200 : 409);
  });
  return routes;
}

async function answerStep(c: StaffContext, step: 'stop' | 'purge'): Promise<Response> {
  const command = await readCommand(c.req.raw, readEndStep);
  if (command instanceof Response) return command;
  const { deployment } = c.var.config;
  if (deployment === '') return problem(422, 'Unprocessable Content', 'DEPLOYMENT_NAME is not set: nothing to type.');
  if (command.deployment !== deployment) {
    return problem(422, 'Unprocessable Content', 'deployment is not the name of this deployment; nothing was done.');
  }
  const reply = await takeStep(c, step, command.dryRun);
  const statuses = { would: 200, done: 200, waits: 202, early: 409 } as const;
  return Response.json(reply, { status: statuses[reply.kind] });
}
