import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { uploadDigest } from './digest.ts';
import type { CheckedUpload } from './uploaded.ts';

const KEY = new Uint8Array(32).fill(9);
const checkedKey = fc.record({
  keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  rollingStartIntervalNumber: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  rollingPeriod: fc.integer({ min: 1, max: 144 }),
  transmissionRiskLevel: fc.option(fc.integer({ min: 1, max: 8 })),
  daysSinceOnsetOfSymptoms: fc.option(fc.integer({ min: -15, max: 4000 })),
});
const upload: fc.Arbitrary<CheckedUpload> = fc.record({
  keys: fc.array(checkedKey, { minLength: 1, maxLength: 15 }),
  visitedCountries: fc.constantFrom(['DE'], ['DE', 'NL'], ['AT', 'DE']),
  consentToFederation: fc.boolean(),
});

describe('digest of an upload', () => {
  it('is 64 hex digits and depends on no order of keys', ({ expect }) => {
    fc.assert(
      fc.property(upload, fc.infiniteStream(fc.nat()), (u, numbers) => {
        const shuffled = u.keys
          .map((key) => ({ key, at: numbers.next().value as number }))
          .toSorted((a, b) => a.at - b.at)
          .map(({ key }) => key);
        const digest = uploadDigest(u, KEY);
        expect(digest).toMatch(/^[0-9a-f]{64}$/);
        expect(uploadDigest({ ...u, keys: shuffled }, KEY)).toBe(digest);
      }),
      { seed: 5 },
    );
  });

  it('is over the key data alone: what a phone computes anew on each attempt changes nothing', ({ expect }) => {
    fc.assert(
      fc.property(upload, upload, (a, b) => {
        const metadata = b.keys[0];
        const again = { ...b, keys: a.keys.map(({ keyData }) => ({ ...metadata!, keyData })) };
        expect(uploadDigest(again, KEY)).toBe(uploadDigest(a, KEY));
      }),
      { seed: 5 },
    );
  });

  it('differs for another set of keys and under another secret', ({ expect }) => {
    const names = (u: CheckedUpload): string =>
      u.keys
        .map(({ keyData }) => keyData.join())
        .toSorted()
        .join(';');
    fc.assert(
      fc.property(upload, upload, (a, b) => {
        expect(uploadDigest(a, KEY) === uploadDigest(b, KEY)).toBe(names(a) === names(b));
        expect(uploadDigest(a, new Uint8Array(32))).not.toBe(uploadDigest(a, KEY));
        expect(uploadDigest({ keys: a.keys.slice(1) }, KEY)).not.toBe(uploadDigest(a, KEY));
      }),
      { seed: 6 },
    );
  });
});
