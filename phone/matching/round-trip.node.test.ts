import { readFileSync } from 'node:fs';
import { it } from 'vitest';
import vectors from '../../test/vectors/gaen-matching.json' with { type: 'json' };
import { fromHex, toHex } from '../../protocol/primitives/bytes.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { matchKeys } from './match.ts';

/** The 16-byte header `EK Export v1` (docs/spec/gaen.md §4). */
const HEADER_BYTES = 16;

it('of a real file of 110 keys, exactly the one that was met matches (matchRoundTrip)', ({ expect }) => {
  const { tek, interval, rpiDerived, totalKeysInFile, expectedMatchedKeys, fileEntry } = vectors.matchRoundTrip;
  const bin = readFileSync(new URL('../../test/vectors/internals-app-export.bin', import.meta.url));
  const file = gaen.TemporaryExposureKeyExport.decode(bin.subarray(HEADER_BYTES));
  const keys = file.keys.map((raw): TemporaryExposureKey => ({
    keyData: Uint8Array.from(raw.keyData ?? []),
    transmissionRiskLevel: raw.transmissionRiskLevel ?? 0,
    rollingStartIntervalNumber: raw.rollingStartIntervalNumber ?? 0,
    rollingPeriod: raw.rollingPeriod ?? 144,
    reportType: 1,
    daysSinceOnsetOfSymptoms: 0,
  }));
  expect(keys).toHaveLength(totalKeysInFile);
  const sighting = {
    rpi: fromHex(rpiDerived),
    aem: new Uint8Array(4),
    timestamp: interval * 600,
    rssi: -50,
    previousScan: 0,
  };
  // The vector has no metadata, so the transmit power is whatever four zero bytes decrypt to.
  const matches = matchKeys(keys, [sighting], { minTxPower: -128, maxTxPower: 127 });
  expect(matches).toHaveLength(expectedMatchedKeys);
  expect(matches[0]?.key).toMatchObject(fileEntry);
  expect(toHex(matches[0]!.key.keyData)).toBe(tek);
});
