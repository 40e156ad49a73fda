/**
 * @module The client certificate of a request as the platform tells it (docs/spec/platform.md §1.5). A header is never read:
 * anybody can send one. Names and values are those of the platform's own types, so a wrong one doesn't compile.
 */
import { fromBase64 } from '../../../protocol/primitives/bytes.ts';
import { type Certificate, readCertificate } from '../../../protocol/certificates/certificate.ts';

type TlsClientAuth = NonNullable<IncomingRequestCfProperties['tlsClientAuth']>;

/** What a client showed, and what the platform makes of it. */
export interface PresentedCertificate {
  readonly certificate: Certificate;
  /** As the client sent them, unchecked; what can't be read is left out. */
  readonly intermediates: readonly Certificate[];
  /** SHA-256 of the certificate's DER, 64 lowercase hex digits. */
  readonly fingerprint: string;
}

/**
 * @param request the request as it came from the platform
 * @returns a certificate that was presented, verified, isn't revoked and was handed over whole; else null
 */
export function presentedCertificate(request: Request): PresentedCertificate | null {
  const auth = request.cf?.tlsClientAuth as TlsClientAuth | undefined;
  if (auth?.certPresented !== '1' || auth.certVerified !== 'SUCCESS' || auth.certRevoked !== '0') return null;
  // Past 10 and 16 KiB the platform leaves them out and says so: a part is never taken for the whole.
  if (auth.certRFC9440TooLarge || auth.certChainRFC9440TooLarge) return null;
  const [certificate] = certificatesIn(auth.certRFC9440);
  if (certificate === undefined) return null;
  const fingerprint = certificate.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  return { certificate, intermediates: certificatesIn(auth.certChainRFC9440), fingerprint };
}

/** @param list certificates as RFC 9440 has them: base64 of DER between colons */
function certificatesIn(list: string): Certificate[] {
  return [...list.matchAll(/:([A-Za-z0-9+/=]{1,24000}):/g)].flatMap(([, base64 = '']) => {
    try {
      return readCertificate(fromBase64(base64)) ?? [];
    } catch {
      return [];
    }
  });
}
