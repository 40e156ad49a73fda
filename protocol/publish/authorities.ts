/**
 * @module Health authorities of Google's dialect: whose certificates authorise uploads (docs/spec/google.md §1.5). The document is public: it holds
 * public keys and what each may be used for.
 */
import type { CertifiedReport } from './report-type.ts';

/** Type of the signed document (protocol/index/signed-document.ts). */
export const AUTHORITIES_TYPE = 'authorities';

/** A key that an authority signs certificates with. */
export interface AuthorityKey {
  /** As the certificate's header names it. */
  readonly kid: string;
  /** SubjectPublicKeyInfo of a P-256 key, base64. */
  readonly publicKey: string;
  /** Unix seconds from which on it is taken. */
  readonly from: number;
  /** Unix seconds from which on it is not; null: for good. */
  readonly until: number | null;
}

/** Who may certify, and what. */
export interface HealthAuthority {
  /** Of the document's own; 1..64 of [a-z0-9-]. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** `iss` of its certificates, the only one with it. */
  readonly issuer: string;
  /** `aud` of its certificates. */
  readonly audience: string;
  readonly keys: readonly AuthorityKey[];
  /** ISO 3166-1 alpha-2: the countries that its apps are for. */
  readonly regions: readonly string[];
  /** Values of `healthAuthorityID` that may be used with its certificates; compared without case. */
  readonly apps: readonly string[];
  readonly reportTypes: readonly CertifiedReport[];
  /** It may ask for statistics of what it certified (stats.ts); left out: it may not. */
  readonly stats?: true;
}

export interface Authorities {
  /** 0 before the first; only grows. */
  readonly version: number;
  readonly authorities: readonly HealthAuthority[];
}

/** Before the first document: nobody's certificate is good. */
export const NO_AUTHORITIES: Authorities = { version: 0, authorities: [] };
