/** @module Public keys of P-256 in base64, as the directory writes them (RFC 5480 §2). */
import { fromBase64 } from '../primitives/bytes.ts';
import { pointFromSpki } from '../signing.ts';

/**
 * @param text base64 of a SubjectPublicKeyInfo
 * @returns its 91 bytes, or null when it is no P-256 key
 */
export function spkiFromBase64(text: string): Uint8Array | null {
  try {
    const spki = fromBase64(text);
    pointFromSpki(spki);
    return spki;
  } catch {
    return null;
  }
}
