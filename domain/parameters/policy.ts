/**
 * @module What the published parameters say of uploads: one source of truth for the countries that phones are shown and uploads may name
 * (docs/architecture.md §4.2).
 */
import { type PolicyInForce, withHome } from '../keys/regions.ts';
import type { Plan } from './publication.ts';

/**
 * @param history newest first; what is decided counts, also before the bucket holds it
 * @param textOf a document's text, which was valid when it was decided
 * @param homeCountry ISO 3166-1 alpha-2; all there is before the first version
 */
export function policyInForce(
  history: readonly Plan[],
  textOf: (name: string) => string | null,
  homeCountry: string,
): Omit<PolicyInForce, 'ended' | 'authorities'> {
  const countriesOf = (plan: Plan | undefined): string[] => {
    // The last document is the one for everyone; in stages, nobody but a phone knows which it has.
    const text = textOf(plan?.documents.at(-1)?.sha256 ?? '');
    if (text === null) return [homeCountry];
    return withHome(
      (JSON.parse(text) as { readonly supportedCountries: readonly string[] }).supportedCountries,
      homeCountry,
    );
  };
  const [current, former] = history;
  return {
    version: current?.version ?? 0,
    supportedCountries: countriesOf(current),
    formerCountries: countriesOf(former),
  };
}
