/**
 * @module Detached CMS SignedData (RFC 5652 §5) as the gateway has it (docs/spec/europe.md §3.3): content outside, one certificate, one
 * signer, no revocation lists. The syntax is a library's, @peculiar/asn1-cms, the signatures are the platform's (decision 051);
 * a test has `openssl cms` read what is written here, and the other way round.
 */
import { createHash, verify } from 'node:crypto';
import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  CMSVersion,
  ContentInfo,
  DigestAlgorithmIdentifier,
  DigestAlgorithmIdentifiers,
  EncapsulatedContentInfo,
  id_contentType,
  id_data,
  id_messageDigest,
  id_signedData,
  id_signingTime,
  IssuerAndSerialNumber,
  MessageDigest,
  SignatureAlgorithmIdentifier,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
  SigningTime,
} from '@peculiar/asn1-cms';
import {
  AsnArray,
  AsnConvert,
  AsnObjectIdentifierConverter,
  AsnType,
  AsnTypeTypes,
  OctetString,
} from '@peculiar/asn1-schema';
import { SubjectKeyIdentifier, id_ce_subjectKeyIdentifier } from '@peculiar/asn1-x509';
import { compareBytes, equalBytes } from '../primitives/bytes.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { ECDSA_HASHES, ECDSA_WITH_SHA_256, HASHES, RSA_ENCRYPTION, RSA_HASHES, SHA_256 } from './algorithms.ts';
import { type BatchSigner, type EfgsCertificate, readEfgsCertificate } from './certificate.ts';

/** Why a signature is none of the content's. */
export type CmsFault =
  /** No SignedData, or bytes behind it. */
  | 'malformed'
  /** It carries content of its own. */
  | 'not-detached'
  /** Other than one certificate, a revocation list, or a certificate that can't be read. */
  | 'certificates'
  /** Other than one signer, or not the certificate's. */
  | 'signer'
  /** A hash or signature that isn't of algorithms.ts, or a weak key. */
  | 'algorithm'
  /** The signed digest is another content's. */
  | 'digest'
  | 'signature';

/** DER of an ASN.1 NULL: RSA's algorithm identifiers carry it (RFC 3370 §3.2). */
const NULL = Uint8Array.of(5, 0).buffer;
/** Signed attributes are sent as [0] IMPLICIT, and signed as the SET OF that they are, in DER (RFC 5652 §5.4). */
class AttributeSet extends AsnArray<Attribute> {}
AsnType({ type: AsnTypeTypes.Set, itemType: Attribute })(AttributeSet);

const oid = (id: string): ArrayBuffer => AsnObjectIdentifierConverter.toASN(id).toBER();

/** What the platform's library gives back is `ArrayBuffer`, to which nobody else holds a view. */
const bytesOf = (buffer: ArrayBuffer): Uint8Array => new Uint8Array(buffer);

const isRsa = ({ publicKey }: EfgsCertificate): boolean => publicKey?.asymmetricKeyType === 'rsa';

/**
 * @param content what is signed; it isn't in the result
 * @param signer of a country
 * @param now Unix seconds: the signing time
 * @returns DER of a ContentInfo with SignedData
 */
export function signDetached(content: Uint8Array, signer: BatchSigner, now: number): Uint8Array {
  const { certificate } = signer;
  const { issuer, serialNumber } = certificate.syntax.tbsCertificate;
  const digest = createHash('sha256').update(content).digest();
  const attribute = (attrType: string, value: ArrayBuffer): Attribute =>
    new Attribute({ attrType, attrValues: [value] });
  const signedAttrs = inDerOrder([
    attribute(id_contentType, oid(id_data)),
    attribute(id_signingTime, AsnConvert.serialize(new SigningTime(now * 1000))),
    attribute(id_messageDigest, AsnConvert.serialize(new MessageDigest(Uint8Array.from(digest).buffer))),
  ]);
  const info = new SignerInfo({
    version: CMSVersion.v1,
    sid: new SignerIdentifier({ issuerAndSerialNumber: new IssuerAndSerialNumber({ issuer, serialNumber }) }),
    digestAlgorithm: new DigestAlgorithmIdentifier({ algorithm: SHA_256 }),
    signedAttrs,
    signatureAlgorithm: isRsa(certificate)
      ? new SignatureAlgorithmIdentifier({ algorithm: RSA_ENCRYPTION, parameters: NULL })
      : new SignatureAlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA_256 }),
    signature: new OctetString(signer.sign(asSet(signedAttrs))),
  });
  const signedData = new SignedData({
    version: CMSVersion.v1,
    digestAlgorithms: new DigestAlgorithmIdentifiers([new DigestAlgorithmIdentifier({ algorithm: SHA_256 })]),
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: id_data }),
    certificates: new CertificateSet([new CertificateChoices({ certificate: certificate.syntax })]),
    signerInfos: new SignerInfos([info]),
  });
  const message = new ContentInfo({ contentType: id_signedData, content: AsnConvert.serialize(signedData) });
  return bytesOf(AsnConvert.serialize(message));
}

