import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { packUpload, unpackUpload, type PackedUpload } from './packed-upload.ts';
import type { AcceptedUpload } from './rpc.ts';

const KEY = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  rollingStartIntervalNumber: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  rollingPeriod: fc.integer({ min: 1, max: 144 }),
  transmissionRiskLevel: fc.integer({ min: 1, max: 8 }),
  reportType: fc.constantFrom(1, 2, 3, 4, 5),
  daysSinceOnsetOfSymptoms: fc.integer({ min: -14, max: 14 }),
  withdrawalHash: fc.option(fc.uint8Array({ min: 1, minLength: 16, maxLength: 16 })),
});
const about = { regions: ['DE', 'FR'], consentToFederation: true, origin: 'DE', issueId: null };
const uploadOf = (keys: object[]): AcceptedUpload => ({ ...about, keys: keys as AcceptedUpload['keys'] });

describe('a packed upload', () => {
  it('is unpacked as it was, also when a clone came by RPC', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(KEY, { maxLength: 30 }), (keys) => {
        const upload = uploadOf(keys);
        expect(unpackUpload(structuredClone(packUpload(upload)), 30)).toEqual(upload);
      }),
      { seed: 15 },
    );
  });

  it('has a hash of zeros where there is none, or one of another length', ({ expect }) => {
    for (const withdrawalHash of [undefined, null, new Uint8Array(15), new Uint8Array(16)]) {
      const [key] = fc.sample(KEY, { numRuns: 1, seed: 15 });
      const sent = packUpload(uploadOf([{ ...key, withdrawalHash }]));
      expect(sent.keys.subarray(24)).toEqual(new Uint8Array(16));
      expect(unpackUpload(sent)?.keys[0]?.withdrawalHash).toBeNull();
    }
  });

  it.for<[name: string, packed: unknown]>([
    ['no keys at all', { ...about }],
    ['keys that are a list', { ...about, keys: [] }],
    ['keys that are text', { ...about, keys: 'a'.repeat(40) }],
    ['keys that are words of two bytes', { ...about, keys: new Uint16Array(40) }],
    ['a key and a half', { ...about, keys: new Uint8Array(60) }],
    ['three keys where two are allowed', { ...about, keys: new Uint8Array(120) }],
    ['null', null],
    ['nothing', undefined],
    ['a number', 7],
  ])('is nothing with %s', ([, packed], { expect }) => {
    expect(unpackUpload(packed as PackedUpload, 2)).toBeNull();
  });
});
