import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-matching.json' with { type: 'json' };
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { aem, aemk, rpi, rpik, rpis } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from '../radio/sighting.ts';
import { DayIdentifiers } from './day-identifiers.ts';
import { matchKeys } from './match.ts';
import { decodeMetadata, encodeMetadata } from './metadata.ts';
import { IOS_MATCHING } from './options.ts';

const START = 2_653_344;
const TEK = fromHex('b534b9654ba21dcd60a9b3e17d620443');

const key = (change: Partial<TemporaryExposureKey> = {}): TemporaryExposureKey => ({
  keyData: TEK,
  transmissionRiskLevel: 5,
  rollingStartIntervalNumber: START,
  rollingPeriod: 144,
  reportType: REPORT_TYPE.CONFIRMED_TEST,
  daysSinceOnsetOfSymptoms: 0,
  ...change,
});

/** A sighting of the RPI of `START + at`, heard `offset` intervals (600 s) and `seconds` later than that interval's start. */
function heard(at: number, { offset = 0, seconds = 0, txPower = 8, rssi = -50, tek = TEK } = {}): Sighting {
  const identifier = rpi(rpik(tek), START + at);
  const metadata = encodeMetadata({ majorVersion: 1, minorVersion: 1, calibrationConfidence: 3, txPower });
  return {
    rpi: identifier,
    aem: aem(aemk(tek), identifier, metadata),
    timestamp: (START + at + offset) * 600 + seconds,
    rssi,
    previousScan: 0,
  };
}

const found = (...args: Parameters<typeof matchKeys>): number =>
  matchKeys(...args).reduce((sum, match) => sum + match.sightings.length, 0);

describe('metadata (docs/spec/gaen.md §3)', () => {
  for (const example of vectors.metadataByteExamples.cases) {
    it(`reads ${example.hex}`, ({ expect }) => {
      const metadata = decodeMetadata(fromHex(example.hex));
      expect(metadata).toEqual({
        majorVersion: example.major,
        minorVersion: example.minor,
        calibrationConfidence: example.confidence,
        txPower: example.txPower,
      });
      expect(toHex(encodeMetadata(metadata))).toBe(example.hex);
    });
  }
});

describe('two keys of one day, both published as the whole day', () => {
  const second = fromHex('00112233445566778899aabbccddeeff');
  // Cut at 11:10: the first was sent before, the second after; neither was sent in the other's part of the day.
  const published = [key(), key({ keyData: second })];
  it('are both matched, by what each was sent as', ({ expect }) => {
    const sightings = [heard(10), heard(66), heard(67, { tek: second }), heard(143, { tek: second })];
    const matches = matchKeys(published, sightings);
    expect(matches.map(({ key: { keyData }, sightings: met }) => [toHex(keyData), met.length])).toEqual([
      [toHex(TEK), 2],
      [toHex(second), 2],
    ]);
  });

  it('don’t stand in each other’s way where one alone was met', ({ expect }) => {
    expect(found(published, [heard(100, { tek: second })])).toBe(1);
    expect(found(published.toReversed(), [heard(5)])).toBe(1);
  });
});

describe('what a real phone observed (readmeDecodeExamples)', () => {
  const { cases, ...observed } = vectors.readmeDecodeExamples;
  const tek = key({
    keyData: fromHex(observed.tek),
    rollingStartIntervalNumber: observed.rollingStartIntervalNumber,
    rollingPeriod: observed.rollingPeriod,
  });
  for (const example of cases) {
    it(`matches interval ${example.interval} and derives its attenuation`, ({ expect }) => {
      const sighting: Sighting = {
        rpi: fromHex(example.rpi),
        aem: fromHex(example.aem),
        timestamp: example.interval * 600,
        rssi: example.rssi,
        previousScan: 0,
      };
      const [match] = matchKeys([tek], [sighting]);
      expect(match?.sightings).toMatchObject([
        {
          interval: example.interval,
          attenuation: example.attenuation,
          txPower: decodeMetadata(fromHex(example.metadata)).txPower,
        },
      ]);
    });
  }
});

describe('day identifiers', () => {
  it('are those of protocol/gaen/rpi.ts, whatever was asked before', ({ expect }) => {
    const identifiers = new DayIdentifiers();
    const tek = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(tek, fc.integer({ min: 0, max: 2 ** 32 - 145 }), (keyData, start) => {
        expect(toHex(identifiers.of(keyData, start))).toBe(toHex(rpis(keyData, start, 144)));
      }),
      { seed: 6, numRuns: 50 },
    );
  });
});

