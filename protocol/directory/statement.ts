/**
 * @module What stands in a leaf of the directory: a signed document (decision 005) by a region, its cluster or the root, with the
 * certificates that lead from its signer to a root. Whether it holds needs a root and a moment; whether it counts, all leaves before it.
 */
import * as z from 'zod';
import type { Certificate } from '../certificates/certificate.ts';
import { type PathError, validateAuthority, validatePath } from '../certificates/path.ts';
import { openDocument, signDocument } from '../index/signed-document.ts';
import { fromUtf8, toBase64, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import type { Signer } from '../signing.ts';
import {
  CLUSTER,
  certificateMark,
  type EntryStatement,
  entryStatementSchema,
  MAX_VALIDITY_SECONDS,
  REGION_ID,
  signedHeadShape,
  tlsMark,
  verificationKeyMark,
} from './entry.ts';
import { certificateOf, COUNTRY, isRegional } from './policy.ts';

/** General-purpose document signing (RFC 9336): with this a region signs statements, and never a handshake. */
export const DOCUMENT_SIGNING = '1.3.6.1.5.5.7.3.36';
const ORGANISATIONAL_UNIT = '2.5.4.11';

const ENTRY_TYPE = 'directory-entry';
const REVOCATION_TYPE = 'directory-revocation';

/** A leaf is small: four certificates and two keys are 6 KB. */
const MAX_STATEMENT_BYTES = 32_768;

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const MAX_REVOKED = 100;

const revocationStatementSchema = z.strictObject({
  ...signedHeadShape,
  /** Of this region alone; null: of the whole cluster. */
  regionId: z.string().regex(REGION_ID).nullable(),
  /** Of this cluster alone; null: of all. */
  cluster: z.string().regex(CLUSTER).nullable(),
  tlsFingerprints: z.array(hex64).max(MAX_REVOKED),
  verificationKeys: z
    .array(z.strictObject({ keyId: z.string().min(1).max(64), keyVersion: z.string().min(1).max(64) }))
    .max(MAX_REVOKED),
  /** SHA-256 of the public keys of regions' or clusters' certificates. */
  certificates: z.array(hex64).max(MAX_REVOKED),
  /** The region is out: none of its statements until now counts any more, and it may come back with new ones. */
  removed: z.boolean(),
});
export type RevocationStatement = z.infer<typeof revocationStatementSchema>;

/** Who speaks: each has a sequence of its own. */
export type Author =
  | { readonly kind: 'region'; readonly regionId: string; readonly cluster: string }
  | { readonly kind: 'cluster'; readonly cluster: string }
  | { readonly kind: 'root' };

/** A statement whose signature holds, and whose path led to a root when it was issued. */
export interface Statement {
  readonly author: Author;
  /** From the signer up; a root's own is not among them. */
  readonly chain: readonly Certificate[];
  readonly said:
    | { readonly kind: 'entry'; readonly body: EntryStatement; readonly tls: readonly Certificate[] }
    | { readonly kind: 'revocation'; readonly body: RevocationStatement };
}

export type StatementError =
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'bad-signature' }
  /** The chain, or a TLS certificate. */
  | { readonly kind: 'path'; readonly of: 'signer' | 'tls'; readonly error: PathError }
  /** The certificate names another region or cluster than the statement. */
  | { readonly kind: 'another-region'; readonly named: string; readonly wanted: string }
  | { readonly kind: 'another-cluster'; readonly named: string; readonly wanted: string }
  /** What it takes back isn't below its author. */
  | { readonly kind: 'not-entitled' };

/** @returns the leaf: the document's bytes */
export function signStatement(
  said:
    | { readonly kind: 'entry'; readonly body: EntryStatement }
    | { readonly kind: 'revocation'; readonly body: RevocationStatement },
  certificate: Certificate,
  signer: Signer,
): Uint8Array {
  const type = said.kind === 'entry' ? ENTRY_TYPE : REVOCATION_TYPE;
  return utf8(signDocument(type, certificate.publicKey, said.body, signer));
}

/** @returns as {@link openStatement} for one set of roots */
export type OpenStatement = (leaf: Uint8Array) => Result<Statement, StatementError>;

/**
 * Signatures and paths of a leaf are judged as of when it was issued, so what came out once comes out again: whoever reads the directory
 * every minute verifies new leaves alone.
 *
 * @param roots that are trusted
 * @param most leaves that are remembered; the oldest go first
 * @returns opens statements, and remembers what came out
 */
