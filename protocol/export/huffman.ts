/**
 * @module Prefix codes as deflate has them (RFC 1951 §3.2.2): optimal lengths under a limit by package-merge (Larmore and
 * Hirschberg 1990), and the canonical codes that follow from the lengths. A function of the counts alone.
 */

/**
 * @param counts how often each symbol occurs
 * @param limit longest code, such that 2^limit symbols fit
 * @returns length of each symbol's code, 0 for one that doesn't occur; a lone symbol gets one bit
 */
export function codeLengths(counts: Uint32Array, limit: number): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const leaves: Package[] = [];
  for (const [symbol, count] of counts.entries()) if (count > 0) leaves.push({ weight: count, symbols: [symbol] });
  if (leaves.length <= 1) {
    for (const { symbols } of leaves) lengths[symbols[0]!] = 1;
    return lengths;
  }
  leaves.sort((a, b) => a.weight - b.weight || a.symbols[0]! - b.symbols[0]!);
  let packages: Package[] = [];
  for (let level = 0; level < limit; level++) packages = merge(leaves, pairs(packages));
  for (const { symbols } of packages.slice(0, 2 * leaves.length - 2))
    for (const symbol of symbols) lengths[symbol]! += 1;
  return lengths;
}

interface Package {
  readonly weight: number;
  readonly symbols: readonly number[];
}

function pairs(packages: readonly Package[]): Package[] {
  const paired: Package[] = [];
  for (let i = 0; i + 1 < packages.length; i += 2) {
    const [a, b] = [packages[i]!, packages[i + 1]!];
    paired.push({ weight: a.weight + b.weight, symbols: [...a.symbols, ...b.symbols] });
  }
  return paired;
}

/** Both ascending by weight; a leaf goes before a package of the same weight. */
function merge(leaves: readonly Package[], packages: readonly Package[]): Package[] {
  const merged: Package[] = [];
  let at = 0;
  for (const leaf of leaves) {
    while (at < packages.length && packages[at]!.weight < leaf.weight) merged.push(packages[at++]!);
    merged.push(leaf);
  }
  return [...merged, ...packages.slice(at)];
}

/**
 * @param lengths of the codes; what they add up to must not exceed one
 * @returns each symbol's code with its bits reversed, as deflate writes it
 */
export function codesOf(lengths: Uint8Array): Uint16Array {
  const perLength = new Uint16Array(17);
  for (const length of lengths) if (length > 0) perLength[length]! += 1;
  const next = new Uint16Array(17);
  for (let length = 1; length <= 16; length++) next[length] = (next[length - 1]! + perLength[length - 1]!) << 1;
  return Uint16Array.from(lengths, (length) => (length === 0 ? 0 : reversed(next[length]!++, length)));
}

function reversed(code: number, bits: number): number {
  let result = 0;
  for (let i = 0; i < bits; i++) result |= ((code >>> i) & 1) << (bits - 1 - i);
  return result;
}
