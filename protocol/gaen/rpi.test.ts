import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-crypto.json' with { type: 'json' };
import matching from '../../test/vectors/gaen-matching.json' with { type: 'json' };
import { fromHex, toHex } from '../primitives/bytes.ts';
import { aem, aemk, rpi, rpik, rpis } from './rpi.ts';

const { crypto } = vectors;
const tek = fromHex(crypto.tek);

describe('Exposure Notification Cryptography Specification v1.2', () => {
  it('RPIK and AEMK', ({ expect }) => {
    expect(toHex(rpik(tek))).toBe(crypto.rpik);
    expect(toHex(aemk(tek))).toBe(crypto.aemk);
  });

  it('all 144 RPIs, one by one and as a day', ({ expect }) => {
    const day = rpis(tek, crypto.rollingStartIntervalNumber, 144);
    expect(crypto.intervals).toHaveLength(144);
    for (const { i, enIntervalNumber, rpi: expected } of crypto.intervals) {
      expect(toHex(rpi(rpik(tek), enIntervalNumber))).toBe(expected);
      expect(toHex(day.subarray(16 * i, 16 * i + 16))).toBe(expected);
    }
    expect(day).toHaveLength(2304);
  });

  it('all 144 AEMs, and back', ({ expect }) => {
    const key = aemk(tek);
    const metadata = fromHex(crypto.metadataPlain);
    for (const { rpi: identifier, aem: expected } of crypto.intervals) {
      expect(toHex(aem(key, fromHex(identifier), metadata))).toBe(expected);
      expect(toHex(aem(key, fromHex(identifier), fromHex(expected)))).toBe(crypto.metadataPlain);
    }
  });

  it('what a real phone sent (diagnosis-keys README)', ({ expect }) => {
    const phone = fromHex(matching.readmeDecodeExamples.tek);
    for (const example of matching.readmeDecodeExamples.cases) {
      expect(toHex(rpi(rpik(phone), example.interval))).toBe(example.rpi);
      expect(toHex(aem(aemk(phone), fromHex(example.rpi), fromHex(example.aem)))).toBe(example.metadata);
    }
  });

  it('a short period is the beginning of the day', ({ expect }) => {
    const day = rpis(tek, crypto.rollingStartIntervalNumber, 144);
    expect(rpis(tek, crypto.rollingStartIntervalNumber, 60)).toEqual(day.slice(0, 960));
  });

  it.for([0, 145, 1.5])('period %d is refused', (period, { expect }) => {
    expect(() => rpis(tek, 0, period)).toThrow(RangeError);
  });

  it('other lengths are refused', ({ expect }) => {
    const short = new Uint8Array(15);
    expect(() => rpik(short)).toThrow('tek: expected 16 bytes, got 15');
    expect(() => rpi(short, 0)).toThrow(RangeError);
    expect(() => aem(tek, short, new Uint8Array(4))).toThrow(RangeError);
    expect(() => aem(tek, tek, new Uint8Array(5))).toThrow(RangeError);
  });
});
