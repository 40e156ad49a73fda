/**
 * @module A credential as people carry it: a link that stands in a QR code too. What is behind the `#` leaves no device by itself (RFC 3986 §3.5), and nobody else's phone can use it: it lacks the key.
 */
import { readCredential } from './credential.ts';

const PREFIX = 'https://localhost/credential#';

/** @param credential an SD-JWT @returns the link, about 800 characters */
export const credentialLink = (credential: string): string => `${PREFIX}${credential}`;

/** @param text of a link, or a credential by itself @returns the SD-JWT, or null when it has another form */
export function credentialInLink(text: string): string | null {
  const credential = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
  return readCredential(credential) === null ? null : credential;
}
