import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { anyEfgsKey, goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import { fromHex, toHex } from '../primitives/bytes.ts';
import { decodeBatch, encodeBatch } from './batch.ts';
import { decodeDsos, encodeDsos } from './dsos.ts';
import { keyFault } from './key-rules.ts';
import { isLaterTag, readTag, tagOf } from './tags.ts';

/** 2020-11-26T12:00:00Z */
const NOW = 1_606_392_000;
const GOOD = goodEfgsKey(1, 'DE', NOW);

describe('a batch in protobuf (docs/spec/europe.md §3.2)', () => {
  it('has the field numbers of the gateway, and zigzag for the onset alone', ({ expect }) => {
    const bytes = encodeBatch([
      {
        keyData: Uint8Array.of(1, 2),
        rollingStartIntervalNumber: 3,
        rollingPeriod: 4,
        transmissionRiskLevel: 5,
        visitedCountries: ['FR'],
        origin: 'DE',
        reportType: 1,
        daysSinceOnsetOfSymptoms: -2,
      },
    ]);
    expect(toHex(bytes)).toBe(
      ['0a16', '0a020102', '1003', '1804', '2005', '2a024652', '32024445', '3801', '4003'].join(''),
    );
  });

  it('comes back as it was', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(anyEfgsKey, { maxLength: 5 }), (keys) => {
        expect(decodeBatch(encodeBatch(keys))).toEqual({ ok: true, value: keys });
      }),
      { seed: 17 },
    );
  });

  it.for([
    ['bytes that are no message', fromHex('0affff'), 'malformed'],
    ['5,001 keys', encodeBatch(Array.from({ length: 5001 }, () => GOOD)), 'too-many-keys'],
    [
      'a key that went everywhere',
      encodeBatch([{ ...GOOD, visitedCountries: Array.from({ length: 65 }, () => 'FR') }]),
      'too-many-countries',
    ],
  ] as const)('%s: refused', ([, bytes, kind], { expect }) => {
    expect(decodeBatch(bytes)).toEqual({ ok: false, error: { kind } });
  });

  it('no bytes are a batch without keys: all were the reader’s own (docs/spec/europe.md §3.5)', ({ expect }) => {
    expect(decodeBatch(new Uint8Array())).toEqual({ ok: true, value: [] });
  });
});

describe('days since onset of symptoms', () => {
  it.for([
    [-14, { kind: 'onset', offset: -14 }],
    [14, { kind: 'onset', offset: 14 }],
    [86, { kind: 'onset-range', days: 1, offset: -14 }],
    [1914, { kind: 'onset-range', days: 19, offset: 14 }],
    [1986, { kind: 'symptoms', offset: -14 }],
    [2000, { kind: 'symptoms', offset: 0 }],
    [3003, { kind: 'no-symptoms', offset: 3 }],
    // 4000, not 2000 as one country's code had it (docs/spec/europe.md §1.7).
    [4000, { kind: 'unknown', offset: 0 }],
    [4014, { kind: 'unknown', offset: 14 }],
    [15, null],
    [50, null],
    [1915, null],
    [-15, null],
    [4015, null],
    [2_147_483_647, null],
  ] as const)('%s', ([value, meaning], { expect }) => {
    expect(decodeDsos(value)).toEqual(meaning);
  });

  it('what is read is written back', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: -100, max: 5000 }), (value) => {
        const dsos = decodeDsos(value);
        if (dsos !== null) expect(encodeDsos(dsos)).toBe(value);
      }),
      { seed: 18, numRuns: 2000 },
    );
    expect(() => encodeDsos({ kind: 'onset', offset: 15 })).toThrow(RangeError);
    expect(() => encodeDsos({ kind: 'onset-range', days: 20, offset: 0 })).toThrow(RangeError);
    expect(() => encodeDsos({ kind: 'unknown', offset: 0.5 })).toThrow(RangeError);
  });
});

describe('what the gateway demands of a key (docs/spec/europe.md §3.4)', () => {
  const midnight15DaysAgo = (Math.floor(NOW / 86_400) - 15) * 144;
  const interval = Math.floor(NOW / 600);
  it.for([
    ['a good one', {}, null],
    ['15 bytes', { keyData: new Uint8Array(15) }, 'key-data'],
    ['17 bytes', { keyData: new Uint8Array(17) }, 'key-data'],
    ['from midnight 15 days ago', { rollingStartIntervalNumber: midnight15DaysAgo }, null],
    ['an interval older', { rollingStartIntervalNumber: midnight15DaysAgo - 1 }, 'too-old'],
    ['of the next interval', { rollingStartIntervalNumber: interval + 1 }, null],
    ['of the one after', { rollingStartIntervalNumber: interval + 2 }, 'future'],
    ['period 0', { rollingPeriod: 0 }, 'rolling-period'],
    ['period 1', { rollingPeriod: 1 }, null],
    ['period 145', { rollingPeriod: 145 }, 'rolling-period'],
    ['risk level 0', { transmissionRiskLevel: 0 }, null],
    ['risk level 9', { transmissionRiskLevel: 9 }, 'risk-level'],
    ['risk level −1', { transmissionRiskLevel: -1 }, 'risk-level'],
    ['no risk level', { transmissionRiskLevel: 0x7fffffff }, null],
    ['any onset', { daysSinceOnsetOfSymptoms: 123_456 }, null],
  ] as const)('%s', ([, change, fault], { expect }) => {
    expect(keyFault({ ...GOOD, ...change }, NOW)).toBe(fault);
  });
});

describe('tags of batches for download', () => {
  it('are a day and a number', ({ expect }) => {
    expect(readTag('20201126-12')).toEqual({ date: '2020-11-26', number: 12 });
    expect(tagOf('2020-11-26', 12)).toBe('20201126-12');
    for (const none of [
      'null',
      '',
      '20201126',
      '20201326-1',
      '20201126-0',
      '20201126-01',
      '20201126-1 ',
      '2020-11-26-1',
    ]) {
      expect(readTag(none)).toBeNull();
    }
  });

  it('follow each other within a day by number, and across midnight', ({ expect }) => {
    expect(isLaterTag('20201126-9', '20201126-10')).toBe(true);
    expect(isLaterTag('20201126-288', '20201127-1')).toBe(true);
    expect(isLaterTag('20201126-2', '20201126-2')).toBe(false);
    expect(isLaterTag('20201127-1', '20201126-2')).toBe(false);
    expect(isLaterTag('20201127-1', 'null')).toBe(false);
  });
});
