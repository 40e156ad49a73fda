/**
 * @module What the directory says of a region: where its backend is, who may speak for it, with which keys it signs. The fields of
 * regions are those of Vukolić, "On the Interoperability of Decentralized Exposure Notification Systems" (arXiv:2006.13087 §3.1);
 * docs/spec/europe.md §2.2. Nothing of any person is in it.
 */
import * as z from 'zod';
import { spkiFromBase64 } from './spki.ts';

/** Formats of a region's feed: what a consumer must speak to read it. */
const FORMATS = ['exposure-edge', 'dp3t', 'google', 'cwa', 'efgs'] as const;
type Format = (typeof FORMATS)[number];

/** Old and new, while one replaces the other. */
export const MAX_KEYS = 2;
/** A region signs its entry anew at least once in this time; 398 days, as long as the web's certificates lived in 2020. */
export const MAX_VALIDITY_SECONDS = 398 * 86_400;

/** Two letters of ISO 3166-1 for a country, a letter and a letter or digit for an enterprise's site (`S1`). */
export const REGION_ID = /^[A-Z][A-Z0-9]$/;
/** `eu`, `usa`, `enterprise`. */
export const CLUSTER = /^[a-z][a-z0-9-]{0,31}$/;

const base64 = z
  .string()
  .max(8_192)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/);
const unixSeconds = z.int().min(0).max(253_402_300_799);

/** An address that others build paths on: nothing behind it but a path, which ends with a slash or is empty. */
const base = (protocols: readonly string[]) =>
  z
    .string()
    .max(300)
    .refine((text) => {
      if (!URL.canParse(text)) return false;
      const { protocol, username, password, search, hash, hostname, href } = new URL(text);
      const bare = `${username}${password}${search}${hash}` === '' && !text.includes('?') && !text.includes('#');
      // Written as a parser writes it, so that two readers can't see two addresses in one text.
      const same = href === text || href === `${text}/`;
      return bare && same && (protocols.includes(protocol) || (protocol === 'http:' && hostname === '127.0.0.1'));
    }, 'must be an https address as a parser writes it (lowercase host), without user, query and fragment');

const verificationKeySchema = z.strictObject({
  /** As in the export's SignatureInfo: `verification_key_id`, in Europe the MCC. */
  keyId: z.string().min(1).max(64),
  keyVersion: z.string().min(1).max(64),
  /** SubjectPublicKeyInfo of a P-256 key, base64. */
  spki: base64.refine((text) => spkiFromBase64(text) !== null, 'must be the SubjectPublicKeyInfo of a P-256 key'),
});
export type VerificationKey = z.infer<typeof verificationKeySchema>;

const manifestKeySchema = z.strictObject({
  /** As the signed head names it: `manifest-v1`. */
  keyId: z.string().min(1).max(64),
  /** SubjectPublicKeyInfo of a P-256 key, base64. */
  spki: base64.refine((text) => spkiFromBase64(text) !== null, 'must be the SubjectPublicKeyInfo of a P-256 key'),
});
type ManifestKey = z.infer<typeof manifestKeySchema>;

export const signedHeadShape = {
  /** Numbers of one author, from 1 on, without a gap. */
  sequence: z.int().min(1).max(1_000_000),
  /** Unix seconds. */
  issuedAt: unixSeconds,
  /** DER in base64: the signer's certificate, then its authority's, up to the one that a root issued. */
  chain: z.array(base64).min(1).max(2),
} as const;

/** What a region signs: its whole entry, which replaces the one before. */
export const entryStatementSchema = z.strictObject({
  ...signedHeadShape,
  regionId: z.string().regex(REGION_ID),
  vendor: z.string().min(1).max(100),
  cluster: z.string().regex(CLUSTER),
  phase: z.union([z.literal(1), z.literal(2)]),
  feedUrl: base(['https:']),
  publicUrl: base(['https:']),
  verificationUrl: base(['https:']),
  formats: z.array(z.enum(FORMATS)).min(1).max(FORMATS.length),
  /** DER in base64: the certificates with which the region's consumer shows itself to others' feeds. */
  tlsCertificates: z.array(base64).min(1).max(MAX_KEYS),
  verificationKeys: z.array(verificationKeySchema).min(1).max(MAX_KEYS),
  /** Left out by regions whose phones' files have no signed manifest, and by entries of before 2026-11-26. */
  manifestKeys: z.array(manifestKeySchema).min(1).max(MAX_KEYS).exactOptional(),
  /** Left out: the region's alone. */
  publicKeysOf: z.enum(['region', 'cluster']).exactOptional(),
  /** The role of a region whose positive tests others may take up (docs/credential.md): with which keys it signs them. Left out: it has no such role. */
  testing: z.strictObject({ keys: z.array(verificationKeySchema).min(1).max(MAX_KEYS) }).optional(),
  /** Unix seconds; from here on the entry is no more. */
  validUntil: unixSeconds,
});
export type EntryStatement = z.infer<typeof entryStatementSchema>;

/** A region as a reader may rely on it now: what was revoked or has expired is already left out. */
export interface DirectoryEntry {
  readonly regionId: string;
  readonly vendor: string;
  /** A region is in one. */
  readonly cluster: string;
  /** 1: tests at home alone; 2: tests of roaming people too (arXiv:2006.13087 §3.2.1). */
  readonly phase: 1 | 2;
  /** Base of the feeds for other backends: `a2a/keys` and `<region>/keys` stand below its `v1/`. */
  readonly feedUrl: string;
  /** Base of what phones read. */
  readonly publicUrl: string;
  readonly verificationUrl: string;
  readonly formats: readonly Format[];
  /** SHA-256 of the DER of the certificates that its consumer may show: 64 lowercase hex digits, leading zeros kept; at most two. */
  readonly tlsFingerprints: readonly string[];
  /** With which it signs public chunks and feeds; at most two. */
  readonly verificationKeys: readonly VerificationKey[];
  /** With which it signs the heads of its manifests; left out: a phone can't read its manifest. */
  readonly manifestKeys?: readonly ManifestKey[];
  /**
   * Whose keys its public chunks hold: what the region has; or each key that any region of its cluster publishes, so that a phone needs one of them. Where people are
   * asked whether their keys may travel it is never the cluster: who refused is in their own region's alone.
   */
  readonly publicKeysOf?: 'region' | 'cluster';
  /** With which it signs credentials of positive tests, at most two; none: it has no such role, or they were taken back. */
  readonly testingKeys: readonly VerificationKey[];
  /** DER in base64 of the authority above its certificates: what a platform that checks client certificates is given. */
  readonly clientRoots: readonly string[];
  /** What was taken back of it, as {@link tlsMark} and its like write it. */
  readonly revoked: readonly string[];
  /** Unix seconds. */
  readonly validUntil: number;
  /** Of the region's own statements. */
  readonly sequence: number;
  /** Leaf of the log in which it stands. */
  readonly index: number;
}

/** @param fingerprint 64 lowercase hex digits */
export const tlsMark = (fingerprint: string): string => `tls:${fingerprint}`;
/** @returns how a revocation names a verification key */
export const verificationKeyMark = ({ keyId, keyVersion }: Pick<VerificationKey, 'keyId' | 'keyVersion'>): string =>
  `verification-key:${JSON.stringify([keyId, keyVersion])}`;
/** @param publicKey SHA-256 of the SubjectPublicKeyInfo, 64 lowercase hex digits: all certificates of that key */
export const certificateMark = (publicKey: string): string => `certificate:${publicKey}`;
