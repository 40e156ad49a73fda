import { describe, it } from 'vitest';
import { EVERYONE } from '../../protocol/parameters/config-head.ts';
import { policyInForce } from './policy.ts';

const TEXTS: Readonly<Record<string, string>> = {
  staged: JSON.stringify({ supportedCountries: ['IT'] }),
  now: JSON.stringify({ supportedCountries: ['FR', 'DE'] }),
  before: JSON.stringify({ supportedCountries: ['NL'] }),
};
const textOf = (name: string): string | null => TEXTS[name] ?? null;
const plan = (version: number, ...names: string[]) => ({
  version,
  documents: names.map((sha256) => ({ sha256, size: 1, audience: EVERYONE })),
});

describe('the policy in force', () => {
  it('is the home country alone before anything is published', ({ expect }) => {
    expect(policyInForce([], textOf, 'DE')).toEqual({
      version: 0,
      supportedCountries: ['DE'],
      formerCountries: ['DE'],
    });
  });

  it('is that of the document for everyone, with the home country, and of the version before', ({ expect }) => {
    expect(policyInForce([plan(4, 'staged', 'now'), plan(3, 'before')], textOf, 'DE')).toEqual({
      version: 4,
      supportedCountries: ['DE', 'FR'],
      formerCountries: ['DE', 'NL'],
    });
    expect(policyInForce([plan(1, 'now')], textOf, 'DE')).toMatchObject({ formerCountries: ['DE'] });
  });
});
