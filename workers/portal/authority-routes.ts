/**
 * @module Operator commands about health authorities, below `/operator/authorities`: which are in force, the whole document anew and, as a second
 * person, agree. 200 and 202 carry the outcome, 409 a version that isn't the one the operator has seen, 422 what is wrong with the document.
 */
import { Hono } from 'hono';
import { MAX_AUTHORITIES_CHARACTERS, type SetAuthoritiesRequest } from '../../domain/authority-list.ts';
import { type Result, err } from '../../protocol/primitives/result.ts';
import { problem } from '../shared/problem.ts';
import { agree, type AuthoritiesAnswer, authorityProposals, setOrPropose } from './authority-desk.ts';
import { type Expecting, readFields, readProposal, withCommon } from './config-input.ts';
import { readCommand } from './json-command.ts';
import type { InputError } from './operator-input.ts';
import type { Staff } from './staff-context.ts';

/** The document in UTF-8, and the other fields. */
const MAX_COMMAND_BYTES = 2 * MAX_AUTHORITIES_CHARACTERS;

/** @returns the routes below `/operator/authorities`; who may call them is decided before */
export function authorityRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const [{ version, authorities }, kept] = await Promise.all([c.env.ORIGIN.authorities(), authorityProposals(c)]);
    const proposals = kept.map(({ id, by, at, expectedVersion }) => ({ id, by, at, expectedVersion }));
    return c.json({ version, authorities, proposals });
  });

  routes.post('/', async (c) => {
    const command = await readCommand(c.req.raw, readSet, MAX_COMMAND_BYTES);
    if (command instanceof Response) return command;
    return answer(await setOrPropose(c, command.request, command.expectedVersion));
  });

  routes.post('/agree', async (c) => {
    const command = await readCommand(c.req.raw, readProposal);
    if (command instanceof Response) return command;
    const reply = await agree(c, command);
    if (reply.kind === 'own') return problem(403, 'Forbidden', 'Whoever proposed it can’t be the second person.');
    if (reply.kind === 'gone') return problem(404, 'Not Found', 'There is no such proposal, or no longer.');
    return answer(reply);
  });

  return routes;
}

/** What may stand in the document is judged in `origin`; `dryRun` may be left out. */
function readSet(body: unknown): Result<Expecting<SetAuthoritiesRequest>, InputError> {
  const fields = readFields(body, ['authorities', 'expectedVersion', 'dryRun']);
  if (!fields.ok) return fields;
  const { authorities } = fields.value;
  if (!Array.isArray(authorities)) return err('authorities must be the list of all health authorities.');
  return withCommon(fields.value, { document: JSON.stringify({ authorities }) });
}

const STATUSES: Readonly<Record<AuthoritiesAnswer['kind'], number>> = {
  published: 200,
  unchanged: 200,
  'would-publish': 200,
  'needs-second-person': 200,
  proposed: 202,
  conflict: 409,
  invalid: 422,
};

const answer = (reply: AuthoritiesAnswer): Response => Response.json(reply, { status: STATUSES[reply.kind] });
