/**
 * @module The ways from a test to its keys: by a digest that was kept, by an id that stands on both sides, by the issue
 * id of who vouched. Each is given what the attacker holds, and narrows the published keys down to those that the test's may be.
 */
import { originIdOf } from '../../../domain/intake-permit.ts';
import { uploadDigest } from '../../../domain/keys/digest.ts';
import { keptDigest, tanHash } from '../../../domain/tan-hash.ts';
import { concatBytes, fromBase64, fromHex, toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { hmacSha256 } from '../../../protocol/primitives/hash.ts';
import type { Evidence } from './evidence.ts';

/** What the attacker holds besides the stores. */
export interface Loot {
  /** Secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** TANs that the attacker knows, from a phone or derived from a session with `verification`'s secrets. */
  readonly tans: readonly string[];
  /** Whether SQLite's log is read as well. */
  readonly log: boolean;
  /** Whether both shares of the undo key are there. */
  readonly undoKey: boolean;
}

/** Candidates of each test: keyed hash of its TAN → hex of the keys that may be its. */
export type Candidates = Map<string, readonly string[]>;

/**
 * @param evidence all that is stored
 * @param loot what the attacker holds
 * @returns for each TAN of the ledger the published keys that may be its
 */
export function candidates(evidence: Evidence, loot: Loot): Candidates {
  const found: Candidates = new Map(evidence.ledger.map(({ hash }) => [hash, evidence.published]));
  for (const { hash, issueId } of loot.undoKey ? evidence.ledger : []) {
    const keys = issueId === null ? undefined : evidence.issueKeys.get(issueId);
    if (keys !== undefined) found.set(hash, keys);
  }
  for (const [hash, key] of byDigest(evidence, loot)) found.set(hash, [key]);
  return found;
}

const keyOf = ({ secrets }: Loot, name: string): Uint8Array | null =>
  secrets[name] === undefined ? null : fromBase64(secrets[name]);

/**
 * One walk over the bytes, however many are looked for.
 *
 * @param bytes everything that was found
 * @param needles what is looked for, in hex → what it means
 * @returns what the needles that are in it mean, be they there as bytes or as text
 */
function* findAny<T>(bytes: Uint8Array, needles: ReadonlyMap<string, T>): Generator<T> {
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const byStart = new Map<number, { readonly needle: Buffer; readonly meaning: T }[]>();
  for (const [hex, meaning] of needles) {
    for (const needle of [Buffer.from(hex, 'hex'), Buffer.from(hex)]) {
      const start = needle.readUInt32BE();
      byStart.set(start, [...(byStart.get(start) ?? []), { needle, meaning }]);
    }
  }
  for (let at = 0; at + 4 <= haystack.length; at++) {
    for (const { needle, meaning } of byStart.get(haystack.readUInt32BE(at)) ?? []) {
      if (haystack.subarray(at, at + needle.length).equals(needle)) yield meaning;
    }
  }
}

/** A single-key upload's digest is made again for each published key, in every form that was ever kept. */
function byDigest(evidence: Evidence, loot: Loot): Map<string, string> {
  const found = new Map<string, string>();
  const digestKey = keyOf(loot, 'DIGEST_KEY');
  if (digestKey === null) return found;
  const hashKey = keyOf(loot, 'TAN_HASH_KEY');
  /** Digest as `upload` made it, now or formerly → its key: which row it lies in says whose it is. */
  const open = new Map<string, string>();
  /** Digest as `verification` keeps it → whose it is: its TAN is in it, so it may lie anywhere. */
  const kept = new Map<string, readonly [hash: string, key: string]>();
  for (const key of evidence.published) {
    const digest = uploadDigest({ keys: [{ keyData: fromHex(key) }] }, digestKey);
    for (const form of [digest, ...formerDigests(key, digestKey)]) open.set(form, key);
    for (const tan of hashKey === null ? [] : loot.tans) {
      kept.set(keptDigest(hashKey!, tan, digest), [tanHash(hashKey!, tan), key]);
    }
  }
  for (const row of evidence.ledger) for (const key of findAny(row.bytes, open)) found.set(row.hash, key);
  const blobs = loot.log ? [...evidence.stores, ...evidence.log] : evidence.stores;
  if (kept.size > 0) for (const [hash, key] of findAny(Buffer.concat(blobs), kept)) found.set(hash, key);
  return found;
}

/**
 * The digest as it was before decision 023, over the whole upload. What was not published of it is guessed: the regions
 * and consent of nearly everyone, a risk level of the eight, start and period of a published key.
 */
export function formerDigests(key: string, digestKey: Uint8Array, starts: readonly number[] = FORMER_STARTS): string[] {
  return starts.flatMap((start) =>
    [3, 4, 5, 6, 7, 8].map((level) => {
      const entry = new Uint8Array(24);
      entry.set(fromHex(key));
      const view = new DataView(entry.buffer);
      view.setUint32(16, start);
      view.setUint8(20, 144);
      view.setUint8(21, level);
      view.setInt16(22, -0x8000);
      const canonical = concatBytes(Uint8Array.of(1), entry, Uint8Array.of(1), utf8('DE'));
      return toHex(hmacSha256(digestKey, utf8('exposure-edge/upload-digest/v1\0'), canonical));
    }),
  );
}

/** 2026-06-14 00:00 UTC: the single keys of the town are of the day before. */
const FORMER_STARTS: readonly number[] = [1_781_395_200 / 600];

/**
 * Reservations of the ledger that lead to an upload at `origin`: the same id on both sides, or one that follows from the
 * other by a secret in hand. With SQLite's log such a pair joins a TAN to the rows of one transaction.
 *
 * @returns how many upload ids that `origin` keeps are reached from the ledger's bytes
 */
export function reachedUploads(evidence: Evidence, loot: Loot): number {
  const ids = new Set<string>();
  const key = keyOf(loot, 'UPLOAD_ID_KEY');
  for (const { bytes } of evidence.ledger) {
    const text = Buffer.from(bytes).toString('latin1');
    for (const [uuid] of text.matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)) ids.add(uuid);
    if (key === null) continue;
    for (let at = 0; at + 16 <= bytes.length; at++) {
      const hex = toHex(bytes.subarray(at, at + 16));
      const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      if (uuid[14] === '4') ids.add(originIdOf(key, uuid).uploadId);
    }
  }
  return [...ids].filter((id) => evidence.uploadIds.has(id)).length;
}