/** DER sorts the members of a SET OF by their bytes (ITU-T X.690, clause 11.6). */
function inDerOrder(attributes: readonly Attribute[]): Attribute[] {
  return attributes
    .map((attribute) => ({ attribute, bytes: bytesOf(AsnConvert.serialize(attribute)) }))
    .toSorted((a, b) => compareBytes(a.bytes, b.bytes))
    .map(({ attribute }) => attribute);
}

/** @returns what is signed of attributes: written anew in DER, however they were sent; their values are kept as they came */
function asSet(attributes: readonly Attribute[]): Uint8Array {
  return bytesOf(AsnConvert.serialize(new AttributeSet(inDerOrder(attributes))));
}

/**
 * Whether the signature is the content's, by the certificate in it. Whose certificate that is, and whether it is valid, is asked
 * by batch-signature.ts.
 *
 * @param content what should be signed
 * @param cms any bytes
 * @returns the signing certificate, or the first fault
 */
export function verifyDetached(content: Uint8Array, cms: Uint8Array): Result<EfgsCertificate, CmsFault> {
  try {
    const message = AsnConvert.parse(cms, ContentInfo);
    if (message.contentType !== id_signedData) return err('malformed');
    const { encapContentInfo, certificates, crls, signerInfos } = AsnConvert.parse(message.content, SignedData);
    if (encapContentInfo.eContent !== undefined) return err('not-detached');
    const only = [...(certificates ?? [])];
    if (only.length !== 1 || crls !== undefined) return err('certificates');
    const syntax = only[0]?.certificate;
    const certificate = syntax === undefined ? null : readEfgsCertificate(bytesOf(AsnConvert.serialize(syntax)));
    if (certificate === null) return err('certificates');
    const [info, ...more] = signerInfos;
    if (info === undefined || more.length > 0 || !isSigner(info.sid, certificate)) return err('signer');
    const fault = faultOfSignature(content, info, encapContentInfo.eContentType, certificate);
    return fault === null ? ok(certificate) : err(fault);
  } catch {
    // The syntax's reader throws where bytes are none of it.
    return err('malformed');
  }
}

/** Which certificate signed is said by issuer and serial number, or by the key's identifier (RFC 5652 §5.3). */
function isSigner(
  { issuerAndSerialNumber, subjectKeyIdentifier }: SignerIdentifier,
  certificate: EfgsCertificate,
): boolean {
  const { tbsCertificate } = certificate.syntax;
  if (issuerAndSerialNumber !== undefined) {
    const { issuer, serialNumber } = issuerAndSerialNumber;
    return (
      sameBuffer(serialNumber, tbsCertificate.serialNumber) &&
      sameBuffer(AsnConvert.serialize(issuer), AsnConvert.serialize(tbsCertificate.issuer))
    );
  }
  const own = tbsCertificate.extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier);
  return (
    own !== undefined &&
    subjectKeyIdentifier !== undefined &&
    sameBuffer(AsnConvert.parse(own.extnValue.buffer, SubjectKeyIdentifier).buffer, subjectKeyIdentifier.buffer)
  );
}

const sameBuffer = (a: ArrayBuffer, b: ArrayBuffer): boolean => equalBytes(bytesOf(a), bytesOf(b));

function faultOfSignature(
  content: Uint8Array,
  info: SignerInfo,
  contentType: string,
  certificate: EfgsCertificate,
): CmsFault | null {
  const { publicKey } = certificate;
  const digestHash = HASHES.get(info.digestAlgorithm.algorithm);
  if (digestHash === undefined || publicKey === null) return 'algorithm';
  const { algorithm } = info.signatureAlgorithm;
  const hash = isRsa(certificate)
    ? (RSA_HASHES.get(algorithm) ?? (algorithm === RSA_ENCRYPTION ? digestHash : undefined))
    : ECDSA_HASHES.get(algorithm);
  if (hash !== digestHash) return 'algorithm';
  let signed = content;
  if (info.signedAttrs !== undefined) {
    const digest = createHash(digestHash).update(content).digest();
    const signedDigest = onlyValue(info, id_messageDigest);
    if (signedDigest === null || !equalBytes(bytesOf(AsnConvert.parse(signedDigest, MessageDigest).buffer), digest)) {
      return 'digest';
    }
    const signedType = onlyValue(info, id_contentType);
    if (signedType === null || !sameBuffer(signedType, oid(contentType))) return 'digest';
    signed = asSet(info.signedAttrs);
  }
  return verify(hash, signed, publicKey, bytesOf(info.signature.buffer)) ? null : 'signature';
}

/** @returns the attribute's value, or null when it isn't there exactly once */
function onlyValue({ signedAttrs = [] }: SignerInfo, type: string): ArrayBuffer | null {
  const values = signedAttrs.filter(({ attrType }) => attrType === type).flatMap(({ attrValues }) => attrValues);
  return values.length === 1 ? (values[0] ?? null) : null;
}
