import fc from 'fast-check';
import { describe, it } from 'vitest';
import { anyKey } from '../test/support/protocol-arbitraries.ts';
import { concatBytes, utf8 } from './bytes.ts';
import { deflate } from './deflate.ts';
import { exposure_edge as proto } from './generated/set-record.js';
import { sha256 } from './hash.ts';
import {
  decodeBatchRecord,
  decodeSetRecord,
  encodeBatchRecord,
  encodeSetRecord,
  type RecordedKey,
  type SetRecord,
} from './set-record.ts';

const country = fc.constantFrom('DE', 'FR', 'IT', 'NL', 'IE');
const anyRecordedKey: fc.Arbitrary<RecordedKey> = fc.record({
  key: anyKey,
  regions: fc.uniqueArray(country, { maxLength: 4 }).map((regions) => regions.toSorted()),
  origin: country,
  consentToFederation: fc.boolean(),
  synthetic: fc.boolean(),
});
const position = { setNumber: 12, part: 2, of: 3 };

describe('set record', () => {
  it('comes back as it was, the same bytes each time', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(anyRecordedKey, { maxLength: 60 }), (keys) => {
        const bytes = encodeSetRecord({ ...position, keys });
        expect(decodeSetRecord(bytes)).toEqual({ ok: true, value: { ...position, keys } });
        expect(encodeSetRecord({ ...position, keys })).toEqual(bytes);
      }),
      { seed: 21 },
    );
  });

  it('code batches come back, none as null', ({ expect }) => {
    const id = fc.option(fc.constantFrom('batch-a', 'batch-b', 'ü'), { nil: null });
    fc.assert(
      fc.property(fc.array(id, { maxLength: 60 }), (codeBatchIds) => {
        const bytes = encodeBatchRecord({ ...position, codeBatchIds });
        expect(decodeBatchRecord(bytes)).toEqual({ ok: true, value: { ...position, codeBatchIds } });
      }),
      { seed: 22 },
    );
  });

  it('28,000 keys in published order take less than 17 bytes each', ({ expect }) => {
    const keys: RecordedKey[] = Array.from({ length: 28_000 }, (_, i) => ({
      key: {
        keyData: sha256(utf8(`record ${i}`)).slice(0, 16),
        transmissionRiskLevel: 3 + (i % 6),
        rollingStartIntervalNumber: 2_900_016 + 144 * Math.floor(i / 2000),
        rollingPeriod: 144,
        reportType: 1,
        daysSinceOnsetOfSymptoms: i % 2 === 0 ? 1 : 2,
      },
      regions: i % 10 === 0 ? ['DE', 'FR'] : ['DE'],
      origin: 'DE',
      consentToFederation: i % 10 === 0,
      synthetic: i % 200 === 0,
    }));
    const record: SetRecord = { setNumber: 1, part: 1, of: 1, keys };
    const bytes = encodeSetRecord(record);
    expect(bytes.length / keys.length).toBeLessThan(17);
    expect(decodeSetRecord(bytes)).toEqual({ ok: true, value: record });
  });

  it('refuses to write what no export could hold', ({ expect }) => {
    const [sample] = fc.sample(anyRecordedKey, { seed: 23, numRuns: 1 });
    if (sample === undefined) throw new Error('no sample');
    const bad = { ...sample, key: { ...sample.key, rollingPeriod: 0 } };
    expect(() => encodeSetRecord({ ...position, keys: [sample, bad] })).toThrow(
      'keys[1].rolling_period must be 1..144',
    );
    const many = Array.from({ length: 100_001 }, () => sample);
    expect(() => encodeSetRecord({ ...position, keys: many })).toThrow(RangeError);
    expect(() => encodeBatchRecord({ ...position, codeBatchIds: many.map(() => null) })).toThrow(RangeError);
  });
});

describe('set record from a stranger', () => {
  const good: proto.SetRecordPart.$Properties = {
    version: 1,
    setNumber: 1,
    part: 1,
    of: 1,
    keyData: new Uint8Array(32),
    startDifferences: [2_900_016, 0],
    rollingPeriods: [144, 144],
    transmissionRiskLevels: [5, 5],
    reportTypes: [1, 1],
    daysSinceOnset: [0, 0],
    provenances: [{ regions: ['DE'], origin: 'DE', consentToFederation: false }],
    provenanceIndexes: [0, 0],
    syntheticDifferences: [1],
  };
  const pack = (change: proto.SetRecordPart.$Properties): Uint8Array =>
    deflate(proto.SetRecordPart.encode({ ...good, ...change }).finish());
  const whatOf = (bytes: Uint8Array): string => {
    const decoded = decodeSetRecord(bytes);
    return decoded.ok ? 'ok' : decoded.error.what;
  };

  const cases: readonly [string, Uint8Array, RegExp][] = [
    ['nothing wrong', pack({}), /^ok$/],
    ['another version', pack({ version: 2 }), /version 2/],
    ['part 0', pack({ part: 0 }), /part 0 of 1/],
    ['part 2 of 1', pack({ part: 2 }), /part 2 of 1/],
    ['too few key bytes', pack({ keyData: new Uint8Array(31) }), /key_data/],
    ['a short column', pack({ reportTypes: [1] }), /reportTypes/],
    ['a long column', pack({ startDifferences: [1, 1, 1] }), /startDifferences/],
    ['no provenance for a key', pack({ provenanceIndexes: [0] }), /provenanceIndexes/],
    ['a provenance that is not there', pack({ provenanceIndexes: [0, 1] }), /provenance/],
    ['a synthetic key past the end', pack({ syntheticDifferences: [1, 1] }), /synthetic/],
    ['a synthetic key twice', pack({ syntheticDifferences: [1, 0] }), /synthetic/],
    ['a start below 0', pack({ startDifferences: [5, -6] }), /rolling_start_interval_number is -1/],
    ['period 145', pack({ rollingPeriods: [144, 145] }), /keys\[1\]\.rolling_period/],
    ['100,001 keys', pack({ rollingPeriods: Array.from({ length: 100_001 }, () => 1) }), /100001 keys/],
    ['a byte behind the stream', concatBytes(pack({}), Uint8Array.of(0)), /deflate/],
    ['a cut stream', pack({}).slice(0, -1), /deflate/],
    ['no protobuf', deflate(Uint8Array.of(0xff)), /protobuf/],
    ['a bomb', deflate(new Uint8Array(50_000_000)), /more than 8000000 bytes/],
    ['nothing', new Uint8Array(), /deflate/],
  ];
  it.for(cases)('%s', ([, bytes, what], { expect }) => {
    expect(whatOf(bytes)).toMatch(what);
  });

  it('a code batch that is not there', ({ expect }) => {
    const bytes = deflate(
      proto.BatchRecordPart.encode({ version: 1, part: 1, of: 1, codeBatchIds: ['a'], indexes: [0, 1, 2] }).finish(),
    );
    expect(decodeBatchRecord(bytes)).toEqual({
      ok: false,
      error: { kind: 'malformed-record', what: 'index 2 names no code batch' },
    });
  });

  it('any bytes, without throwing', ({ expect }) => {
    const valid = pack({});
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(valid.length - 1), fc.nat(255), (bytes, at, byte) => {
        for (const input of [bytes, deflate(bytes), valid.map((old, i) => (i === at ? byte : old))]) {
          expect(typeof decodeSetRecord(input).ok).toBe('boolean');
          expect(typeof decodeBatchRecord(input).ok).toBe('boolean');
        }
      }),
      { seed: 24, numRuns: 500 },
    );
  });
});
