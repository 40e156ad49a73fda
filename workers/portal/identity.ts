/**
 * @module Who is asking, as a port. Deployed, it is Cloudflare Access's context, which only the platform can set; the
 * local composition injects a simulated identity and is no part of what is deployed (design.md §7).
 */

/** A person or service that Access let in. */
export interface Identity {
  /** Stable name for the audit log: an e-mail address, or a service token's id. */
  readonly subject: string;
}

/** @param context the platform's execution context @returns who is asking, or null when nobody was let in */
export type Identify = (context: { readonly access?: CloudflareAccessContext }) => Promise<Identity | null>;

/** Identity from Cloudflare Access: without its context there is none, whatever headers a request carries. */
export const identifyByAccess: Identify = async ({ access }) => {
  const identity = await access?.getIdentity();
  if (identity === undefined || identity === null) return null;
  const subject = identity.email ?? identity.user_uuid;
  return typeof subject === 'string' && subject !== '' ? { subject } : null;
};
