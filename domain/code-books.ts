/**
 * @module What the books of the code desk say of teleTANs and quotas, as `verification` tells `portal` (domain/rpc.ts). Never a
 * code, nor whether one was used.
 */

/** One teleTAN in the books: never the code, nor whether it was used. */
export interface TeleTanEntry {
  /** 32 lowercase hex digits; null for one that was issued before orders had names. It is what a revocation names. */
  readonly id: string | null;
  readonly hint: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Unix seconds, or null. */
  readonly revokedAt: number | null;
}

/** What one issuer made in the last day: hints, never codes. */
export interface TeleTanBook {
  readonly entries: readonly TeleTanEntry[];
  readonly used: number;
  /** What is released beyond the quota is part of it. */
  readonly limit: number;
  /** Codes that this issuer asked for beyond the quota within the last hour and that nobody has released yet; 0: none. */
  readonly asked: number;
  /** False when the quota is 0: who was stopped can't be released. */
  readonly mayAsk: boolean;
}

/** Codes beyond a quota that a second person may release. */
export interface QuotaRequest {
  /** 32 lowercase hex digits. */
  readonly id: string;
  readonly issuer: string;
  /** Who the issuer is: what is compared with who releases (decision 046). */
  readonly person: string;
  readonly codes: number;
  /** Unix seconds. */
  readonly askedAt: number;
}

/** released: holds for an hour. own: whoever asked can't be the second person. gone: there is none, or no longer. */
export type ReleaseReply =
  | { readonly kind: 'released'; readonly issuer: string; readonly codes: number }
  | { readonly kind: 'own' | 'gone' };
