/**
 * @module The client certificate as the platform verified it (docs/spec/platform.md §1.5). A header is never read: anybody
 * can send one.
 */
import { marksOf } from '../../protocol/certificates/certificate.ts';
import { presentedCertificate } from '../shared/certificates/client-certificate.ts';

/** Who is calling. */
export interface LaboratoryCertificate {
  /** SHA-256 of the certificate, lowercase hex: what the signed list admits, exactly this file. */
  readonly fingerprint: string;
  /** What a block names: issuer and serial number, public key. Another file of the same certificate has the same. */
  readonly marks: readonly string[];
}

/**
 * @param request the request as it came from the platform
 * @returns a certificate that was presented, verified, not revoked and handed over whole, else null
 */
export function platformCertificate(request: Request): LaboratoryCertificate | null {
  const presented = presentedCertificate(request);
  return presented && { fingerprint: presented.fingerprint, marks: marksOf(presented.certificate) };
}