describe('guards (docs/spec/gaen.md §6.1, §13)', () => {
  const cases = [
    { name: 'sighting 12 intervals early is accepted', sighting: heard(20, { offset: -12 }), matches: 1 },
    { name: 'sighting 13 intervals early is rejected', sighting: heard(20, { offset: -12, seconds: -1 }), matches: 0 },
    { name: 'sighting 12 intervals late is accepted', sighting: heard(20, { offset: 12, seconds: 599 }), matches: 1 },
    { name: 'sighting 13 intervals late is rejected', sighting: heard(20, { offset: 13 }), matches: 0 },
    { name: 'tx power 20 dBm is accepted', sighting: heard(20, { txPower: 20 }), matches: 1 },
    { name: 'tx power 21 dBm is rejected', sighting: heard(20, { txPower: 21 }), matches: 0 },
    { name: 'tx power −50 dBm is accepted', sighting: heard(20, { txPower: -50 }), matches: 1 },
    { name: 'tx power −51 dBm is rejected', sighting: heard(20, { txPower: -51 }), matches: 0 },
    { name: 'AEM of 3 bytes is rejected', sighting: { ...heard(20), aem: new Uint8Array(3) }, matches: 0 },
  ];
  it.for(cases)('$name', ({ sighting, matches }, { expect }) => {
    expect(found([key()], [sighting])).toBe(matches);
  });

  it('a sighting 1200 s after the first of its RPI is accepted, one 1201 s after is a replay', ({ expect }) => {
    const first = heard(20);
    expect(found([key()], [heard(20, { seconds: 1200 }), first])).toBe(2);
    expect(found([key()], [heard(20, { seconds: 1201 }), first])).toBe(1);
  });

  it('the replay guard counts from the first valid sighting', ({ expect }) => {
    const invalid = heard(20, { txPower: 100 });
    expect(found([key()], [invalid, heard(20, { seconds: 700 }), heard(20, { seconds: 1900 })])).toBe(2);
  });

  it('of a period of 60, RPI 59 matches and RPI 60 does not; iOS takes all 144', ({ expect }) => {
    const cut = key({ rollingPeriod: 60 });
    expect(found([cut], [heard(59)])).toBe(1);
    expect(found([cut], [heard(60)])).toBe(0);
    expect(found([cut], [heard(60), heard(143)], IOS_MATCHING)).toBe(2);
  });

  it('attenuation below 0 is 0, which iOS drops', ({ expect }) => {
    const close = heard(20, { txPower: -30, rssi: -20 });
    expect(matchKeys([key()], [close])[0]?.sightings[0]?.attenuation).toBe(0);
    expect(found([key()], [close], IOS_MATCHING)).toBe(0);
    expect(found([key()], [heard(20, { txPower: -55 })], IOS_MATCHING)).toBe(0);
    expect(found([key()], [heard(20, { txPower: -55, rssi: -80 })], IOS_MATCHING)).toBe(1);
  });

  it('sightings of more than 14 days ago are ignored when the time is known', ({ expect }) => {
    const sighting = heard(20);
    const day14 = sighting.timestamp + 14 * 86_400;
    expect(found([key()], [sighting], { now: day14 })).toBe(1);
    expect(found([key()], [sighting], { now: day14 + 1 })).toBe(0);
  });

  it('RECURSIVE and REVOKED keys are skipped; window mode takes REVOKED in', ({ expect }) => {
    expect(found([key({ reportType: REPORT_TYPE.RECURSIVE })], [heard(20)])).toBe(0);
    expect(found([key({ reportType: REPORT_TYPE.REVOKED })], [heard(20)])).toBe(0);
    expect(found([key({ reportType: REPORT_TYPE.REVOKED })], [heard(20)], { includeRevoked: true })).toBe(1);
  });
});

describe('lookup', () => {
  const other = fromHex('00112233445566778899aabbccddeeff');

  it('finds exactly the keys that were met, among many', ({ expect }) => {
    const keys = Array.from({ length: 300 }, (_, n) =>
      key({ keyData: Uint8Array.of(n >> 8, n, ...other.subarray(2)) }),
    );
    const met = [7, 123, 299];
    const sightings = met.flatMap((n) => [heard(n % 144, { tek: keys[n]!.keyData }), heard(n % 144)]);
    expect(matchKeys(keys, sightings).map((match) => keys.indexOf(match.key))).toEqual(met);
  });

  it('tells RPIs apart that share their first four bytes', ({ expect }) => {
    const sighting = heard(20);
    const twin = Uint8Array.from(sighting.rpi, (byte, at) => (at === 4 ? byte ^ 1 : byte));
    expect(found([key()], [{ ...sighting, rpi: twin }])).toBe(0);
    expect(found([key()], [{ ...sighting, rpi: twin }, sighting])).toBe(1);
  });

  it('orders what it found by time, across RPIs, and does without sightings', ({ expect }) => {
    const [match] = matchKeys([key()], [heard(30), heard(10), heard(20)]);
    expect(match?.sightings.map((s) => s.interval - START)).toEqual([10, 20, 30]);
    expect(matchKeys([key()], [])).toEqual([]);
  });
});
