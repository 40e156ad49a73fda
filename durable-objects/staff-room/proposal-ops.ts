/**
 * @module What one person wants to publish for so many phones that a second one has to agree (docs/parameters.md). A proposal is
 * kept until it is published or declined, at most a day; who proposed it can't be the second person.
 */

/** Nobody publishes today what somebody wanted yesterday. */
const LIFETIME_SECONDS = 86_400;
/** One a person: whoever proposes again has changed their mind. */
export interface Proposal {
  /** 32 lowercase hex digits. */
  readonly id: string;
  readonly by: string;
  /** Unix seconds. */
  readonly at: number;
  readonly action: 'publish' | 'rollback' | 'authorities';
  /** The request as `origin` takes it (domain/parameters/publication.ts, domain/authority-list.ts), as JSON; it concerns no person. */
  readonly request: string;
  /** The version that it was made of. */
  readonly expectedVersion: number;
}

type ProposalRow = {
  id: string;
  proposed_by: string;
  proposed_at: number;
  action: Proposal['action'];
  request: string;
  expected_version: number;
};

/** Keeps a proposal in place of the same person's last. */
export function propose(sql: SqlStorage, proposal: Proposal): void {
  const { id, by, at, action, request, expectedVersion } = proposal;
  sql.exec('DELETE FROM proposal WHERE proposed_by = ?', by);
  sql.exec('INSERT INTO proposal VALUES (?, ?, ?, ?, ?, ?)', id, by, at, action, request, expectedVersion);
}

/** @param now Unix seconds @returns what waits for a second person, oldest first */
export function proposals(sql: SqlStorage, now: number): Proposal[] {
  return sql
    .exec<ProposalRow>('SELECT * FROM proposal WHERE proposed_at > ? ORDER BY proposed_at, id', now - LIFETIME_SECONDS)
    .toArray()
    .map((row) => ({
      id: row.id,
      by: row.proposed_by,
      at: row.proposed_at,
      action: row.action,
      request: row.request,
      expectedVersion: row.expected_version,
    }));
}

/** Ends a proposal: published, declined or taken back. */
export function endProposal(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM proposal WHERE id = ?', id);
}

/** Forgets what nobody agreed to. @param now Unix seconds */
export function forgetProposals(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM proposal WHERE proposed_at <= ?', now - LIFETIME_SECONDS);
}
