/**
 * @module Health authorities whose certificates are good (decision 063): one person takes trust away, and adds some where no parameters in force ask for
 * a second person; else what the one wants is kept in StaffRoom until another agrees, as with parameters.
 *
 * Durable writes: in force first, then the proposal ends. A crash in between leaves a proposal of a version that is no longer in force: agreeing to it
 * is a conflict, which ends it.
 */
import {
  type AuthoritiesReply,
  changedAuthorities,
  readAuthoritiesText,
  type SetAuthoritiesRequest,
} from '../../domain/authority-list.ts';
import type { Proposal } from '../../durable-objects/staff-room/proposal-ops.ts';
import { audit, type StaffContext } from './staff-context.ts';

/** proposed: a second person has to agree, to the proposal of this id. */
export type AuthoritiesAnswer =
  | AuthoritiesReply
  | { readonly kind: 'proposed'; readonly id: string; readonly abovePercentage: number };

/** own: whoever proposed can't agree. gone: there is no such proposal, or no longer. */
type AgreeAnswer = AuthoritiesReply | { readonly kind: 'own' } | { readonly kind: 'gone' };

/** Brings a document into force, or keeps it for a second person; a dry run keeps nothing. */
export async function setOrPropose(
  c: StaffContext,
  request: SetAuthoritiesRequest,
  expectedVersion: number,
): Promise<AuthoritiesAnswer> {
  const said = await carryOut(c, { ...request, dryRun: true }, expectedVersion, 1);
  if (request.dryRun) return said;
  if (said.kind === 'would-publish') {
    await audit(c, 'authorities.set', await detail(c, request, expectedVersion));
    return carryOut(c, request, expectedVersion, 1);
  }
  if (said.kind !== 'needs-second-person') return said;
  await audit(c, 'authorities.propose', await detail(c, request, expectedVersion));
  const by = c.var.identity.person;
  const id = await c.var.room.propose({ by, action: 'authorities', request: JSON.stringify(request), expectedVersion });
  return { kind: 'proposed', id, abovePercentage: said.abovePercentage };
}

/** The second person agrees. */
export async function agree(c: StaffContext, id: string): Promise<AgreeAnswer> {
  const proposal = (await authorityProposals(c)).find((one) => one.id === id);
  if (proposal === undefined) return { kind: 'gone' };
  const { by, expectedVersion } = proposal;
  if (by === c.var.identity.person) return { kind: 'own' };
  const request = JSON.parse(proposal.request) as SetAuthoritiesRequest;
  await audit(c, 'authorities.agree', `of ${by} ${await detail(c, request, expectedVersion)}`);
  const reply = await carryOut(c, request, expectedVersion, 2);
  await c.var.room.endProposal(id);
  return reply;
}

/** @returns what waits for a second person and concerns authorities, oldest first */
export async function authorityProposals(c: StaffContext): Promise<Proposal[]> {
  return (await c.var.room.proposals()).filter(({ action }) => action === 'authorities').map((one) => ({ ...one }));
}

/** @returns what a request changes, by the authorities' ids: no name, no key */
async function detail(c: StaffContext, { document }: SetAuthoritiesRequest, expectedVersion: number): Promise<string> {
  const { authorities } = await c.env.ORIGIN.authorities();
  const read = readAuthoritiesText(document);
  return `on version ${expectedVersion}: ${read.ok ? changedAuthorities(authorities, read.value) : 'invalid'}`;
}

async function carryOut(
  c: StaffContext,
  request: SetAuthoritiesRequest,
  expectedVersion: number,
  persons: number,
): Promise<AuthoritiesReply> {
  // A copy: an RPC's result comes with a disposer that has no business in an answer.
  return { ...(await c.env.ORIGIN.setAuthorities(request, expectedVersion, persons)) };
}
