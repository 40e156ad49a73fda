/** @module Whoever subtracts a feed from a public chunk is left with as much as a chunk holds, and decoys in it as elsewhere. */
import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { countedAs, partOf } from '../../domain/publication/feeds.ts';
import { ROW_BYTES, rowProvenance } from '../../domain/publication/packed-keys.ts';
import { usualOrLong } from '../../test/support/longer.ts';
import { MIDNIGHT, Rig, keysOf } from '../publisher/test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const FEEDS = ['a2a', 'NL'];
const { minKeys, minUploads, maxHoldHours } = DEFAULT_CHUNK_POLICY;
let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = { ...DEFAULT_CHUNK_POLICY, reserveUploads: 0 };
  rig.feeds = FEEDS;
});

/** People who share `keys` keys each. */
async function people(from: number, count: number, keys: number, change: { abroad?: boolean; refuses?: boolean } = {}) {
  const regions = change.abroad === true ? ['DE', 'FR', 'NL'] : ['DE'];
  for (let n = from; n < from + count; n++) {
    await rig.accept(`u${n}`, keysOf(n, keys), regions, { consentToFederation: change.refuses !== true });
  }
}

interface Part {
  keys: number;
  decoys: number;
}

/** Seals hours until a set is published. @returns after how many hours, for which feeds, and its parts */
async function sealed(): Promise<{ held: number; feeds: readonly string[]; parts: Record<string, Part> }> {
  for (let held = 0; ; held++) {
    rig.now = (HOUR + held + 1) * 3600;
    await rig.tuneBuffer();
    const set = await rig.buffer.freeze({ hour: HOUR + held, after: held });
    if (set.decision !== 'publish') continue;
    const page = await rig.buffer.page(set.setNo, null, 10_000);
    const parts: Record<string, Part> = {};
    for (let row = 0; row < page.rows.length; row += ROW_BYTES) {
      const about = page.provenances[rowProvenance(page.rows, row)]!;
      const part = (parts[partOf(countedAs(about, 'DE'), FEEDS) ?? 'remote'] ??= { keys: 0, decoys: 0 });
      part.keys += 1;
      if (about.synthetic) part.decoys += 1;
    }
    return { held, feeds: page.feeds, parts };
  }
}

describe('a busy hour', () => {
  it('isn’t held for what stays: the part gets decoys of its own at once, and others none', async ({ expect }) => {
    await people(0, 12, 13);
    await people(20, 1, 13, { refuses: true });
    const { held, feeds, parts } = await sealed();
    expect([held, feeds]).toEqual([0, FEEDS]);
    expect(parts['a2a']).toEqual({ keys: 156, decoys: 0 });
    expect(parts['']!.keys).toBeGreaterThanOrEqual(minKeys);
    expect(parts['']!.keys - parts['']!.decoys).toBe(13);
    expect(Object.keys(parts).toSorted()).toEqual(['', 'a2a']);
  });

  it('whose parts hold the minima gets nothing', async ({ expect }) => {
    await people(0, 12, 13);
    await people(20, 12, 13, { refuses: true });
    await people(40, 12, 13, { abroad: true });
    const { parts } = await sealed();
    expect(parts).toEqual(Object.fromEntries(['', 'a2a', 'a2a+NL'].map((part) => [part, { keys: 156, decoys: 0 }])));
  });

  it('has no part that nobody is in', async ({ expect }) => {
    await people(0, 12, 13, { refuses: true });
    expect((await sealed()).parts).toEqual({ '': { keys: 156, decoys: 0 } });
  });

  it('without feeds gets no decoy more than it did', async ({ expect }) => {
    rig.feeds = [];
    await people(0, 12, 13);
    await people(20, 1, 13, { refuses: true });
    const { feeds, parts } = await sealed();
    expect([feeds, parts['']]).toEqual([[], { keys: 13, decoys: 0 }]);
  });

  it('with rows that came before they were counted by part goes into no feed', async ({ expect }) => {
    await people(0, 12, 13);
    await rig.inBuffer((sql) => sql.exec(`DELETE FROM release_counter WHERE region LIKE 'to:%'`));
    const { feeds, parts } = await sealed();
    expect([feeds, parts['a2a']]).toEqual([[], { keys: 156, decoys: 0 }]);
  });

  it('sets as many synthetic uploads aside in each part', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, reserveUploads: 5 };
    await people(0, 12, 13);
    await people(20, 12, 13, { refuses: true });
    const { parts } = await sealed();
    for (const part of ['', 'a2a']) expect(parts[part]!.decoys).toBeGreaterThanOrEqual(5);
  });
});

describe('a padded hour', () => {
  it('has the minima in each part, of keys and of uploads', async ({ expect }) => {
    await people(0, 2, 6);
    await people(20, 1, 6, { refuses: true });
    await people(30, 1, 6, { abroad: true });
    const { held, parts } = await sealed();
    expect(held).toBe(maxHoldHours);
    for (const part of ['', 'a2a', 'a2a+NL']) expect(parts[part]!.keys).toBeGreaterThanOrEqual(minKeys);
    const uploads = await rig.inBuffer((sql) =>
      sql
        .exec<{ n: number }>(
          `SELECT sum(first_uploads) AS n FROM release_counter WHERE region IN ('to:DE', 'to:DE+FR+NL', 'stays')
           AND release_hour <= ? GROUP BY region`,
          HOUR + maxHoldHours,
        )
        .toArray(),
    );
    expect(uploads).toHaveLength(3);
    for (const { n } of uploads) expect(n).toBeGreaterThanOrEqual(minUploads);
  });

  it.for([
    ['three of five travel', 3, 2],
    ['one of five stays', 4, 1],
  ] as const)('has decoys in the same share wherever its keys go: %s', async ([, travel, stay], { expect }) => {
    const shares = { a2a: 0, '': 0 };
    const SETS = usualOrLong({ usual: 3, long: 24 });
    for (let n = 0; n < SETS; n++) {
      rig = await Rig.create();
      rig.policy = { ...DEFAULT_CHUNK_POLICY, reserveUploads: 0 };
      rig.feeds = FEEDS;
      await people(100 * n, travel, 12);
      await people(100 * n + 50, stay, 12, { refuses: true });
      const { parts } = await sealed();
      for (const part of ['a2a', ''] as const) shares[part] += parts[part]!.decoys / parts[part]!.keys / SETS;
    }
    // A part is filled by whole uploads, so that the last one may be too much by up to 15 keys of at least 140.
    expect(Math.abs(shares.a2a - shares[''])).toBeLessThan(0.02);
  });

  it('doesn’t follow a lone key to thousands of decoys', async ({ expect }) => {
    await people(0, 8, 14);
    await people(20, 1, 1, { refuses: true });
    const { parts } = await sealed();
    expect(parts['']!.keys).toBeGreaterThanOrEqual(minKeys);
    expect(parts['a2a']!.decoys).toBeLessThanOrEqual(4 * minKeys + 15);
  });
});
