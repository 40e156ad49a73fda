/**
 * @module A signer that is there, or the test is wrong.
 */
import type { Issued } from '../../local-edge/efgs-gateway/pki.ts';
import { type BatchSigner, readBatchSigner } from '../../protocol/efgs/certificate.ts';

/** @returns the signer of a certificate @throws when the two don't fit */
export function signerOf({ certificatePem, privateKeyPem }: Issued): BatchSigner {
  const signer = readBatchSigner(certificatePem, privateKeyPem);
  if (!signer.ok) throw new Error(signer.error);
  return signer.value;
}
