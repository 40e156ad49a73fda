/**
 * @module The Merkle tree of a transparency log (RFC 6962 §2.1): roots, proofs that a leaf is in a tree and that a tree grew out of
 * another, and how both are checked (RFC 9162 §2.1.3.2, §2.1.4.2). Whoever checks needs no leaf but the one in question.
 */
import { concatBytes, equalBytes } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';

export const HASH_BYTES = 32;

/** Keep an entry and a node of the same bytes apart (RFC 6962 §2.1). */
const LEAF_PREFIX = Uint8Array.of(0);
const NODE_PREFIX = Uint8Array.of(1);

/** @param entry any bytes @returns the hash that stands for it in the tree */
export const leafHash = (entry: Uint8Array): Uint8Array => sha256(LEAF_PREFIX, entry);

/** @returns the hash of a node above two */
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE_PREFIX, left, right);

/** The largest power of two below `size`, which is at least 2. Numbers beyond 2³¹ are no size of ours, but safe here. */
function splitOf(size: number): number {
  let k = 1;
  while (k * 2 < size) k *= 2;
  return k;
}

/**
 * @param leaves hashes of leaves, in order
 * @param from first of them, inclusive
 * @param to last, exclusive
 * @returns the root over them; of none, the hash of nothing
 */
export function rootOf(leaves: readonly Uint8Array[], from = 0, to = leaves.length): Uint8Array {
  const size = to - from;
  if (size === 0) return sha256();
  if (size === 1) return leaves[from] ?? missing(from);
  const middle = from + splitOf(size);
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, to));
}

function missing(index: number): never {
  throw new RangeError(`merkle: there is no leaf ${index}`);
}

/**
 * @param leaves hashes of leaves
 * @param index of the leaf, 0..leaves.length − 1
 * @returns hashes from the leaf's neighbour up to the root's
 * @throws RangeError when there is no such leaf
 */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leaves.length) missing(index);
  const path = (from: number, to: number): Uint8Array[] => {
    if (to - from === 1) return [];
    const middle = from + splitOf(to - from);
    return index < middle
      ? [...path(from, middle), rootOf(leaves, middle, to)]
      : [...path(middle, to), rootOf(leaves, from, middle)];
  };
  return path(0, leaves.length);
}

/**
 * @param leaves hashes of leaves of the newer tree
 * @param old size of the older one, 0..leaves.length
 * @returns what RFC 6962 §2.1.2 calls PROOF; empty where one of the trees says it all
 * @throws RangeError when the older tree is the larger one
 */
export function consistencyProof(leaves: readonly Uint8Array[], old: number): Uint8Array[] {
  if (!Number.isInteger(old) || old < 0 || old > leaves.length) missing(old);
  if (old === 0 || old === leaves.length) return [];
  const path = (from: number, to: number, size: number, whole: boolean): Uint8Array[] => {
    if (size === to - from) return whole ? [] : [rootOf(leaves, from, to)];
    const split = splitOf(to - from);
    const middle = from + split;
    return size <= split
      ? [...path(from, middle, size, whole), rootOf(leaves, middle, to)]
      : [...path(middle, to, size - split, false), rootOf(leaves, from, middle)];
  };
  return path(0, leaves.length, old, true);
}

/** A tree at one moment. */
export interface Head {
  /** Leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** @returns whether two heads are of one tree */
export const isSameHead = (one: Head, other: Head): boolean =>
  one.size === other.size && equalBytes(one.root, other.root);

const isSize = (size: number): boolean => Number.isSafeInteger(size) && size >= 0;
const areHashes = (proof: readonly Uint8Array[]): boolean => proof.every(({ length }) => length === HASH_BYTES);

/**
 * @param head the tree
 * @param leaf hash of the leaf
 * @param index of the leaf
 * @param proof see {@link inclusionProof}
 * @returns whether the leaf stands there
 */
export function verifyInclusion(head: Head, leaf: Uint8Array, index: number, proof: readonly Uint8Array[]): boolean {
  if (!isSize(head.size) || !isSize(index) || index >= head.size || !areHashes(proof)) return false;
  let [fn, sn, hash] = [index, head.size - 1, leaf];
  for (const step of proof) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      hash = nodeHash(step, hash);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      hash = nodeHash(hash, step);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(hash, head.root);
}

/**
 * @param old the tree that was seen before
 * @param grown the tree of now
 * @param proof see {@link consistencyProof}
 * @returns whether the one begins with all of the other
 */
export function verifyConsistency(old: Head, grown: Head, proof: readonly Uint8Array[]): boolean {
  if (!isSize(old.size) || !isSize(grown.size) || old.size > grown.size || !areHashes(proof)) return false;
  if (old.size === grown.size) return proof.length === 0 && equalBytes(old.root, grown.root);
  // Nothing says nothing: any tree grew out of the empty one.
  if (old.size === 0) return proof.length === 0 && equalBytes(old.root, sha256());
  let [fn, sn] = [old.size - 1, grown.size - 1];
  while (isOdd(fn)) [fn, sn] = [half(fn), half(sn)];
  // An older tree of 2ⁿ leaves is a node of the newer one, and left out of the proof.
  const [first, ...rest] = fn === 0 ? [old.root, ...proof] : proof;
  if (first === undefined) return false;
  let [before, after] = [first, first];
  for (const step of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      before = nodeHash(step, before);
      after = nodeHash(step, after);
      while (!isOdd(fn) && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      after = nodeHash(after, step);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && equalBytes(before, old.root) && equalBytes(after, grown.root);
}

// Not by >> 1, which takes 32 bits.
const isOdd = (n: number): boolean => n % 2 === 1;
const half = (n: number): number => Math.floor(n / 2);

/** @returns hashes one after the other, as tiles hold them */
export const packHashes = (hashes: readonly Uint8Array[]): Uint8Array => concatBytes(...hashes);
