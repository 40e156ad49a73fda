import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { anyEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import vectors from '../../test/vectors/efgs-batch-signature.json';
import { fromHex, toHex, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import type { EfgsKey } from './batch.ts';
import { batchHash, signingBytes, signingOrder, signingRecord } from './signing-bytes.ts';

const fromVector = ({ keyData, ...key }: (typeof vectors.keys)['K1' | 'K2']): EfgsKey => ({
  keyData: fromHex(keyData),
  rollingStartIntervalNumber: key.rollingStartIntervalNumber,
  rollingPeriod: key.rollingPeriod,
  transmissionRiskLevel: key.transmissionRiskLevel,
  visitedCountries: key.visitedCountries,
  origin: key.origin,
  reportType: key.reportType,
  daysSinceOnsetOfSymptoms: key.daysSinceOnsetOfSymptoms,
});
const K1 = fromVector(vectors.keys.K1);
const K2 = fromVector(vectors.keys.K2);

/** The same bytes once more, by nothing of ours: Node's buffers, and a sort by compared bytes. */
function byBuffers(keys: readonly EfgsKey[]): Buffer {
  const int32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value | 0);
    return bytes;
  };
  const records = keys.map((key) =>
    [
      Buffer.from(key.keyData),
      int32(key.rollingStartIntervalNumber),
      int32(key.rollingPeriod),
      int32(key.transmissionRiskLevel),
      Buffer.from(key.visitedCountries.join(','), 'ascii'),
      Buffer.from(key.origin, 'ascii'),
      int32(key.reportType),
      int32(key.daysSinceOnsetOfSymptoms),
    ]
      .map((field) => `${field.toString('base64')}.`)
      .join(''),
  );
  const inBase64 = records.map((record) => Buffer.from(record).toString('base64'));
  return Buffer.concat(
    inBase64
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((text) => Buffer.from(text, 'base64')),
  );
}

describe('bytes of a batch signature (docs/spec/europe.md §3.3)', () => {
  it.for([
    ['K1', K1, vectors.keys.K1],
    ['K2: no countries, a negative day in two’s complement', K2, vectors.keys.K2],
  ] as const)('record of %s', ([, key, vector], { expect }) => {
    expect(signingRecord(key)).toBe(vector.record);
    expect(toHex(sha256(utf8(signingRecord(key))))).toBe(vector.sha256);
  });

  it('the batch is K2 before K1, whatever order they come in', ({ expect }) => {
    for (const keys of [
      [K1, K2],
      [K2, K1],
    ]) {
      expect(batchHash(signingBytes(keys))).toBe(vectors.batch.sha256);
      expect(signingOrder(keys)).toEqual([K2, K1]);
    }
  });

  it('records are sorted by their base64, which is not the order of their bytes', ({ expect }) => {
    const startsWith = (record: string): EfgsKey => ({
      ...K1,
      keyData: Uint8Array.from([...Buffer.from(record, 'base64'), ...new Uint8Array(10)]),
    });
    const { first, second } = vectors.order;
    expect(signingRecord(startsWith(first)).startsWith(first)).toBe(true);
    expect(second < first).toBe(true);
    expect(signingOrder([startsWith(second), startsWith(first)])).toEqual([startsWith(first), startsWith(second)]);
  });

  it('are those of a second program, and the same for every order', ({ expect }) => {
    const batchAndOrder = fc
      .array(anyEfgsKey, { maxLength: 8 })
      .chain((keys) => fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys, { minLength: keys.length })));
    fc.assert(
      fc.property(batchAndOrder, ([keys, shuffled]) => {
        expect(toHex(signingBytes(keys))).toBe(byBuffers(keys).toString('hex'));
        expect(signingBytes(shuffled)).toEqual(signingBytes(keys));
        expect(signingBytes(signingOrder(shuffled))).toEqual(signingBytes(keys));
      }),
      { seed: 16 },
    );
  });
});
