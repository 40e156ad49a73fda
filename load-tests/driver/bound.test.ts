import { describe, it } from 'vitest';
import { countReads } from '../../scripts/support/edge-tier/tier.ts';
import { allowedReads, holdBound, offloadRatio } from './bound.ts';

const HEAD = '/v1/DE/manifest.json';
const CHUNK = '/v1/DE/chunks/x.zip';
const LOG = ['200 MISS', '304 REVALIDATED', '304 REVALIDATED'].map((line) => `${line} GET ${HEAD}`);

describe('origin reads', () => {
  it("are counted from nginx's lines, whatever the status", ({ expect }) => {
    const reads = countReads(
      [...LOG, `200, 200 MISS GET ${CHUNK}`, '404 MISS GET /nothing', 'not a line', ''].join('\n'),
    );
    expect(reads.total).toBe(5);
    expect(reads.byPath.get(`GET ${HEAD}`)).toBe(3);
    expect(Object.fromEntries(reads.byStatus)).toEqual({ '200': 1, '304': 2, '200, 200': 1, '404': 1 });
  });

  it.for([
    { name: 'a head in less than its TTL', path: HEAD, seconds: 59, allowed: 1 },
    { name: 'a head over two TTLs', path: HEAD, seconds: 125, allowed: 3 },
    { name: "CWA's list", path: '/version/v1/diagnosis-keys/country/DE/date', seconds: 299, allowed: 1 },
    { name: 'a configuration', path: '/version/v2/app_config_ios', seconds: 299, allowed: 1 },
    { name: 'a file, however long', path: CHUNK, seconds: 86_400, allowed: 1 },
    {
      name: 'an hour of CWA',
      path: '/version/v1/diagnosis-keys/country/DE/date/2026-11-25/hour/3',
      seconds: 900,
      allowed: 1,
    },
  ])('$name: $allowed', ({ path, seconds, allowed }, { expect }) => {
    expect(allowedReads(path, seconds)).toBe(allowed);
  });

  it('by an edge may be two at the end of a TTL', ({ expect }) => {
    expect(allowedReads(HEAD, 125, 2)).toBe(5);
    expect(allowedReads(CHUNK, 125, 2)).toBe(1);
  });

  it('past the bound are named', ({ expect }) => {
    const reads = countReads(LOG.join('\n'));
    expect(holdBound(reads, { caches: 1, seconds: 130 }).broken).toEqual([]);
    expect(holdBound(reads, { caches: 1, seconds: 30 }).broken).toEqual([`GET ${HEAD}: 3 reads, 1 allowed`]);
    expect(holdBound(reads, { caches: 3, seconds: 30 }).broken).toEqual([]);
  });

  it('of what is no object are left out', ({ expect }) => {
    const reads = countReads('404 MISS GET /nothing\n404 MISS GET /nothing');
    expect(holdBound(reads, { caches: 1, seconds: 1 })).toEqual({
      reads: 0,
      allowed: 0,
      objects: 0,
      broken: [],
    });
  });

  it('are a share of what phones asked', ({ expect }) => {
    expect(offloadRatio(1_000, 1)).toBeCloseTo(0.999, 9);
    expect(offloadRatio(0, 0)).toBe(1);
  });
});
