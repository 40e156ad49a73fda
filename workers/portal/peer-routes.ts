/**
 * @module Operator commands about peers, below `/operator/peers` (docs/federation.md): what the page shows, as figures for whoever watches; the kill switch; and a feed from its beginning. What takes two persons is on the page alone.
 */
import { Hono } from 'hono';
import type { Direction } from '../../domain/federation/peer.ts';
import { REGION_ID } from '../../protocol/directory/entry.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { problem } from '../shared/problem.ts';
import { readCommand } from './json-command.ts';
import type { InputError } from './operator-input.ts';
import { peersOf, readAnew, setStopped } from './peers-desk.ts';
import type { Staff } from './staff-context.ts';

interface SwitchCommand {
  readonly peer: string;
  readonly direction: Direction;
  readonly stopped: boolean;
}

/** @returns the routes below `/operator/peers`; who may call them is decided before */
export function peerCommandRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => c.json({ peers: await peersOf(c) }));

  routes.post('/switch', async (c) => {
    const command = await readCommand(c.req.raw, readSwitch);
    if (command instanceof Response) return command;
    const { peer, direction, stopped } = command;
    if (!(await setStopped(c, peer, direction, stopped)))
      return problem(404, 'Not Found', 'No such peer is configured.');
    return c.json(command);
  });

  routes.post('/reread', async (c) => {
    const command = await readCommand(c.req.raw, readReread);
    if (command instanceof Response) return command;
    if (!(await readAnew(c, command.peer))) return problem(404, 'Not Found', 'No such peer with a feed is configured.');
    return c.json(command);
  });

  return routes;
}

/** @param body parsed JSON: `{"peer"}` */
function readReread(body: unknown): Result<{ readonly peer: string }, InputError> {
  if (typeof body !== 'object' || body === null || Object.keys(body).length !== 1) {
    return err('The body must be a JSON object with peer.');
  }
  const { peer } = body as Readonly<Record<string, unknown>>;
  return typeof peer === 'string' && REGION_ID.test(peer) ? ok({ peer }) : err('peer must be the id of a region.');
}

/** @param body parsed JSON: `{"peer", "direction", "stopped"}` */
function readSwitch(body: unknown): Result<SwitchCommand, InputError> {
  if (typeof body !== 'object' || body === null || Object.keys(body).length !== 3) {
    return err('The body must be a JSON object with peer, direction and stopped.');
  }
  const { peer, direction, stopped } = body as Readonly<Record<string, unknown>>;
  if (typeof peer !== 'string' || !REGION_ID.test(peer)) return err('peer must be the id of a region.');
  if (direction !== 'in' && direction !== 'out') return err('direction must be in or out.');
  if (typeof stopped !== 'boolean') return err('stopped must be true or false.');
  return ok({ peer, direction, stopped });
}
