/**
 * @module The two persons behind each step that ends a deployment (docs/sunset.md): one asks, another does the same within a day. Who has agreed
 * stays until the room itself is purged, so that an interrupted step is taken up by either.
 *
 * Durable writes: one row a step, in one transaction with the audit log's entry. A crash after it and before the step leaves an agreement: the command is given again.
 */

/** Nobody ends today what somebody wanted to end yesterday. */
const LIFETIME_SECONDS = 86_400;

/** What needs two persons. */
export type EndStep = 'stop' | 'purge';

/** waits: for another person than `by`. */
export type EndConsent =
  | { readonly kind: 'agreed' }
  | { readonly kind: 'waits'; readonly by: string; readonly at: number };

type Row = { asked_by: string; asked_at: number; agreed_by: string | null };

/**
 * A person wants a step, having typed the deployment's name.
 *
 * @param who the person
 * @param now Unix seconds
 */
export function consentToEnd(sql: SqlStorage, step: EndStep, who: string, now: number): EndConsent {
  const row = sql.exec<Row>('SELECT asked_by, asked_at, agreed_by FROM sunset_step WHERE step = ?', step).toArray()[0];
  if (row !== undefined && row.agreed_by !== null) return { kind: 'agreed' };
  if (row !== undefined && row.asked_at > now - LIFETIME_SECONDS) {
    if (row.asked_by === who) return { kind: 'waits', by: who, at: row.asked_at };
    sql.exec('UPDATE sunset_step SET agreed_by = ?, agreed_at = ? WHERE step = ?', who, now, step);
    return { kind: 'agreed' };
  }
  sql.exec('INSERT OR REPLACE INTO sunset_step VALUES (?, ?, ?, NULL, NULL)', step, who, now);
  return { kind: 'waits', by: who, at: now };
}

/** @returns where the audit log ends, for the certificate */
export function auditEnd(sql: SqlStorage): { entries: number; chain: string } {
  const last = sql
    .exec<{ id: number; chain: string }>('SELECT id, chain FROM audit ORDER BY id DESC LIMIT 1')
    .toArray()[0];
  return { entries: last?.id ?? 0, chain: last?.chain ?? '' };
}
