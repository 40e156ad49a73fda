import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { canonicalUpload, uploadDigest } from './digest.ts';
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
  regions: fc.constantFrom(['DE'], ['DE', 'NL'], ['AT', 'DE']),
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

  it('changes with every field of every key, with the regions and with consent', ({ expect }) => {
    const one: CheckedUpload = {
      keys: [
        {
          keyData: new Uint8Array(16),
          rollingStartIntervalNumber: 144,
          rollingPeriod: 144,
          transmissionRiskLevel: 1,
          daysSinceOnsetOfSymptoms: 0,
        },
      ],
      regions: ['DE'],
      consentToFederation: false,
    };
    const [key] = one.keys as [CheckedUpload['keys'][number]];
    const changed: CheckedUpload[] = [
      one,
      { ...one, keys: [{ ...key, keyData: new Uint8Array(16).fill(1) }] },
      { ...one, keys: [{ ...key, rollingStartIntervalNumber: 145 }] },
      { ...one, keys: [{ ...key, rollingPeriod: 143 }] },
      { ...one, keys: [{ ...key, transmissionRiskLevel: 2 }] },
      { ...one, keys: [{ ...key, transmissionRiskLevel: null }] },
      { ...one, keys: [{ ...key, daysSinceOnsetOfSymptoms: 1 }] },
      { ...one, keys: [{ ...key, daysSinceOnsetOfSymptoms: null }] },
      { ...one, keys: [key, key] },
      { ...one, regions: ['DE', 'NL'] },
      { ...one, consentToFederation: true },
    ];
    expect(new Set(changed.map((u) => uploadDigest(u, KEY))).size).toBe(changed.length);
    expect(uploadDigest(one, new Uint8Array(32))).not.toBe(uploadDigest(one, KEY));
  });

  it('two uploads share a canonical form only if they are the same set', ({ expect }) => {
    const asSet = (u: CheckedUpload): string =>
      JSON.stringify([
        u.keys.map((k) => JSON.stringify({ ...k, keyData: [...k.keyData] })).toSorted(),
        u.regions,
        u.consentToFederation,
      ]);
    fc.assert(
      fc.property(upload, upload, (a, b) => {
        expect(canonicalUpload(a).join() === canonicalUpload(b).join()).toBe(asSet(a) === asSet(b));
      }),
      { seed: 6 },
    );
  });
});