export function rememberingOpen(roots: readonly Certificate[], most = 65_536): OpenStatement {
  const known = new Map<string, Result<Statement, StatementError>>();
  return (leaf) => {
    const name = toHex(sha256(leaf));
    const opened = known.get(name) ?? openStatement(leaf, roots);
    known.set(name, opened);
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return opened;
  };
}

/** @param leaf anything @returns type and payload, nothing of it verified */
function unwrapped(
  leaf: Uint8Array,
): { readonly type: unknown; readonly payload: unknown; readonly text: string } | null {
  if (leaf.length > MAX_STATEMENT_BYTES) return null;
  try {
    const text = fromUtf8(leaf);
    const { type, payload } = JSON.parse(text) as { readonly type?: unknown; readonly payload?: unknown };
    return { type, payload: JSON.parse(String(payload)) as unknown, text };
  } catch {
    return null;
  }
}

/**
 * @param leaf of the log; anything
 * @param roots that are trusted
 * @returns the statement, with paths judged as of the moment at which it says it was issued, or why it is none
 */
export function openStatement(leaf: Uint8Array, roots: readonly Certificate[]): Result<Statement, StatementError> {
  const malformed = (what: string): Result<never, StatementError> => err({ kind: 'malformed', what });
  const whole = unwrapped(leaf);
  if (whole === null) return malformed('no signed document');
  const isEntry = whole.type === ENTRY_TYPE;
  if (!isEntry && whole.type !== REVOCATION_TYPE) return malformed('an unknown type');
  const parsed = isEntry
    ? entryStatementSchema.safeParse(whole.payload)
    : revocationStatementSchema.safeParse(whole.payload);
  if (!parsed.success) return malformed(fieldOf(parsed.error));
  const chain = parsed.data.chain.map((one) => certificateOf(one)).filter((one) => one !== null);
  const [signer] = chain;
  if (signer === undefined || chain.length !== parsed.data.chain.length) return malformed('chain');
  const spki = p256Spki(signer);
  if (spki === null) return malformed('chain: a key on P-256 is expected');
  const opened = openDocument(whole.type, whole.text, { [signer.publicKey]: spki });
  if (!opened.ok) return err({ kind: 'bad-signature' });
  const author = authorOf(chain, roots, parsed.data.issuedAt);
  if (!author.ok) return author;
  if (isEntry) return entryOf(parsed.data as EntryStatement, chain, author.value, roots);
  const body = parsed.data as RevocationStatement;
  return isEntitled(author.value, body)
    ? ok({ author: author.value, chain, said: { kind: 'revocation', body } })
    : err({ kind: 'not-entitled' });
}

const fieldOf = ({ issues }: z.ZodError): string => issues[0]?.path.join('.') ?? '';

function p256Spki({ x509 }: Certificate): Uint8Array | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = x509.publicKey;
  const curve: unknown = details?.namedCurve;
  if (type !== 'ec' || (curve !== 'prime256v1' && curve !== 'P-256')) return null;
  return new Uint8Array(x509.publicKey.export({ type: 'spki', format: 'der' }));
}

/** Certificates between a signer and the root: its own and its authority's. */
type Path = { readonly ok: true; readonly length: number } | { readonly ok: false; readonly error: PathError };

function pathOfChain(chain: readonly Certificate[], roots: readonly Certificate[], at: number): Path {
  const [signer, ...intermediates] = chain;
  if (signer === undefined) return { ok: false, error: 'no-path' };
  const source = { intermediates, roots, now: at, purpose: DOCUMENT_SIGNING };
  const path = isRegional(signer) ? validatePath(signer, source) : validateAuthority(signer, source);
  if (!path.ok) return path;
  // All of the chain is on the path, so that nothing unchecked is taken for the signer's authority.
  const used = path.links.map(({ certificate }) => certificate);
  const whole = path.links.length === 0 ? chain.length === 1 : used.length === chain.length;
  return whole ? { ok: true, length: path.links.length } : { ok: false, error: 'no-path' };
}

/**
 * @param chain of a statement
 * @param roots that are trusted
 * @param at Unix seconds
 * @returns why it leads to no root then, or null
 */
export function chainError(chain: readonly Certificate[], roots: readonly Certificate[], at: number): PathError | null {
  const path = pathOfChain(chain, roots, at);
  return path.ok ? null : path.error;
}

