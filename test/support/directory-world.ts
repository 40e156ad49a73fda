/**
 * @module A directory for tests: a root, the clusters eu and usa, regions below them, a log with its objects and two witnesses, all
 * made anew. Certificates are those of the test authority, statements, log and cosignatures the code's own.
 */
import { type Certificate, readCertificate } from '../../protocol/certificates/certificate.ts';
import { checkpointText, cosign } from '../../protocol/directory/checkpoint.ts';
import type { EntryStatement } from '../../protocol/directory/entry.ts';
import { type Head, leafHash, rootOf } from '../../protocol/directory/merkle.ts';
import {
  type NoteSecret,
  type NoteSignature,
  noteBytes,
  noteKeyText,
  noteSecret,
  signNote,
} from '../../protocol/directory/note.ts';
import type { DirectoryPolicy } from '../../protocol/directory/policy.ts';
import {
  certificateText,
  DOCUMENT_SIGNING,
  type RevocationStatement,
  signStatement,
} from '../../protocol/directory/statement.ts';
import { objectsOf, type ReadObject } from '../../protocol/directory/tiles.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { type Signer, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { type CertificateSubject, issueCertificate, type TestCertificate } from './certificate-authority.ts';

/** Unix seconds. */
export const NOW = 1_790_000_000;
const YEAR = 365 * 86_400;
const LASTING = { notBefore: NOW - YEAR, notAfter: NOW + YEAR };
export const ORIGIN = 'directory.example/gaen';

/** Who signs: a certificate, its authority's, its key. */
export interface Party {
  readonly issued: TestCertificate;
  readonly certificate: Certificate;
  /** Base64 of DER, as statements have it; without the root. */
  readonly chain: readonly string[];
  readonly signer: Signer;
  /** P-256, base64. */
  readonly spki: string;
}

/** @returns the certificate as the code reads it */
function read({ certificate }: TestCertificate): Certificate {
  const found = readCertificate(new Uint8Array(certificate.rawData));
  if (found === null) throw new Error('no certificate');
  return found;
}

async function partyOf(issued: TestCertificate, above: readonly string[]): Promise<Party> {
  const der = async (format: 'pkcs8' | 'spki', key: CryptoKey) => {
    const exported = await crypto.subtle.exportKey(format, key);
    if (!(exported instanceof ArrayBuffer)) throw new Error('DER is expected');
    return toBase64(new Uint8Array(exported));
  };
  const pem = `-----BEGIN PRIVATE KEY-----\n${await der('pkcs8', issued.keys.privateKey)}\n-----END PRIVATE KEY-----`;
  const certificate = read(issued);
  return {
    issued,
    certificate,
    chain: [certificateText(certificate), ...above],
    signer: signerFromPkcs8Pem(pem).raw,
    spki: await der('spki', issued.keys.publicKey),
  };
}

/** @returns a root of the tree */
export async function makeRoot(name = 'CN=Root of the directory'): Promise<Party> {
  return partyOf(await issueCertificate({ ...LASTING, name, authority: true }, null), []);
}

/** @returns an authority right below the root */
export async function makeCluster(
  root: Party,
  cluster: string,
  more: Partial<CertificateSubject> = {},
): Promise<Party> {
  const subject = { ...LASTING, name: `OU=${cluster}, CN=Cluster ${cluster}`, authority: true, pathLength: 0, ...more };
  return partyOf(await issueCertificate(subject, root.issued), []);
}

/** @returns what signs a region's statements */
export async function makeRegion(cluster: Party, name: string, more: Partial<CertificateSubject> = {}): Promise<Party> {
  const subject = { ...LASTING, name, purposes: [DOCUMENT_SIGNING], ...more };
  return partyOf(await issueCertificate(subject, cluster.issued), cluster.chain);
}

/** @returns what a region's consumer shows */
export async function makeTls(
  cluster: Party,
  name: string,
  more: Partial<CertificateSubject> = {},
): Promise<Certificate> {
  return read(await issueCertificate({ ...LASTING, name, ...more }, cluster.issued));
}

