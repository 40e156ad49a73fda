/**
 * @module Whether a batch was signed in its country's name (docs/spec/europe.md §3.3): by one certificate that is listed for signing
 * for its country, neither revoked nor outside its dates, with no key of another origin.
 */
import { fromBase64 } from '../primitives/bytes.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import type { EfgsKey } from './batch.ts';
import { type BatchSigner, type EfgsCertificate, isValidAt } from './certificate.ts';
import { type CmsFault, signDetached, verifyDetached } from './cms.ts';
import { signingBytes } from './signing-bytes.ts';
import { toBase64 } from '../primitives/bytes.ts';

/** Base64 of a CMS message with one certificate: 2 to 4 KB; a header can't be longer than this at any gateway. */
const MAX_SIGNATURE_CHARACTERS = 16_384;

export type SignatureFault =
  | CmsFault
  /** The certificate names no country, or two. */
  | 'country'
  | 'validity'
  | 'unlisted'
  | 'revoked'
  /** A key of another country than the signer's. */
  | 'origin';

/** Who may sign. */
export interface Signers {
  /** Unix seconds at which the certificate must be valid. */
  readonly at: number;
  /** @returns whether this certificate is listed as SIGNING for this country, and still is */
  readonly standing: (certificate: EfgsCertificate, country: string) => 'listed' | 'unlisted' | 'revoked';
}

/** @param keys at least one @param signer of their country @param now Unix seconds @returns the header `batchSignature` */
export function signBatch(keys: readonly EfgsKey[], signer: BatchSigner, now: number): string {
  return toBase64(signDetached(signingBytes(keys), signer, now));
}

/**
 * @param keys of the batch, in any order
 * @param batchSignature base64 of the CMS message
 * @param signers who may sign
 * @returns certificate and country of the signer, or the first fault
 */
export function verifyBatch(
  keys: readonly EfgsKey[],
  batchSignature: string,
  signers: Signers,
): Result<{ readonly certificate: EfgsCertificate; readonly country: string }, SignatureFault> {
  let cms: Uint8Array;
  try {
    if (batchSignature.length > MAX_SIGNATURE_CHARACTERS) return err('malformed');
    cms = fromBase64(batchSignature);
  } catch {
    return err('malformed');
  }
  const verified = verifyDetached(signingBytes(keys), cms);
  if (!verified.ok) return verified;
  const certificate = verified.value;
  const { country } = certificate;
  if (country === null) return err('country');
  if (!isValidAt(certificate, signers.at)) return err('validity');
  const standing = signers.standing(certificate, country);
  if (standing !== 'listed') return err(standing);
  if (keys.some(({ origin }) => origin !== country)) return err('origin');
  return ok({ certificate, country });
}
