/**
 * @module Whether a phone takes a manifest head: signed by a pinned key, for its region, never older than one it saw,
 * chained to the last one, and still valid (docs/architecture.md §6). So a CDN can neither swap, withhold nor roll back unnoticed.
 */
import { fromUtf8, toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { MANIFEST_TYPE, type ManifestHead, parseManifestHead } from '../../protocol/index/manifest.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../timing/clock-check.ts';
import type { DownloadError } from './download.ts';

/** What a phone keeps of the newest head it accepted. */
export interface SeenHead {
  readonly sequence: number;
  /** base64url SHA-256 of the payload. */
  readonly sha256: string;
  /** Unix seconds. */
  readonly validUntil: number;
  /** The service has ended. */
  readonly ended?: true;
}

export interface AcceptedHead {
  readonly head: ManifestHead;
  readonly seen: SeenHead;
}

/**
 * @param bytes the signed document as received
 * @param region the one asked for
 * @param keys pinned manifest keys by id, SubjectPublicKeyInfo
 * @param seen what was accepted before, null at first
 * @param now Unix seconds
 * @returns the head, and what to keep of it
 */
export function acceptHead(
  bytes: Uint8Array,
  region: string,
  keys: Readonly<Record<string, Uint8Array>>,
  seen: SeenHead | null,
  now: number,
): Result<AcceptedHead, DownloadError> {
  const text = textOf(bytes);
  if (text === null) return err({ kind: 'malformed-document', what: 'not UTF-8' });
  const opened = openDocument(MANIFEST_TYPE, text, keys);
  if (!opened.ok) return opened;
  const parsed = parseManifestHead(opened.value.payload);
  if (!parsed.ok) return parsed;
  const head = parsed.value;
  const hash = toBase64Url(sha256(opened.value.payloadBytes));
  if (head.region !== region) return err({ kind: 'wrong-region', wanted: region, found: head.region });
  const broken = chainError(head, hash, seen) ?? timeError(head, now);
  if (broken !== null) return err(broken);
  const { sequence, validUntil, ended } = head;
  return ok({ head, seen: { sequence, sha256: hash, validUntil, ...(ended === true ? { ended } : {}) } });
}

/** The chain can be followed over one step; a phone that was away for longer only knows that numbers rise. */
function chainError(head: ManifestHead, hash: string, seen: SeenHead | null): DownloadError | null {
  if (seen === null) return null;
  const { sequence } = head;
  if (sequence < seen.sequence) return { kind: 'rollback', highest: seen.sequence, offered: sequence };
  if (sequence === seen.sequence && hash !== seen.sha256) return { kind: 'fork', sequence };
  if (sequence === seen.sequence + 1 && head.previous !== seen.sha256) return { kind: 'broken-chain', sequence };
  return null;
}

/**
 * @param head issued-at and valid-until, Unix seconds
 * @param now Unix seconds
 * @returns why it can't be used now, or null
 */
export function timeError(
  head: { readonly issuedAt?: number; readonly validUntil: number },
  now: number,
): DownloadError | null {
  const { issuedAt, validUntil } = head;
  if (issuedAt !== undefined && issuedAt > now + CLOCK_TOLERANCE_SECONDS)
    return { kind: 'clock', errorSeconds: now - issuedAt };
  // What an expired head names may be gone already (docs/architecture.md §5.9), so it is of no use, and a newer one must exist.
  return validUntil <= now ? { kind: 'expired', validUntil, now } : null;
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return fromUtf8(bytes);
  } catch {
    return null;
  }
}
