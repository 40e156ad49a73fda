/** @module Who gets which keys. */
import { describe, it } from 'vitest';
import { countedAs, feedsOf, isCountedPart, isRegionList, parseFeeds, partList, partOf } from './feeds.ts';

const FEEDS = ['a2a', 'NL', 'IT'];
const home = { regions: ['DE'], consentToFederation: true, origin: 'DE' };
const traveller = { ...home, regions: ['DE', 'FR', 'NL'] };

describe('feeds', () => {
  it('have local keys of people who consented: a region’s those that name it', ({ expect }) => {
    expect(feedsOf(home, FEEDS, 'DE')).toEqual(['a2a']);
    expect(feedsOf(traveller, FEEDS, 'DE')).toEqual(['a2a', 'NL']);
    expect(feedsOf(traveller, ['IT'], 'DE')).toEqual([]);
    expect(feedsOf({ ...traveller, consentToFederation: false }, FEEDS, 'DE')).toEqual([]);
    expect(feedsOf({ ...traveller, origin: 'FR' }, FEEDS, 'DE')).toEqual([]);
  });

  it('tell parts of a set apart, and by nothing else: who refused and who goes nowhere are one', ({ expect }) => {
    const parts = (feeds: string[]) =>
      [home, traveller, { ...traveller, consentToFederation: false }, { ...home, origin: 'NL' }].map((about) => {
        const counted = countedAs(about, 'DE');
        expect(isCountedPart(counted)).toBe(true);
        return partOf(counted, feeds);
      });
    expect(parts(FEEDS)).toEqual(['a2a', 'a2a+NL', '', null]);
    expect(parts(['IT'])).toEqual(['', '', '', null]);
    expect(['DE', 'EUR'].some(isCountedPart)).toBe(false);
  });

  it('make a list of each part, told from those of regions; none without feeds, or of peers’ keys', ({ expect }) => {
    const lists = ['to:DE', 'to:DE+FR+NL', 'stays', 'remote'].map((counted) => partList(counted, FEEDS));
    expect(lists).toEqual(['part a2a', 'part a2a+NL', 'part ', null]);
    expect([...lists.slice(0, 3), 'DE', 'EUR'].map((list) => isRegionList(list!))).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(partList('to:DE', [])).toBeNull();
  });

  it('are listed in a setting, which is refused where it makes no sense', ({ expect }) => {
    expect(parseFeeds('', 'DE')).toEqual([]);
    expect(parseFeeds(' a2a, NL,NL ', 'DE')).toEqual(['a2a', 'NL']);
    for (const text of ['DE', 'nl', 'EUR', 'a2a;NL']) expect(() => parseFeeds(text, 'DE')).toThrow('PEER_FEEDS');
  });
});
