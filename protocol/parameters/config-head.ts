/**
 * @module The signed head of the configuration: a small document of type `config` that phones poll, which names the
 * parameter documents by their SHA-256 and says which phones take which (docs/architecture.md §6). The documents are immutable.
 */
import * as z from 'zod';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { type Result, err, ok } from '../primitives/result.ts';
import { compareVersions } from './versions.ts';
import type { Rule } from './violation.ts';

export const CONFIG_TYPE = 'config';
/** How long a head may be used. */
export const CONFIG_VALIDITY_SECONDS = 14 * 86_400;
/** It is issued anew after half its validity, so that a week of failures expires nothing. */
export const CONFIG_RENEWAL_SECONDS = CONFIG_VALIDITY_SECONDS / 2;
/** base64url of 32 bytes without padding. */
const SHA256_NAME = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;
const SECONDS = z.int().min(0).max(253_402_300_799);
const versionCode = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const semantic = z.string().regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/);

const RISING = { error: 'min must not be above max' satisfies Rule };

export const audienceSchema = z
  .strictObject({
    percentage: z.number().gt(0).max(100).describe('Share of the phones below, each by a number it drew itself'),
    android: z
      .union([
        z.literal(['all', 'none']),
        z.strictObject({ min: versionCode, max: versionCode }).refine(({ min, max }) => min <= max, RISING),
      ])
      .describe('Version codes, both included'),
    ios: z
      .union([
        z.literal(['all', 'none']),
        z
          .strictObject({ min: semantic, max: semantic })
          .refine(({ min, max }) => compareVersions(min, max) <= 0, RISING),
      ])
      .describe('Versions, both included'),
  })
  .describe('Which phones take a document');

export type Audience = z.infer<typeof audienceSchema>;

/** Every phone. */
export const EVERYONE: Audience = { percentage: 100, android: 'all', ios: 'all' };

const entrySchema = z.strictObject({
  sha256: z.string().regex(SHA256_NAME),
  size: z.int().min(2),
  audience: audienceSchema,
});

const configHeadSchema = z
  .strictObject({
    version: z.int().min(1).describe('Only grows; a phone keeps the highest it saw'),
    issuedAt: SECONDS,
    validUntil: SECONDS,
    documents: z.array(entrySchema).min(1).max(8).describe('A phone takes the first whose audience it is in'),
  })
  .refine((head) => head.validUntil > head.issuedAt, {
    error: 'validUntil must be after issuedAt',
    path: ['validUntil'],
  })
  .refine(({ documents }) => documents.length > 0 && isEveryone(documents.at(-1)!.audience), {
    error: 'the last document must be for everyone',
    path: ['documents'],
  });

export type ConfigHead = z.infer<typeof configHeadSchema>;
export type DocumentEntry = ConfigHead['documents'][number];

/** @returns true if no phone is left out */
export function isEveryone(audience: Audience): boolean {
  return audience.percentage === 100 && audience.android === 'all' && audience.ios === 'all';
}

/**
 * @param payload of a signed document whose signature is good
 * @returns the head, or what is wrong with it
 */
export function parseConfigHead(payload: unknown): Result<ConfigHead, string> {
  const result = configHeadSchema.safeParse(payload);
  if (result.success) return ok(result.data);
  return err(result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}

/** @returns name of a document: base64url of the SHA-256 of its text */
export function documentName(text: string): string {
  return toBase64Url(sha256(utf8(text)));
}

/** @returns path of the polled head, without a leading slash */
export function configHeadPath(): string {
  return 'v1/config/head.json';
}

/** @returns path of a document, without a leading slash @throws {RangeError} when the name is no SHA-256 in base64url */
export function configDocumentPath(name: string): string {
  if (!SHA256_NAME.test(name)) throw new RangeError(`document name must be base64url of 32 bytes, got "${name}"`);
  return `v1/config/documents/${name}.json`;
}

/** What a phone knows of itself. */
export interface PhoneVersion {
  readonly platform: 'android' | 'ios';
  /** Android's version code, or iOS's version. */
  readonly version: number | string;
}

function hasVersion(audience: Audience, phone: PhoneVersion): boolean {
  const wanted = audience[phone.platform];
  if (typeof wanted === 'string') return wanted === 'all';
  const { min, max } = wanted;
  if (typeof min === 'number' || typeof max === 'number') {
    const code = Number(phone.version);
    return code >= Number(min) && code <= Number(max);
  }
  const version = String(phone.version);
  return compareVersions(version, min) >= 0 && compareVersions(version, max) <= 0;
}

/**
 * Where a phone stands among all for one document, 0 ≤ share < 100. It hashes the phone's secret with the document's
 * name: the same phone for as long as a document is rolled out, others for the next one, and nobody else can tell.
 * @param secret 16 random bytes that never leave the phone
 */
export function shareOf(secret: Uint8Array, name: string): number {
  const digest = sha256(secret, utf8(name));
  const first = new DataView(digest.buffer, digest.byteOffset).getUint32(0);
  return (first / 2 ** 32) * 100;
}

/**
 * The document a phone takes. It grows with the percentage: who is in at 10 % is in at 50 %.
 * @param secret 16 random bytes that never leave the phone
 * @returns the first entry whose audience the phone is in; the last one is for everyone
 */
export function chooseDocument(head: ConfigHead, phone: PhoneVersion, secret: Uint8Array): DocumentEntry {
  const chosen = head.documents.find(
    ({ sha256: name, audience }) => hasVersion(audience, phone) && shareOf(secret, name) < audience.percentage,
  );
  return chosen ?? head.documents.at(-1)!;
}
