/**
 * @module Roles, and which page each may use. The one table: routes check it, the menu shows it, tests walk it.
 */

/** In the order in which they are shown. */
export const ROLES = ['hotline', 'health-authority', 'provider', 'lab-admin', 'operator', 'auditor'] as const;
export type Role = (typeof ROLES)[number];

/** Page (path below /staff) → who may use it. */
export const PAGE_ROLES = {
  teletan: ['hotline', 'health-authority'],
  codes: ['hotline', 'health-authority'],
  issue: ['hotline', 'health-authority'],
  issued: ['hotline', 'health-authority'],
  bulk: ['health-authority'],
  cards: ['provider'],
  batches: ['provider', 'health-authority'],
  flyers: ['provider', 'lab-admin'],
  laboratories: ['lab-admin'],
  quotas: ['health-authority'],
  rollbacks: ['health-authority', 'operator'],
  peers: ['operator'],
  parameters: ['health-authority', 'operator'],
  guesses: ['health-authority', 'operator', 'auditor'],
  'api-keys': ['operator'],
  holders: ['operator'],
  sessions: ['operator'],
  status: ['operator'],
  audit: ['auditor'],
} as const satisfies Readonly<Record<string, readonly Role[]>>;

/** Roles a card may carry. Who runs the system comes by Access, never by a card. */
export const PROFESSIONAL_ROLES: readonly Role[] = ['hotline', 'health-authority', 'provider'];
/** A professional's number at their authority. */
export const HOLDER_ID = /^[^\p{C}]{1,64}$/u;

export type Page = keyof typeof PAGE_ROLES;
/** In the order of the menu. */
export const PAGES = Object.keys(PAGE_ROLES) as Page[];

/** @returns whether one of the roles opens the page */
export function mayUse(roles: readonly Role[], page: Page): boolean {
  return (PAGE_ROLES[page] as readonly Role[]).some((role) => roles.includes(role));
}

/** @param names any texts @returns those that name a role, each once */
export function rolesAmong(names: readonly string[]): Role[] {
  return ROLES.filter((role) => names.includes(role));
}
