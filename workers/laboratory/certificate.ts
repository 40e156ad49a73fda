/**
 * @module The client certificate as the platform verified it (docs/spec/platform.md §1.5). A header is never read: anybody
 * can send one.
 */

/** What `request.cf.tlsClientAuth` says, as far as we read it; all strings. */
interface TlsClientAuth {
  readonly certPresented?: string;
  readonly certVerified?: string;
  readonly certRevoked?: string;
  readonly certFingerprintSHA256?: string;
}

/**
 * @param request the request as it came from the platform
 * @returns the fingerprint (SHA-256, lowercase hex) of a certificate that was presented, verified and not revoked, else null
 */
export function platformCertificate(request: Request): string | null {
  const auth = (request as { cf?: { tlsClientAuth?: TlsClientAuth } }).cf?.tlsClientAuth;
  if (auth?.certPresented !== '1' || auth.certVerified !== 'SUCCESS' || auth.certRevoked !== '0') return null;
  const fingerprint = auth.certFingerprintSHA256?.toLowerCase() ?? '';
  return /^[0-9a-f]{64}$/.test(fingerprint) ? fingerprint : null;
}
