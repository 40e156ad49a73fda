/** @module For tests in workerd: what the platform says of a client certificate that it verified. The compiler holds the names. */

export type TlsClientAuth = NonNullable<IncomingRequestCfProperties['tlsClientAuth']>;

/** DER, or a certificate of the test authority. */
type Shown = Uint8Array | { readonly certificate: { readonly rawData: ArrayBuffer } };

/** @returns the certificate as the platform hands it over (RFC 9440): base64 of DER between colons */
function rfc9440(shown: Shown): string {
  const der = shown instanceof Uint8Array ? shown : new Uint8Array(shown.certificate.rawData);
  return `:${btoa(String.fromCharCode(...der))}:`;
}

/** Fields that nobody here reads. */
const UNREAD = {
  certIssuerDN: '',
  certSubjectDN: '',
  certIssuerDNRFC2253: '',
  certSubjectDNRFC2253: '',
  certIssuerDNLegacy: '',
  certSubjectDNLegacy: '',
  certSerial: '',
  certIssuerSerial: '',
  certSKI: '',
  certIssuerSKI: '',
  certFingerprintSHA1: '',
  certFingerprintSHA256: '',
  certNotBefore: '',
  certNotAfter: '',
} as const;

/** What the platform says when no certificate was shown. */
export const NO_CLIENT: TlsClientAuth = {
  ...UNREAD,
  certPresented: '0',
  certVerified: 'NONE',
  certRevoked: '0',
  certRFC9440: '',
  certRFC9440TooLarge: false,
  certChainRFC9440: '',
  certChainRFC9440TooLarge: false,
};

/**
 * @param leaf the client's certificate, or its DER
 * @param chain what the client sent beside it
 */
export function verifiedClient(
  leaf: Shown,
  chain: readonly Shown[] = [],
): Exclude<TlsClientAuth, { certPresented: '0' }> {
  return {
    ...UNREAD,
    certPresented: '1',
    certVerified: 'SUCCESS',
    certRevoked: '0',
    certRFC9440: rfc9440(leaf),
    certRFC9440TooLarge: false,
    certChainRFC9440: chain.map((one) => rfc9440(one)).join(', '),
    certChainRFC9440TooLarge: false,
  };
}

/** @returns a request as the platform hands it over */
export function requestWith(tlsClientAuth: TlsClientAuth, url: string, init: RequestInit = {}): Request {
  const request = new Request(url, init);
  Object.defineProperty(request, 'cf', { value: { tlsClientAuth } });
  return request;
}
