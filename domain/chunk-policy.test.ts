import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  DEFAULT_CHUNK_POLICY,
  decideChunk,
  describeChunkPolicyError,
  parseChunkPolicy,
  splitEvenly,
  uploadsOfSet,
} from './chunk-policy.ts';

describe('configuration', () => {
  it('has the defaults of the design', ({ expect }) => {
    expect(parseChunkPolicy({ HOME_COUNTRY: 'DE', MIN_KEYS: '' })).toEqual({ ok: true, value: DEFAULT_CHUNK_POLICY });
  });

  it('takes every field', ({ expect }) => {
    const vars = {
      MIN_KEYS: '20',
      MIN_UPLOADS: '3',
      MAX_HOLD_HOURS: '2',
      MAX_KEYS_PER_FILE: '1000',
      CWA_MAX_KEYS: '5000',
      RETENTION_DAYS: '10',
      RESERVE_UPLOADS: '2',
    };
    expect(parseChunkPolicy(vars)).toEqual({
      ok: true,
      value: {
        minKeys: 20,
        minUploads: 3,
        maxHoldHours: 2,
        maxKeysPerFile: 1000,
        cwaMaxKeys: 5000,
        reserveUploads: 2,
        retentionDays: 10,
      },
    });
  });

  it('sets nothing aside where fewer uploads may stand together, unless told to', ({ expect }) => {
    const open = { MIN_KEYS: '2', MIN_UPLOADS: '2' };
    expect(parseChunkPolicy(open)).toMatchObject({ value: { reserveUploads: 0 } });
    expect(parseChunkPolicy({ ...open, RESERVE_UPLOADS: '1' })).toMatchObject({ value: { reserveUploads: 1 } });
  });

  it.for([
    { vars: { MIN_KEYS: '-1' }, field: 'MIN_KEYS' },
    { vars: { MIN_KEYS: '1e3' }, field: 'MIN_KEYS' },
    { vars: { MAX_HOLD_HOURS: '2.5' }, field: 'MAX_HOLD_HOURS' },
    { vars: { RETENTION_DAYS: '15' }, field: 'RETENTION_DAYS' },
    { vars: { RETENTION_DAYS: '0' }, field: 'RETENTION_DAYS' },
    { vars: { MAX_KEYS_PER_FILE: '0' }, field: 'MAX_KEYS_PER_FILE' },
    { vars: { MAX_KEYS_PER_FILE: '750001' }, field: 'MAX_KEYS_PER_FILE' },
    { vars: { MAX_KEYS_PER_FILE: '279' }, field: 'MAX_KEYS_PER_FILE' },
    { vars: { MIN_KEYS: '10', MAX_KEYS_PER_FILE: '299' }, field: 'MAX_KEYS_PER_FILE' },
    { vars: { CWA_MAX_KEYS: '139' }, field: 'CWA_MAX_KEYS' },
    { vars: { CWA_MAX_KEYS: '750001' }, field: 'CWA_MAX_KEYS' },
    { vars: { CWA_MAX_KEYS: '0', MIN_KEYS: '0', MIN_UPLOADS: '0' }, field: 'CWA_MAX_KEYS' },
    { vars: { MIN_KEYS: '5' }, field: 'MIN_KEYS' },
    { vars: { RESERVE_UPLOADS: '11' }, field: 'RESERVE_UPLOADS' },
    { vars: { MAX_HOLD_HOURS: '336' }, field: 'MAX_HOLD_HOURS' },
  ])('refuses $vars and names $field', ({ vars, field }, { expect }) => {
    const parsed = parseChunkPolicy(vars);
    expect(parsed).toMatchObject({ ok: false, error: { field } });
    if (!parsed.ok) expect(describeChunkPolicyError(parsed.error)).toMatch(new RegExp(`^${field}=\\S+ must`));
  });
});

describe('the decision', () => {
  const home = { region: 'DE', keys: 140, uploads: 10 };
  const union = { region: 'EUR', keys: 140, uploads: 10 };
  it.for([
    { name: 'no key', oldest: null, regions: [], decision: 'empty' },
    { name: 'both minima in each region', oldest: 100, regions: [home, union], decision: 'publish' },
    {
      name: 'a region without keys asks for nothing',
      oldest: 100,
      regions: [{ ...home, keys: 0, uploads: 0 }, union],
      decision: 'publish',
    },
    { name: 'a key too few', oldest: 100, regions: [{ ...home, keys: 139 }, union], decision: 'hold' },
    { name: 'an upload too few', oldest: 100, regions: [home, { ...union, uploads: 9 }], decision: 'hold' },
    { name: 'one region too few holds all', oldest: 95, regions: [{ ...home, keys: 1 }, union], decision: 'hold' },
    { name: 'the hold is over', oldest: 94, regions: [{ ...home, keys: 139 }, union], decision: 'pad' },
  ])('$name: $decision', ({ oldest, regions, decision }, { expect }) => {
    expect(decideChunk(DEFAULT_CHUNK_POLICY, 100, oldest, regions)).toBe(decision);
  });
});

describe('uploads of a set', () => {
  it('counts nobody twice where hours merge', ({ expect }) => {
    // Ten uploads whose old keys were released in hour one and whose last key is released in hour two: still ten.
    expect(
      uploadsOfSet([
        { first: 10, any: 10 },
        { first: 0, any: 10 },
      ]),
    ).toBe(10);
    // Only the last keys of twelve earlier uploads.
    expect(uploadsOfSet([{ first: 0, any: 12 }])).toBe(12);
    expect(uploadsOfSet([])).toBe(0);
  });

  it('is never more than there are', ({ expect }) => {
    const upload = fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1 });
    fc.assert(
      fc.property(
        fc.array(upload, { maxLength: 40 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        (uploads, a, b) => {
          const [from, to] = [Math.min(a, b), Math.max(a, b)];
          const hours = [0, 1, 2, 3, 4, 5].map((hour) => ({
            hour,
            first: uploads.filter((hoursOf) => Math.min(...hoursOf) === hour).length,
            any: uploads.filter((hoursOf) => hoursOf.includes(hour)).length,
          }));
          const real = uploads.filter((hoursOf) => hoursOf.some((hour) => hour >= from && hour <= to)).length;
          expect(uploadsOfSet(hours.filter(({ hour }) => hour >= from && hour <= to))).toBeLessThanOrEqual(real);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('files', () => {
  it('are split evenly, at most the maximum each, nothing lost', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2_000_000 }), fc.integer({ min: 1, max: 200_000 }), (keys, max) => {
        if (keys / max > 2000) return;
        const sizes = splitEvenly(keys, max);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(keys);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(max);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
