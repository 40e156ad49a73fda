/**
 * @module Whose certificate a client showed: a backend that serves feeds asks this at each request, so that what was revoked opens nothing
 * from the next one on.
 */
import type { DirectoryEntry } from './entry.ts';
import { tlsMark } from './entry.ts';

export type ClientResult =
  | { readonly ok: true; readonly entry: DirectoryEntry }
  | { readonly ok: false; readonly error: 'unlisted' | 'revoked' | 'expired' };

/**
 * @param entries of a directory that was read lately
 * @param fingerprint SHA-256 of the certificate's DER in hex, of either case; all 64 digits count (a gateway of 2020 lost certificates whose
 *   hash began with 00, docs/spec/europe.md §3.7)
 * @param now Unix seconds
 * @returns the region whose client this is, or why it is nobody's
 */
export function clientOf(entries: readonly DirectoryEntry[], fingerprint: string, now: number): ClientResult {
  const wanted = fingerprint.toLowerCase();
  const entry = entries.find(({ tlsFingerprints }) => tlsFingerprints.includes(wanted));
  if (entry !== undefined) return entry.validUntil > now ? { ok: true, entry } : { ok: false, error: 'expired' };
  const isRevoked = entries.some(({ revoked }) => revoked.includes(tlsMark(wanted)));
  return { ok: false, error: isRevoked ? 'revoked' : 'unlisted' };
}
