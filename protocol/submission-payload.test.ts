import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { concatBytes, toHex, utf8 } from './primitives/bytes.ts';
import { decodeSubmissionPayload, encodeSubmissionPayload, type SubmissionPayload } from './submission-payload.ts';

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const int32 = fc.integer();
const uint32 = fc.nat(0xffffffff);
const someBytes = fc.uint8Array({ maxLength: 40 });
const anyPayload: fc.Arbitrary<SubmissionPayload> = fc.record({
  keys: fc.array(
    fc.record({
      keyData: orNull(someBytes),
      transmissionRiskLevel: orNull(int32),
      rollingStartIntervalNumber: orNull(int32),
      rollingPeriod: orNull(int32),
      reportType: orNull(int32),
      daysSinceOnsetOfSymptoms: orNull(int32),
      withdrawalHash: orNull(someBytes),
    }),
    { maxLength: 20 },
  ),
  requestPadding: orNull(someBytes),
  visitedCountries: fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }),
  origin: orNull(fc.string({ unit: 'grapheme' })),
  consentToFederation: orNull(fc.boolean()),
  checkIns: fc.array(
    fc.record({
      locationId: orNull(someBytes),
      startIntervalNumber: orNull(uint32),
      endIntervalNumber: orNull(uint32),
      transmissionRiskLevel: orNull(uint32),
    }),
    { maxLength: 5 },
  ),
  submissionType: orNull(int32),
  checkInProtectedReports: fc.array(
    fc.record({
      locationIdHash: orNull(someBytes),
      iv: orNull(someBytes),
      encryptedCheckInRecord: orNull(someBytes),
      mac: orNull(someBytes),
    }),
    { maxLength: 5 },
  ),
  cover: orNull(fc.boolean()),
  authorization: orNull(fc.string({ unit: 'grapheme' })),
});

const EMPTY: SubmissionPayload = {
  keys: [],
  requestPadding: null,
  visitedCountries: [],
  origin: null,
  consentToFederation: null,
  checkIns: [],
  submissionType: null,
  checkInProtectedReports: [],
  cover: null,
  authorization: null,
};
const KEY = {
  keyData: new Uint8Array(16).fill(0xab),
  transmissionRiskLevel: 6,
  rollingStartIntervalNumber: 2_939_904,
  rollingPeriod: 144,
  reportType: 1,
  daysSinceOnsetOfSymptoms: 3998,
  withdrawalHash: null,
};

describe('SubmissionPayload (docs/spec/cwa.md §1.1)', () => {
  it('comes back as it was, absent as null', ({ expect }) => {
    fc.assert(
      fc.property(anyPayload, (payload) => {
        expect(decodeSubmissionPayload(encodeSubmissionPayload(payload))).toEqual({ ok: true, value: payload });
      }),
      { seed: 19 },
    );
  });

  it('is laid out as the table says', ({ expect }) => {
    const payload: SubmissionPayload = {
      ...EMPTY,
      keys: [KEY],
      requestPadding: utf8('pad'),
      visitedCountries: ['DE'],
      origin: 'DE',
      consentToFederation: true,
      submissionType: 1,
    };
    expect(toHex(encodeSubmissionPayload(payload))).toBe(
      `0a210a10${'ab'.repeat(16)}10061880b8b30120900128` +
        `0130bc3e1203706164` +
        '1a024445' +
        '22024445' +
        '2801' +
        '3801',
    );
  });

  it('an empty body is a payload without anything', ({ expect }) => {
    expect(decodeSubmissionPayload(new Uint8Array())).toEqual({ ok: true, value: EMPTY });
  });

  it('key bytes are copies: the request may be thrown away', ({ expect }) => {
    const bytes = encodeSubmissionPayload({ ...EMPTY, keys: [KEY] });
    const decoded = decodeSubmissionPayload(bytes);
    bytes.fill(0);
    expect(decoded.ok && decoded.value.keys[0]?.keyData).toEqual(KEY.keyData);
  });

  it('fields it does not know are skipped', ({ expect }) => {
    const bytes = concatBytes(encodeSubmissionPayload({ ...EMPTY, keys: [KEY] }), Uint8Array.of(0x7a, 2, 1, 2));
    expect(decodeSubmissionPayload(bytes)).toEqual({ ok: true, value: { ...EMPTY, keys: [KEY] } });
  });

  const repeated = (tag: number, count: number): Uint8Array =>
    new Uint8Array(2 * count).map((_, i) => (i % 2 === 0 ? tag : 0));
  const malformed: readonly [string, Uint8Array][] = [
    ['text', utf8('{"keys":[]}')],
    ['cut off', encodeSubmissionPayload({ ...EMPTY, keys: [KEY] }).slice(0, -1)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0x7f, 0)],
    ['a varint without end', new Uint8Array(20).fill(0xff)],
    ['groups in groups, 60,000 deep', new Uint8Array(60_000).fill(0x7b)],
    ['field number 0', Uint8Array.of(0x00, 0x00)],
    ['101 keys', repeated(0x0a, 101)],
    ['101 countries', repeated(0x1a, 101)],
    ['2001 check-ins', repeated(0x32, 2001)],
    ['2001 protected reports', repeated(0x42, 2001)],
  ];
  it.for(malformed)('malformed: %s', ([, bytes], { expect }) => {
    expect(decodeSubmissionPayload(bytes)).toEqual({ ok: false, error: { kind: 'malformed' } });
  });

  it('as many as are allowed still read', ({ expect }) => {
    const decoded = decodeSubmissionPayload(concatBytes(repeated(0x0a, 100), repeated(0x32, 2000)));
    expect(decoded.ok && [decoded.value.keys.length, decoded.value.checkIns.length]).toEqual([100, 2000]);
  });

  it('never throws, whatever comes', ({ expect }) => {
    const valid = encodeSubmissionPayload({ ...EMPTY, keys: [KEY, KEY], visitedCountries: ['DE', 'FR'] });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(valid.length - 1), fc.nat(255), (bytes, at, byte) => {
        expect(typeof decodeSubmissionPayload(bytes).ok).toBe('boolean');
        expect(typeof decodeSubmissionPayload(valid.map((old, i) => (i === at ? byte : old))).ok).toBe('boolean');
      }),
      { seed: 20, numRuns: 1000 },
    );
  });
});