/** Everything by itself right. */
export function entryOf(
  region: Party,
  tls: readonly Certificate[],
  more: Partial<EntryStatement> = {},
): EntryStatement {
  const { regionId = 'DE' } = more;
  const host = `${regionId.toLowerCase()}.example`;
  return {
    sequence: 1,
    issuedAt: NOW - 3_600,
    chain: [...region.chain],
    regionId,
    vendor: 'exposure-edge',
    cluster: 'eu',
    phase: 1,
    feedUrl: `https://feed.${host}/`,
    publicUrl: `https://keys.${host}/`,
    verificationUrl: `https://verification.${host}/`,
    formats: ['exposure-edge'],
    tlsCertificates: tls.map((one) => certificateText(one)),
    verificationKeys: [{ keyId: '262', keyVersion: 'v1', spki: region.spki }],
    validUntil: NOW + 30 * 86_400,
    ...more,
  };
}

/** Takes nothing back by itself. */
export function revocationOf(author: Party, more: Partial<RevocationStatement> = {}): RevocationStatement {
  return {
    sequence: 1,
    issuedAt: NOW - 1_800,
    chain: [...author.chain],
    regionId: null,
    cluster: null,
    tlsFingerprints: [],
    verificationKeys: [],
    certificates: [],
    removed: false,
    ...more,
  };
}

/** @returns the leaf */
export const entryLeaf = (by: Party, body: EntryStatement): Uint8Array =>
  signStatement({ kind: 'entry', body }, by.certificate, by.signer);
/** @returns the leaf */
export const revocationLeaf = (by: Party, body: RevocationStatement): Uint8Array =>
  signStatement({ kind: 'revocation', body }, by.certificate, by.signer);

export const LOG = noteSecret(ORIGIN, 'note', new Uint8Array(32).fill(11));
export const WITNESSES = [21, 22].map((byte) =>
  noteSecret(`witness.example/w${byte}`, 'cosignature', new Uint8Array(32).fill(byte)),
);

/** @returns the same as {@link policyFor}, as an operator writes it: the variable DIRECTORY_POLICY */
export function policyDocument({ certificate }: Pick<Party, 'certificate'>, maxAgeSeconds = 86_400) {
  return {
    origin: ORIGIN,
    logKeys: [noteKeyText(LOG)],
    roots: [certificateText(certificate)],
    witnesses: WITNESSES.map((witness) => noteKeyText(witness)),
    threshold: 2,
    maxAgeSeconds,
  };
}

/** Both witnesses must have seen a checkpoint, within a day. */
export function policyFor(root: Party, more: Partial<DirectoryPolicy> = {}): DirectoryPolicy {
  return {
    origin: ORIGIN,
    logKeys: [LOG],
    roots: [root.certificate],
    witnesses: WITNESSES,
    threshold: 2,
    maxAgeSeconds: 86_400,
    ...more,
  };
}

/** @returns such a policy as a Worker's variable has it */
export function policyText(root: Party): string {
  return JSON.stringify({
    origin: ORIGIN,
    logKeys: [noteKeyText(LOG)],
    roots: [certificateText(root.certificate)],
    witnesses: WITNESSES.map((witness) => noteKeyText(witness)),
    threshold: 2,
    maxAgeSeconds: 86_400,
  });
}

/** @returns the tree over leaves */
export const headOf = (leaves: readonly Uint8Array[]): Head => ({
  size: leaves.length,
  root: rootOf(leaves.map((leaf) => leafHash(leaf))),
});

/** What may be otherwise in a checkpoint. */
export interface Signing {
  readonly origin?: string;
  readonly log?: NoteSecret;
  readonly witnesses?: readonly NoteSecret[];
  /** Unix seconds. */
  readonly cosignedAt?: number;
}

/** @returns the bytes of a checkpoint over leaves */
export function checkpointOf(leaves: readonly Uint8Array[], signing: Signing = {}): Uint8Array {
  const { origin = ORIGIN, log = LOG, witnesses = WITNESSES, cosignedAt = NOW - 60 } = signing;
  const text = checkpointText(origin, headOf(leaves));
  const cosignatures: NoteSignature[] = witnesses.map((witness) => cosign(text, cosignedAt, witness));
  return noteBytes({ text, signatures: [signNote(text, log), ...cosignatures] });
}

/** @returns the log's objects, as a map that a test may change */
export function logOf(leaves: readonly Uint8Array[], signing: Signing = {}): Map<string, Uint8Array> {
  return new Map([...objectsOf(leaves), ['checkpoint', checkpointOf(leaves, signing)]]);
}

/** @returns a reader of such a map */
export const reading =
  (objects: ReadonlyMap<string, Uint8Array>): ReadObject =>
  (path) =>
    objects.get(path) ?? null;
