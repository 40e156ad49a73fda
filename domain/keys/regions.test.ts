import { describe, it } from 'vitest';
import { NO_AUTHORITIES } from '../../protocol/publish/authorities.ts';
import { areRegionsOf, isOlderPolicy, regionsOf } from './regions.ts';

const supported = async () => ['AT', 'DE', 'FR', 'NL'];

describe('regions of an upload', () => {
  it('are the home country for whoever names no other, and nobody is asked', async ({ expect }) => {
    const asked = () => Promise.reject(new Error('asked'));
    for (const home of [[], ['DE'], ['DE', 'DE']]) expect(await regionsOf(home, 'DE', asked)).toEqual(['DE']);
  });

  it('say that somebody was abroad, not where: another country stands for all that are supported', async ({
    expect,
  }) => {
    for (const abroad of [['FR'], ['AT', 'DE'], ['NL', 'NL'], ['DE', 'AT', 'FR', 'NL']]) {
      expect(await regionsOf(abroad, 'DE', supported)).toEqual(['AT', 'DE', 'FR', 'NL']);
    }
  });

  it('leave a country out that nobody knows, and keep the others', async ({ expect }) => {
    for (const unknown of [['XX'], ['de'], ['DE', ''], ['FRA']]) {
      expect(await regionsOf(unknown, 'DE', supported)).toEqual(['DE']);
      expect(await regionsOf([...unknown, 'FR'], 'DE', supported)).toEqual(['AT', 'DE', 'FR', 'NL']);
    }
  });

  it('cannot be told when the countries cannot', async ({ expect }) => {
    const away = () => Promise.reject(new Error('origin is away'));
    await expect(regionsOf(['FR'], 'DE', away)).rejects.toThrow('away');
  });
});

describe('what origin takes for regions', () => {
  const policy = {
    version: 7,
    supportedCountries: ['DE', 'FR'],
    formerCountries: ['DE', 'NL'],
    ended: false,
    authorities: NO_AUTHORITIES,
  };

  it('is the home country, or what the policy leads to, or the one before', ({ expect }) => {
    for (const regions of [['DE'], ['DE', 'FR'], ['DE', 'NL']]) {
      expect(areRegionsOf(regions, 'DE', policy)).toBe(true);
    }
    for (const regions of [[], ['FR'], ['FR', 'DE'], ['DE', 'XX'], ['DE', 'FR', 'NL'], ['DE', 'DE']]) {
      expect(areRegionsOf(regions, 'DE', policy)).toBe(false);
    }
  });
});

it('of two answers the one with the lower version of parameters or authorities was given before', ({ expect }) => {
  const policy = (version: number, of: number) => ({
    version,
    supportedCountries: [],
    ended: false,
    authorities: { version: of, authorities: [] },
  });
  expect(isOlderPolicy(policy(1, 4), policy(1, 4))).toBe(false);
  expect([isOlderPolicy(policy(1, 4), policy(2, 4)), isOlderPolicy(policy(2, 4), policy(1, 4))]).toEqual([true, false]);
  expect([isOlderPolicy(policy(1, 3), policy(1, 4)), isOlderPolicy(policy(1, 4), policy(1, 3))]).toEqual([true, false]);
});
