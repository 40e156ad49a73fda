/**
 * @module Positive tests of roaming people (docs/credential.md): when a session is given a credential, which region's credentials are believed, and why one isn't. Pure; formats are in protocol/credential/.
 */
import { originOf } from '../protocol/credential/credential.ts';
import { type DirectoryEntry, REGION_ID } from '../protocol/directory/entry.ts';
import { err, ok, type Result } from '../protocol/primitives/result.ts';
import { isLive, type Session } from './session.ts';

/** What an issuer keeps of a credential that was taken: neither its id nor the key. */
export interface Grant {
  /** Place in the status list. */
  readonly statusIndex: number;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** Keyed hash of the phone's key, 32 lowercase hex digits. */
  readonly holder: string;
}

/**
 * A positive test gives a TAN here or a credential elsewhere, never both; the same phone may ask again, since an answer can be lost.
 *
 * @param session of the test, or null
 * @param taken what it gave before, or null
 * @param wanted for whom, if it may be given
 * @param now Unix seconds
 * @returns what is given, or null
 */
export function grantFor(session: Session | null, taken: Grant | null, wanted: Grant, now: number): Grant | null {
  // Who came by a credential has shared elsewhere, or can: it isn't handed on from region to region.
  if (!isLive(session, now) || session.authorisation === 'credential') return null;
  if (taken !== null) return taken.holder === wanted.holder && taken.expiresAt > now ? taken : null;
  return session.firstTanAt === null ? wanted : null;
}

/**
 * Why a credential opens nothing. malformed: it is none. issuer: no region of the directory has that address. role: that region may not speak of tests. phase: tests of that region's aren't taken up here, by our setting or
 * its entry. signature: it isn't that region's. expired, revoked, used: it was good. proof: whoever shows it isn't whose it is. clock: the phone's is off by hours.
 */
export type CredentialRefusal =
  | 'malformed'
  | 'issuer'
  | 'role'
  | 'phase'
  | 'signature'
  | 'expired'
  | 'revoked'
  | 'used'
  | 'proof'
  | 'clock';

/** Who says that a test was positive. */
export interface Claimed {
  /** Origin. */
  readonly issuer: string;
  readonly region: string;
}

/**
 * @param claimed what a credential says of its issuer; nobody has verified it yet
 * @param entries of a directory that holds
 * @param peers regions whose tests are taken up here
 * @returns the region's entry, whose `testingKeys` decide
 */
export function issuerEntry(
  { issuer, region }: Claimed,
  entries: readonly DirectoryEntry[],
  peers: readonly string[],
): Result<DirectoryEntry, CredentialRefusal> {
  const entry = entries.find(({ regionId }) => regionId === region);
  if (entry === undefined || originOf(entry.verificationUrl) !== issuer) return err('issuer');
  if (!peers.includes(region) || entry.phase !== 2) return err('phase');
  return entry.testingKeys.length === 0 ? err('role') : ok(entry);
}

/** @param text regions, comma separated; empty: none @param home which may not be among them @returns each once, or null when it is wrong */
export function parseCredentialPeers(text: string, home: string): readonly string[] | null {
  if (text === '') return [];
  const regions = text.split(',');
  const isRight = regions.every((region) => REGION_ID.test(region) && region !== home);
  return isRight && new Set(regions).size === regions.length ? regions : null;
}
