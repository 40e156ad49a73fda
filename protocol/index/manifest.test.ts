import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { chunkPath } from './chunk-paths.ts';
import {
  type ChunkEntry,
  countBucket,
  type DayPage,
  describeManifestError,
  headPath,
  MANIFEST_VALIDITY_SECONDS,
  type ManifestHead,
  pagePath,
  parseDayPage,
  parseManifestHead,
  parseRevocationPage,
  type RevocationPage,
  revocationPagePath,
} from './manifest.ts';

const name = (n: number): string => toBase64Url(sha256(utf8(`chunk ${n}`)));
const chunk = (n: number, change: Partial<ChunkEntry> = {}): ChunkEntry => ({
  file: 1,
  of: 1,
  size: 2000 + n,
  keys: countBucket(140 + n),
  sha256: name(n),
  ...change,
});
const HOUR = 490_000;
const HEAD: ManifestHead = {
  region: 'DE',
  sequence: 9,
  previous: name(0),
  issuedAt: (HOUR + 3) * 3600,
  validUntil: (HOUR + 3) * 3600 + MANIFEST_VALIDITY_SECONDS,
  hours: [
    chunk(1, { hour: HOUR }),
    chunk(2, { hour: HOUR + 1, file: 1, of: 2 }),
    chunk(3, { hour: HOUR + 1, file: 2, of: 2 }),
    chunk(4, { hour: HOUR + 2, keys: '0', empty: true }),
  ],
  pages: [
    { sha256: name(5), from: '2025-11-10', to: '2025-11-20' },
    { sha256: name(6), from: '2025-11-21', to: '2025-11-21' },
  ],
  revocations: name(7),
};
const PAGE: DayPage = {
  region: 'EUR',
  days: [
    {
      date: '2025-11-20',
      cut: '2025-11-22',
      revised: HOUR,
      chunks: [chunk(1, { of: 2 }), chunk(2, { file: 2, of: 2 })],
    },
    { date: '2025-11-21', cut: '2025-11-21', chunks: [chunk(3, { hour: HOUR }), chunk(4, { hour: HOUR + 1 })] },
  ],
};
/** HOUR is 2025-11-24 16:00 UTC. */
const REVOCATIONS: RevocationPage = {
  region: 'EUR',
  revocations: [
    { hour: HOUR, days: ['2025-11-20', '2025-11-24'], chunks: [chunk(1, { of: 2 }), chunk(2, { file: 2, of: 2 })] },
    { hour: HOUR + 1, days: ['2025-11-20'], chunks: [chunk(3)] },
  ],
};

function head(change: Record<string, unknown>): string {
  const parsed = parseManifestHead({ ...HEAD, ...change });
  return parsed.ok ? 'ok' : describeManifestError(parsed.error);
}

const day = (change: Record<string, unknown>): string => {
  const parsed = parseDayPage({ ...PAGE, days: [{ ...PAGE.days[0], ...change }] });
  return parsed.ok ? 'ok' : describeManifestError(parsed.error);
};

const revocation = (change: Record<string, unknown>): string => {
  const [first, second] = REVOCATIONS.revocations;
  const parsed = parseRevocationPage({ ...REVOCATIONS, revocations: [{ ...first, ...change }, second] });
  return parsed.ok ? 'ok' : describeManifestError(parsed.error);
};

