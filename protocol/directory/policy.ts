/**
 * @module What a reader trusts, before it has read anything: which log, which root certificates, which witnesses and how many of them. It
 * comes to a reader by another way than the directory (docs/directory.md); whoever can change it can change everything.
 */
import * as z from 'zod';
import { type Certificate, readCertificate } from '../certificates/certificate.ts';
import { fromBase64 } from '../primitives/bytes.ts';
import { err, ok, type Result } from '../primitives/result.ts';
import { MAX_KEYS } from './entry.ts';
import { type NoteKey, parseNoteKey, type SignatureType } from './note.ts';

/** X.520 countryName. */
export const COUNTRY = '2.5.4.6';

const noteKeyList = (max: number, min: number) => z.array(z.string().max(300)).min(min).max(max);

const policySchema = z.strictObject({
  origin: z.string().regex(/^[^\s+]{1,200}$/),
  logKeys: noteKeyList(MAX_KEYS, 1),
  /** DER in base64. */
  roots: z.array(z.string().max(8_192)).min(1).max(MAX_KEYS),
  witnesses: noteKeyList(16, 1),
  threshold: z.int().min(1).max(16),
  maxAgeSeconds: z
    .int()
    .min(60)
    .max(30 * 86_400),
});

export interface DirectoryPolicy {
  /** First line of the log's checkpoints. */
  readonly origin: string;
  /** The log's, two while one replaces the other. */
  readonly logKeys: readonly NoteKey[];
  /** Top of the tree of certificates, two while one replaces the other. */
  readonly roots: readonly Certificate[];
  readonly witnesses: readonly NoteKey[];
  /** So many witnesses must have cosigned a checkpoint: more than half of all, so that any two checkpoints share one. */
  readonly threshold: number;
  /** Seconds since the cosignatures, within which the checkpoint counts as the newest. */
  readonly maxAgeSeconds: number;
}

/**
 * @param text JSON: `{origin, logKeys, roots, witnesses, threshold, maxAgeSeconds}`
 * @returns the policy, or which field breaks which rule
 */
export function parsePolicy(text: string): Result<DirectoryPolicy, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('policy: must be JSON');
  }
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`policy: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  const { origin, threshold, maxAgeSeconds } = parsed.data;
  const logKeys = keysOf(parsed.data.logKeys, 'note');
  if (logKeys === null) return err('policy: logKeys: each must be a note key of type 1, and no two the same');
  const witnesses = keysOf(parsed.data.witnesses, 'cosignature');
  if (witnesses === null) return err('policy: witnesses: each must be a cosigner’s key of type 4, and no two the same');
  if (2 * threshold <= witnesses.length || threshold > witnesses.length) {
    // Two checkpoints with fewer can have no witness in common, and be two directories.
    return err('policy: threshold: must be more than half of the witnesses, and at most all');
  }
  const roots = parsed.data.roots.map((root) => certificateOf(root));
  if (roots.includes(null)) return err('policy: roots: each must be a certificate, DER in base64');
  if (roots.some((root) => root !== null && isRegional(root))) {
    return err('policy: roots: none may name a country (C=), or what it says would be taken for a region’s');
  }
  return ok({
    origin,
    logKeys,
    witnesses,
    threshold,
    maxAgeSeconds,
    roots: roots.filter((root) => root !== null),
  });
}

/** @returns null when one is none, of another type, or has another's key: one witness under two names would count twice */
function keysOf(texts: readonly string[], type: SignatureType): NoteKey[] | null {
  const keys = texts.map((text) => parseNoteKey(text)).filter((key) => key?.type === type);
  const distinct = new Set(keys.map((key) => key?.publicKey.join(',')));
  return distinct.size === texts.length ? keys.filter((key) => key !== null) : null;
}

/** A region's certificate names a country (X.520 countryName); an authority's doesn't. */
export const isRegional = (certificate: Certificate): boolean => certificate.subjectValues(COUNTRY).length > 0;

/** @param base64 of DER @returns the certificate, or null when it is none */
export function certificateOf(base64: string): Certificate | null {
  try {
    return readCertificate(fromBase64(base64));
  } catch {
    return null;
  }
}
