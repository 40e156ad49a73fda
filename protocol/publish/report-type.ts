/**
 * @module Report types that a verification certificate can say (docs/spec/google.md §1.5).
 */
export const CERTIFIED_REPORTS = ['confirmed', 'likely', 'negative', 'user-report'] as const;
/** `reportType` of a certificate. */
export type CertifiedReport = (typeof CERTIFIED_REPORTS)[number];
