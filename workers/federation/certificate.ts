/**
 * @module The client certificate as the platform verified it (docs/spec/platform.md §1.5). A header is never read: anybody can send one.
 */
import { presentedCertificate } from '../shared/certificates/client-certificate.ts';

/**
 * @param request the request as it came from the platform
 * @returns SHA-256 of the certificate's DER, 64 lowercase hex digits; null when none was presented, verified, unrevoked and handed over whole
 */
export function platformFingerprint(request: Request): string | null {
  return presentedCertificate(request)?.fingerprint ?? null;
}
