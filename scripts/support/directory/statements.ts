/**
 * @module Statements as a region, a cluster or the root writes them: its own fields in a file, certificates and keys by the names of
 * their files. Sequence, moment and chain are put in here.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Certificate, readCertificate } from '../../../protocol/certificates/certificate.ts';
import { type EntryStatement, entryStatementSchema } from '../../../protocol/directory/entry.ts';
import { foldLeaves } from '../../../protocol/directory/fold.ts';
import {
  authorText,
  certificateText,
  openStatement,
  type RevocationStatement,
  signStatement,
} from '../../../protocol/directory/statement.ts';
import { describeStatementError } from '../../../protocol/directory/problem.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem, spkiFromPem } from '../../../protocol/signing.ts';
import { pemCertificates } from './certificates.ts';

/** Who signs. */
export interface StatementSigner {
  /** The signer's, then its authority's; the root's alone when it signs itself. */
  readonly chain: readonly Certificate[];
  /** PEM, PKCS#8, P-256. */
  readonly key: string;
}

/** What is known of the directory, and when it is. */
export interface Moment {
  /** Of the log, and those that wait to be in it. */
  readonly leaves: readonly Uint8Array[];
  readonly roots: readonly Certificate[];
  /** Unix seconds. */
  readonly now: number;
}

/** @param pem the signer's certificate, then its authority's @throws Error when one is none */
export function chainFromPem(pem: string): Certificate[] {
  const chain = pemCertificates(pem).map((one) => readCertificate(one));
  const read = chain.filter((one) => one !== null);
  if (read.length === 0 || read.length !== chain.length) throw new Error('certificates in PEM are expected');
  return read;
}

/** A region's entry as its operator writes it. */
interface WrittenEntry {
  readonly tlsCertificates?: unknown;
  readonly verificationKeys?: unknown;
  readonly manifestKeys?: unknown;
  readonly testing?: unknown;
}

/**
 * @param file JSON: the fields of an entry; `tlsCertificates` are names of PEM files beside it, `verificationKeys`, `manifestKeys` and those of
 *   `testing` have such a name as `publicKey`
 * @returns the fields, with the files' contents in their place
 * @throws Error naming the file that is missing or none
 */
export function readWrittenEntry(file: string): Record<string, unknown> {
  const written = JSON.parse(readFileSync(file, 'utf8')) as WrittenEntry;
  const textOf = (name: unknown): string => readFileSync(resolve(dirname(file), String(name)), 'utf8');
  const { tlsCertificates, verificationKeys, manifestKeys, testing, ...rest } = written;
  const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const keysOf = (list: unknown) =>
    listOf(list).map((key) => {
      const { publicKey, ...named } = key as { readonly publicKey?: unknown };
      return publicKey === undefined ? named : { ...named, spki: toBase64(spkiFromPem(textOf(publicKey))) };
    });
  return {
    ...rest,
    tlsCertificates: listOf(tlsCertificates).map((name) => {
      const [first] = chainFromPem(textOf(name));
      return first === undefined ? '' : certificateText(first);
    }),
    verificationKeys: keysOf(verificationKeys),
    ...(manifestKeys === undefined ? {} : { manifestKeys: keysOf(manifestKeys) }),
    ...(testing === undefined ? {} : { testing: { keys: keysOf((testing as { readonly keys?: unknown }).keys) } }),
  };
}

/**
 * @param fields of the entry; sequence, moment and chain are put in
 * @param signer the region's
 * @param days until it ends
 * @returns the leaf
 * @throws Error when a reader would refuse it
 */
export function newEntry(
  fields: Readonly<Record<string, unknown>>,
  signer: StatementSigner,
  moment: Moment,
  days: number,
): Uint8Array {
  const { now } = moment;
  const body = { ...fields, ...headOf(signer, moment), validUntil: now + days * 86_400 };
  const parsed = entryStatementSchema.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  return signed({ kind: 'entry', body: parsed.data }, signer, moment);
}

/** What is taken back, and of whom. */
export type Taken = Omit<RevocationStatement, 'sequence' | 'issuedAt' | 'chain'>;

/**
 * @param taken see {@link Taken}
 * @param signer the region's, its cluster's or the root's
 * @returns the leaf
 * @throws Error when a reader would refuse it
 */
export function newRevocation(taken: Taken, signer: StatementSigner, moment: Moment): Uint8Array {
  return signed({ kind: 'revocation', body: { ...taken, ...headOf(signer, moment) } }, signer, moment);
}

function headOf({ chain }: StatementSigner, { leaves, roots, now }: Moment) {
  const { next } = foldLeaves(leaves, roots, now);
  return {
    sequence: next.get(authorNameOf(chain, roots)) ?? 1,
    issuedAt: now,
    chain: chain.map((one) => certificateText(one)),
  };
}

/** By the names in the certificate; whether it may bear them is judged once the statement is signed. */
function authorNameOf([signer]: readonly Certificate[], roots: readonly Certificate[]): string {
  if (signer === undefined || roots.some(({ publicKey }) => publicKey === signer.publicKey)) {
    return authorText({ kind: 'root' });
  }
  const [regionId] = signer.subjectValues('2.5.4.6');
  const [cluster = ''] = signer.subjectValues('2.5.4.11');
  return authorText(regionId === undefined ? { kind: 'cluster', cluster } : { kind: 'region', regionId, cluster });
}

function signed(
  said:
    | { readonly kind: 'entry'; readonly body: EntryStatement }
    | { readonly kind: 'revocation'; readonly body: RevocationStatement },
  { chain, key }: StatementSigner,
  { roots }: Moment,
): Uint8Array {
  const [certificate] = chain;
  if (certificate === undefined) throw new Error('a certificate is expected');
  const leaf = signStatement(said, certificate, signerFromPkcs8Pem(key).raw);
  const opened = openStatement(leaf, roots);
  if (!opened.ok) throw new Error(`the statement is refused: ${describeStatementError(opened.error)}`);
  return leaf;
}
