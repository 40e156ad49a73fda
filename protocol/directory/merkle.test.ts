import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import vectors from '../../test/vectors/transparency-log.json' with { type: 'json' };
import { fromHex, toHex, utf8 } from '../primitives/bytes.ts';
import { consistencyProof, inclusionProof, leafHash, rootOf, verifyConsistency, verifyInclusion } from './merkle.ts';

const LEAVES = Array.from({ length: 600 }, (_, i) => leafHash(utf8(`entry ${i}`)));
const headOf = (size: number) => ({ size, root: rootOf(LEAVES, 0, size) });
const bytesOf = (proof: readonly string[]) => proof.map((hash) => fromHex(hash));

describe('against transparency-dev/merkle', () => {
  it('roots', ({ expect }) => {
    for (const [size, root] of Object.entries(vectors.roots)) expect(toHex(headOf(Number(size)).root)).toBe(root);
    // RFC 6962's test leaves, as logs of certificates have published them since 2013.
    expect(toHex(rootOf(['', '00', '10', '2021'].map((entry) => leafHash(fromHex(entry)))))).toBe(
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    );
  });

  it('proofs, written and read', ({ expect }) => {
    for (const { index, size, proof } of vectors.inclusion) {
      expect(inclusionProof(LEAVES.slice(0, size), index).map((hash) => toHex(hash))).toEqual(proof);
      expect(verifyInclusion(headOf(size), LEAVES[index] ?? fromHex(''), index, bytesOf(proof))).toBe(true);
    }
    for (const { from, to, proof } of vectors.consistency) {
      expect(consistencyProof(LEAVES.slice(0, to), from).map((hash) => toHex(hash))).toEqual(proof);
      expect(verifyConsistency(headOf(from), headOf(to), bytesOf(proof))).toBe(true);
    }
  });
});

describe('any tree of up to 70 leaves', () => {
  it('holds each leaf at its place alone, and no proof holds that was changed', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), fc.nat(254), (size, at, byte, bit) => {
        const index = at % size;
        const leaf = LEAVES[index] ?? fromHex('');
        const proof = inclusionProof(LEAVES.slice(0, size), index);
        const head = headOf(size);
        expect(verifyInclusion(head, leaf, index, proof)).toBe(true);
        expect(verifyInclusion(head, LEAVES[index + 1] ?? leaf, index, proof)).toBe(false);
        expect(verifyInclusion(head, leaf, index + 1, proof)).toBe(false);
        expect(verifyInclusion(head, leaf, index, [...proof, leaf])).toBe(false);
        if (proof.length === 0) return;
        expect(verifyInclusion(head, leaf, index, proof.slice(1))).toBe(false);
        const step = proof[byte % proof.length] ?? leaf;
        const bent = step.with(byte % 32, (step[byte % 32] ?? 0) ^ (1 + bit));
        expect(verifyInclusion(head, leaf, index, proof.with(byte % proof.length, bent))).toBe(false);
      }),
      { seed: 1, numRuns: 80 },
    );
  });

  it('continues each smaller one, and none with another leaf', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), fc.nat(), (size, cut, at) => {
        const old = 1 + (cut % size);
        const proof = consistencyProof(LEAVES.slice(0, size), old);
        expect(verifyConsistency(headOf(old), headOf(size), proof)).toBe(true);
        const other = LEAVES.slice(0, size).with(at % old, leafHash(utf8('another')));
        const forked = { size, root: rootOf(other) };
        expect(verifyConsistency(headOf(old), forked, consistencyProof(other, old))).toBe(false);
        expect(verifyConsistency(headOf(old), forked, proof)).toBe(false);
        if (old < size) {
          expect(verifyConsistency(headOf(size), headOf(old), proof)).toBe(false);
          expect(verifyConsistency(headOf(old), headOf(size), [...proof, proof[0] ?? fromHex('')])).toBe(false);
        }
      }),
      { seed: 2, numRuns: 80 },
    );
  });

  it('grew out of nothing; nothing with a root of its own did not', ({ expect }) => {
    expect(verifyConsistency(headOf(0), headOf(9), [])).toBe(true);
    expect(verifyConsistency({ size: 0, root: headOf(1).root }, headOf(9), [])).toBe(false);
    expect(verifyInclusion(headOf(0), headOf(1).root, 0, [])).toBe(false);
    for (const size of [-1, 0.5, Number.NaN, 2 ** 60]) {
      expect(verifyConsistency({ size, root: headOf(1).root }, headOf(9), [])).toBe(false);
      expect(verifyInclusion(headOf(9), headOf(1).root, size, [])).toBe(false);
    }
    expect(() => inclusionProof(LEAVES.slice(0, 3), 3)).toThrow(RangeError);
    expect(() => consistencyProof(LEAVES.slice(0, 3), 4)).toThrow(RangeError);
  });
});
