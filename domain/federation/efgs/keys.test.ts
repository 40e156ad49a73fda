import { describe, it } from 'vitest';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import { keyFault } from '../../../protocol/efgs/key-rules.ts';
import { fromEfgsKey, toEfgsKey } from './keys.ts';

/** 2020-11-26T12:00:00Z */
const NOON = 1_606_392_000;
const OURS = {
  keyData: new Uint8Array(16).fill(7),
  rollingStartIntervalNumber: (Math.floor(NOON / 86_400) - 1) * 144,
  rollingPeriod: 144,
  transmissionRiskLevel: 6,
  reportType: 2,
  daysSinceOnsetOfSymptoms: 2,
};

describe('a key of ours for the gateway', () => {
  it('says its risk, and of symptoms nothing', ({ expect }) => {
    const key = toEfgsKey(OURS, 'DE', ['FR', 'NL'], false);
    expect(key).toEqual({
      keyData: OURS.keyData,
      rollingStartIntervalNumber: OURS.rollingStartIntervalNumber,
      rollingPeriod: 144,
      transmissionRiskLevel: 6,
      visitedCountries: ['FR', 'NL'],
      origin: 'DE',
      reportType: 1,
      daysSinceOnsetOfSymptoms: 4000,
    });
    expect(keyFault(key, NOON)).toBeNull();
  });

  it('that is taken back says so', ({ expect }) => {
    expect(toEfgsKey(OURS, 'DE', [], true).reportType).toBe(5);
  });
});

describe('a key of another country', () => {
  const foreign = goodEfgsKey(1, 'NL', NOON);
  it.for([
    ['keeps its risk level', { transmissionRiskLevel: 3 }, 3],
    ['without one has that of its onset', { transmissionRiskLevel: 0x7fffffff, daysSinceOnsetOfSymptoms: 0 }, 8],
    ['with 0, which is none, likewise', { transmissionRiskLevel: 0, daysSinceOnsetOfSymptoms: 4000 }, 5],
    ['with neither has the lowest', { transmissionRiskLevel: 0x7fffffff, daysSinceOnsetOfSymptoms: 99_999 }, 1],
  ] as const)('%s', ([, change, level], { expect }) => {
    expect(fromEfgsKey({ ...foreign, ...change })).toEqual({
      keyData: foreign.keyData,
      rollingStartIntervalNumber: foreign.rollingStartIntervalNumber,
      rollingPeriod: 144,
      transmissionRiskLevel: level,
      origin: 'NL',
      reportType: 1,
    });
  });
});