const only = (values: readonly string[]): string => (values.length === 1 ? (values[0] ?? '') : '');
const clusterOf = (certificate: Certificate): string => only(certificate.subjectValues(ORGANISATIONAL_UNIT));

function authorOf(
  chain: readonly Certificate[],
  roots: readonly Certificate[],
  at: number,
): Result<Author, StatementError> {
  const path = pathOfChain(chain, roots, at);
  if (!path.ok) return err({ kind: 'path', of: 'signer', error: path.error });
  const [signer, above] = chain;
  if (signer === undefined) return err({ kind: 'malformed', what: 'chain' });
  if (!isRegional(signer)) {
    if (path.length === 0) return ok({ kind: 'root' });
    // Clusters stand right below the root.
    if (path.length > 1) return err({ kind: 'path', of: 'signer', error: 'path-length' });
    const cluster = clusterOf(signer);
    return CLUSTER.test(cluster)
      ? ok({ kind: 'cluster', cluster })
      : err({ kind: 'malformed', what: 'chain: cluster' });
  }
  // The one between root and region is the cluster: it names it, and what it issues names the same.
  const cluster = above === undefined || isRegional(above) ? '' : clusterOf(above);
  if (!CLUSTER.test(cluster)) return err({ kind: 'malformed', what: 'chain: cluster' });
  if (clusterOf(signer) !== cluster) {
    return err({ kind: 'another-cluster', named: clusterOf(signer), wanted: cluster });
  }
  return ok({ kind: 'region', regionId: only(signer.subjectValues(COUNTRY)), cluster });
}

function entryOf(
  body: EntryStatement,
  chain: readonly Certificate[],
  author: Author,
  roots: readonly Certificate[],
): Result<Statement, StatementError> {
  if (author.kind !== 'region') return err({ kind: 'not-entitled' });
  const { regionId, cluster } = author;
  if (regionId !== body.regionId) return err({ kind: 'another-region', named: regionId, wanted: body.regionId });
  if (cluster !== body.cluster) return err({ kind: 'another-cluster', named: cluster, wanted: body.cluster });
  if (body.validUntil - body.issuedAt > MAX_VALIDITY_SECONDS) return err({ kind: 'malformed', what: 'validUntil' });
  const tls = body.tlsCertificates.map((one) => certificateOf(one)).filter((one) => one !== null);
  if (tls.length !== body.tlsCertificates.length) return err({ kind: 'malformed', what: 'tlsCertificates' });
  for (const certificate of tls) {
    const named = only(certificate.subjectValues(COUNTRY));
    if (named !== regionId) return err({ kind: 'another-region', named, wanted: regionId });
    if (clusterOf(certificate) !== cluster) {
      return err({ kind: 'another-cluster', named: clusterOf(certificate), wanted: cluster });
    }
    // An expired one is left out where the entry is read; one that leads nowhere spoils the statement.
    const at = Math.min(Math.max(body.issuedAt, certificate.notBefore), certificate.notAfter - 1);
    const path = validatePath(certificate, { intermediates: chain.slice(1), roots, now: at });
    if (!path.ok) return err({ kind: 'path', of: 'tls', error: path.error });
  }
  return ok({ author, chain, said: { kind: 'entry', body, tls } });
}

/** A region speaks for itself, a cluster for its regions, the root for all; only those above a region end it. */
function isEntitled(author: Author, { regionId, cluster, removed }: RevocationStatement): boolean {
  if (removed && regionId === null) return false;
  switch (author.kind) {
    case 'root':
      return true;
    case 'cluster':
      return cluster === author.cluster;
    case 'region':
      return !removed && regionId === author.regionId && cluster === author.cluster;
  }
}

/** @returns what a revocation names, as marks */
export const revokedMarks = (body: RevocationStatement): string[] => [
  ...body.tlsFingerprints.map((one) => tlsMark(one)),
  ...body.verificationKeys.map((one) => verificationKeyMark(one)),
  ...body.certificates.map((one) => certificateMark(one)),
];

/** @returns `region DE`, `cluster eu`, `root` */
export function authorText(author: Author): string {
  switch (author.kind) {
    case 'region':
      return `region ${author.regionId}`;
    case 'cluster':
      return `cluster ${author.cluster}`;
    case 'root':
      return 'root';
  }
}

/** @returns DER in base64, as statements hold certificates */
export const certificateText = ({ x509 }: Certificate): string => toBase64(new Uint8Array(x509.raw));
