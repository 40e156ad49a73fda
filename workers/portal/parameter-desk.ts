/**
 * @module Parameters that go to more phones than one person may decide on (docs/parameters.md): what the one wants is kept in
 * StaffRoom until another agrees. `origin` says when that is so, by the document in force; who is who, this Worker alone knows.
 *
 * Durable writes: published first, then the proposal ends. A crash in between leaves a proposal of a version that is no longer
 * the newest: agreeing to it is a conflict, which ends it.
 */
import type { PublishReply, PublishRequest, RollbackRequest } from '../../domain/parameters/publication.ts';
import type { Proposal } from '../../durable-objects/staff-room/proposal-ops.ts';
import { audit, type StaffContext } from './staff-context.ts';

/** proposed: a second person has to agree, to the proposal of this id. */
export type PublishAnswer =
  | PublishReply
  | { readonly kind: 'proposed'; readonly id: string; readonly abovePercentage: number };

/** own: whoever proposed can't agree. gone: there is no such proposal, or no longer. */
export type AgreeAnswer = PublishReply | { readonly kind: 'own' } | { readonly kind: 'gone' };

/** What a proposal would do. */
export type Proposed =
  | { readonly action: 'publish'; readonly request: PublishRequest }
  | { readonly action: 'rollback'; readonly request: RollbackRequest };

/** Publishes or goes back, or keeps it for a second person; a dry run keeps nothing. */
export async function publishOrPropose(
  c: StaffContext,
  proposed: Proposed,
  expectedVersion: number,
): Promise<PublishAnswer> {
  const reply = await carryOut(c, proposed, expectedVersion, 1);
  if (reply.kind !== 'needs-second-person' || proposed.request.dryRun) return reply;
  const { action, request } = proposed;
  await audit(c, 'parameters.propose', `${action} on version ${expectedVersion}`);
  const by = c.var.identity.person;
  const id = await c.var.room.propose({ by, action, request: JSON.stringify(request), expectedVersion });
  return { kind: 'proposed', id, abovePercentage: reply.abovePercentage };
}

/** The second person agrees. */
export async function agree(c: StaffContext, id: string): Promise<AgreeAnswer> {
  const proposal = await proposalOf(c, id);
  if (proposal === null) return { kind: 'gone' };
  if (proposal.by === c.var.identity.person) return { kind: 'own' };
  const { by, expectedVersion } = proposal;
  const proposed = proposedIn(proposal);
  await audit(c, 'parameters.agree', `${proposed.action} of ${by} on version ${expectedVersion}`);
  const reply = await carryOut(c, proposed, expectedVersion, 2);
  await c.var.room.endProposal(id);
  return reply;
}

/** Ends a proposal unpublished: declined by another, or taken back. @returns false when there is none */
export async function decline(c: StaffContext, id: string): Promise<boolean> {
  const proposal = await proposalOf(c, id);
  if (proposal === null) return false;
  await audit(c, 'parameters.decline', `${proposal.action} of ${proposal.by} on version ${proposal.expectedVersion}`);
  await c.var.room.endProposal(id);
  return true;
}

/** A proposal about parameters; the others are health authorities' (authority-desk.ts). */
export type ParameterProposal = Proposal & Pick<Proposed, 'action'>;

/** @returns what waits for a second person and concerns parameters, oldest first */
export async function parameterProposals(c: StaffContext): Promise<ParameterProposal[]> {
  return (await c.var.room.proposals()).flatMap((proposal) => {
    const { action } = proposal;
    return action === 'authorities' ? [] : [{ ...proposal, action }];
  });
}

/** @returns what a proposal would do; it was checked before it was kept */
export const proposedIn = ({ action, request }: Pick<ParameterProposal, 'action' | 'request'>): Proposed => ({
  action,
  request: JSON.parse(request),
});

async function proposalOf(c: StaffContext, id: string): Promise<ParameterProposal | null> {
  return (await parameterProposals(c)).find((proposal) => proposal.id === id) ?? null;
}

async function carryOut(c: StaffContext, { action, request }: Proposed, expectedVersion: number, persons: number) {
  const { ORIGIN } = c.env;
  // A copy: an RPC's result comes with a disposer that has no business in an answer.
  const reply = await (action === 'publish'
    ? ORIGIN.publishParameters(request, expectedVersion, persons)
    : ORIGIN.rollbackParameters(request, expectedVersion, persons));
  return { ...reply } as PublishReply;
}
