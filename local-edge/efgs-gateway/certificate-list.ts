/**
 * @module The gateway's list of certificates. Each row is verified against the trust anchor whenever it is looked up, so that whoever
 * can write the list can't add a member (docs/spec/europe.md §3.7).
 */
import { type EfgsCertificate, isListedByAnchor, readEfgsCertificate } from '../../protocol/efgs/certificate.ts';
import type { CertificateType, ListedCertificate } from './pki.ts';

export class CertificateList {
  readonly #anchor: EfgsCertificate;
  readonly #rows: ListedCertificate[] = [];

  /** @param anchorPem certificate of the trust anchor @throws when it is none */
  constructor(anchorPem: string) {
    const anchor = readEfgsCertificate(anchorPem);
    if (anchor === null) throw new TypeError('the trust anchor is no certificate');
    this.#anchor = anchor;
  }

  /** @param rows as whoever has the database writes them */
  add(...rows: readonly ListedCertificate[]): void {
    this.#rows.push(...rows);
  }

  /** From the next request on. @param thumbprint 64 hex digits */
  revoke(thumbprint: string): void {
    for (const [at, row] of this.#rows.entries()) {
      if (row.thumbprint === thumbprint) this.#rows[at] = { ...row, revoked: true };
    }
  }

  /** @param thumbprint all 64 digits @returns the row, or null when none counts */
  find(thumbprint: string, country: string, type: CertificateType): ListedCertificate | null {
    const row = this.#rows.find((one) => one.thumbprint === thumbprint && one.country === country && one.type === type);
    if (row === undefined || readEfgsCertificate(row.rawData)?.thumbprint !== thumbprint) return null;
    return isListedByAnchor(row.rawData, row.signature, this.#anchor) ? row : null;
  }
}