describe('manifest', () => {
  it('a head and a page come back, without what they do not know', ({ expect }) => {
    const text = JSON.stringify({ ...HEAD, later: 1 });
    expect(parseManifestHead(JSON.parse(text))).toEqual({ ok: true, value: HEAD });
    expect(parseDayPage(JSON.parse(JSON.stringify({ ...PAGE, later: 1 })))).toEqual({ ok: true, value: PAGE });
    const revocations = JSON.stringify({ ...REVOCATIONS, later: 1 });
    expect(parseRevocationPage(JSON.parse(revocations))).toEqual({ ok: true, value: REVOCATIONS });
    expect(head({ previous: null, hours: [], pages: [] })).toBe('ok');
  });

  const [first, second, third, fourth] = HEAD.hours;
  it.for([
    ['region', { region: 'de' }, /region/],
    ['path in the region', { region: '../x' }, /region/],
    ['sequence 0', { sequence: 0 }, /sequence/],
    ['fractional sequence', { sequence: 1.5 }, /sequence/],
    ['previous absent', { previous: undefined }, /previous/],
    ['a hash with a path in it', { previous: `../${name(0).slice(3)}` }, /previous/],
    ['a hash that is no 32 bytes', { previous: name(0).slice(1) }, /previous/],
    ['unused bits in a hash', { previous: `${name(0).slice(0, 42)}B` }, /previous/],
    ['validity that ended before', { validUntil: HEAD.issuedAt }, /validUntil/],
    ['an hour not sealed yet', { issuedAt: HEAD.issuedAt - 1 }, /sealed/],
    ['hours out of order', { hours: [second, third, first] }, /ascending/],
    ['an hour twice', { hours: [first, first] }, /ascending/],
    ['a file missing at the end', { hours: [first, second] }, /ascending/],
    ['a file missing at the start', { hours: [first, third] }, /ascending/],
    ['other totals', { hours: [second, { ...third, of: 3 }] }, /ascending/],
    ['a day among hours', { hours: [{ ...fourth, hour: undefined }] }, /hours/],
    ['file above of', { hours: [{ ...first, file: 2 }] }, /file must be at most of/],
    ['empty false', { hours: [{ ...first, empty: false }] }, /hours\.0\.empty/],
    ['an exact count', { hours: [{ ...first, keys: '140' }] }, /hours\.0\.keys/],
    ['pages out of order', { pages: HEAD.pages.toReversed() }, /pages.*ascending/],
    ['pages that overlap', { pages: [HEAD.pages[0], { ...HEAD.pages[1], from: '2025-11-20' }] }, /pages.*ascending/],
    ['a page that ends before it begins', { pages: [{ ...HEAD.pages[0], to: '2025-11-09' }] }, /pages/],
    ['a page of revocations without a name', { revocations: '' }, /revocations/],
    ['a page of revocations that is undefined', { revocations: undefined }, /revocations/],
    ['a day that does not exist', { pages: [{ ...HEAD.pages[0], to: '2025-11-31' }] }, /pages\.0\.to/],
  ] as const)('refused: %s', ([, change, message], { expect }) => {
    expect(head(change)).toMatch(message);
  });

  it('a day must be whole, not empty, and cut no earlier than it was', ({ expect }) => {
    expect(day({})).toBe('ok');
    expect(day({ chunks: [] })).toMatch(/chunks/);
    expect(day({ chunks: [chunk(1, { of: 2 })] })).toMatch(/ascending/);
    expect(day({ chunks: [chunk(1), chunk(2, { hour: HOUR })] })).toMatch(/ascending/);
    expect(day({ chunks: [chunk(2, { hour: HOUR }), chunk(1)] })).toMatch(/ascending/);
    expect(day({ cut: '2025-11-19' })).toMatch(/cut/);
    expect(day({ cut: 3 })).toMatch(/cut/);
  });

  it('a day is revised by an hour of its own or a later one', ({ expect }) => {
    const midnight = Date.UTC(2025, 10, 20) / 3_600_000;
    expect(day({ revised: midnight })).toBe('ok');
    expect(day({ revised: midnight - 1 })).toMatch(/revised must not be before date/);
    expect(day({ revised: 1.5 })).toMatch(/revised/);
    expect(day({ revised: null })).toMatch(/revised/);
  });

  it.for([
    ['another hour twice', { hour: HOUR + 1 }, /ascending/],
    ['no hour', { hour: undefined }, /hour/],
    ['no days', { days: [] }, /days/],
    ['days out of order', { days: ['2025-11-24', '2025-11-20'] }, /days.*ascending/],
    ['a day twice', { days: ['2025-11-20', '2025-11-20'] }, /days.*ascending/],
    ['a day that is yet to come', { days: ['2025-11-25'] }, /days must not be after hour/],
    ['no files', { chunks: [] }, /chunks/],
    ['a file missing', { chunks: [chunk(1, { of: 2 })] }, /ascending/],
    ['chunks of an hour', { chunks: [chunk(1, { hour: HOUR })] }, /neither chunks of hours nor empty/],
    ['an empty file', { chunks: [chunk(1, { empty: true })] }, /neither chunks of hours nor empty/],
  ] as const)('a revocation is refused: %s', ([, change, message], { expect }) => {
    expect(revocation({})).toBe('ok');
    expect(revocation(change)).toMatch(message);
  });

  it('a page of revocations lists some', ({ expect }) => {
    expect(parseRevocationPage({ ...REVOCATIONS, revocations: [] }).ok).toBe(false);
  });

  it('no JSON makes the parsers throw', ({ expect }) => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseManifestHead(value).ok).toBe(false);
        expect(parseDayPage(value).ok).toBe(false);
        expect(parseRevocationPage(value).ok).toBe(false);
        parseRevocationPage({ ...REVOCATIONS, revocations: value });
        parseManifestHead({ ...HEAD, hours: value });
        parseDayPage({ ...PAGE, days: value });
      }),
      { seed: 16 },
    );
  });

  it('paths', ({ expect }) => {
    expect(headPath('DE')).toBe('v1/DE/manifest.json');
    expect(pagePath('EUR', name(1))).toBe(`v1/EUR/days/${name(1)}.json`);
    expect(revocationPagePath('EUR', name(1))).toBe(`v1/EUR/revocations/${name(1)}.json`);
    expect(chunkPath('DE', name(1))).toBe(`v1/DE/chunks/${name(1)}.zip`);
  });

  it('count buckets are of the series 1-2-5 and hold their count', ({ expect }) => {
    const table: readonly [number, string][] = [
      [0, '0'],
      [1, '1-99'],
      [99, '1-99'],
      [100, '100-199'],
      [199, '100-199'],
      [200, '200-499'],
      [499, '200-499'],
      [500, '500-999'],
      [1000, '1000-1999'],
      [28_000, '20000-49999'],
      [100_000, '100000-199999'],
    ];
    for (const [count, bucket] of table) expect(countBucket(count)).toBe(bucket);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (count) => {
        const [low = 0, high = 0] = countBucket(count).split('-').map(Number);
        expect(low <= count && count <= high).toBe(true);
        expect(countBucket(low)).toBe(countBucket(high));
      }),
      { seed: 17 },
    );
    expect(() => countBucket(-1)).toThrow(RangeError);
    expect(() => countBucket(1.5)).toThrow(RangeError);
  });
});
