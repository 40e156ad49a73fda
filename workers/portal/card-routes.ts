/**
 * @module Operator commands about professionals' cards, below `/operator/cards`: authorities and their lists of revoked
 * certificates, holders, blocks. Scripts fetch a list where the authority publishes it (`npm run revocations`).
 */
import { Hono } from 'hono';
import { HOLDER_PAGE } from '../../durable-objects/staff-room/card-ops.ts';
import { problem } from '../shared/problem.ts';
import { blockByMarks, bringList, listHolders, marksToBlock, unlistHolder } from './card-desk.ts';
import { MAX_LIST_COMMAND_BYTES, readBlock, readHolders, readList, readSubject } from './card-input.ts';
import { readCommand } from './json-command.ts';
import type { Staff } from './staff-context.ts';

/** 100 holders of some hundred bytes, a certificate in PEM. */
const MAX_COMMAND_BYTES = 64 * 1024;

/** @returns the routes below `/operator/cards`; who may call them is decided before */
export function cardRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/authorities', async (c) => {
    const authorities = await c.var.room.authorities();
    return c.json({
      authorities: authorities.map(({ authority, name, number, thisUpdate, nextUpdate, entries }) => ({
        authority,
        name,
        number,
        thisUpdate,
        nextUpdate,
        entries,
        stale: c.var.now >= nextUpdate,
      })),
    });
  });

  routes.post('/list', async (c) => {
    const command = await readCommand(c.req.raw, readList, MAX_LIST_COMMAND_BYTES);
    if (command instanceof Response) return command;
    const outcome = await bringList(c, command);
    switch (outcome.kind) {
      case 'in-force':
        return c.json({ authority: outcome.facts.authority, entries: outcome.facts.entries }, 201);
      case 'older':
        return problem(409, 'Conflict', 'This list or a newer one is in force.');
      case 'refused':
        return problem(422, 'Unprocessable Content', `The list is refused: ${outcome.rule}.`);
    }
  });

  routes.get('/holders', async (c) => {
    const holders = await c.var.room.holders((c.req.query('after') ?? '').slice(0, 100));
    return c.json({
      holders: holders.map(({ subject, authority, holderId, roles, provider, person, held }) => ({
        subject,
        authority,
        holderId,
        roles: [...roles],
        provider,
        person,
        held,
      })),
      after: holders.length === HOLDER_PAGE ? (holders.at(-1)?.subject ?? null) : null,
    });
  });

  routes.post('/holders', async (c) => {
    const command = await readCommand(c.req.raw, readHolders, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    if (await listHolders(c, command)) return c.json({ holders: command.length }, 201);
    return problem(409, 'Conflict', 'An authority is not known: bring its list of revoked certificates first.');
  });

  routes.post('/holders/remove', async (c) => {
    const command = await readCommand(c.req.raw, readSubject, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    await unlistHolder(c, command);
    return c.json({});
  });

  routes.post('/block', async (c) => {
    const command = await readCommand(c.req.raw, readBlock, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    const marks = marksToBlock(command);
    await blockByMarks(c, marks);
    return c.json({ marks }, 201);
  });

  return routes;
}
