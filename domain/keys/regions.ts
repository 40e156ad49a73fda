/**
 * @module Where the keys of an upload are published: in the home country, and for somebody who was abroad in every country that the published
 * parameters support (decision 021). A country that they don't name is left out, and the upload is kept: its keys are published at home and in the
 * union all the same.
 */
import type { Authorities } from '../../protocol/publish/authorities.ts';

/** The published parameters, as far as they judge uploads: `origin` tells it to `upload` (docs/architecture.md §4.2). */
export interface PublishedPolicy {
  /** Of the parameter document; 0 before the first. Only grows. */
  readonly version: number;
  /** ISO 3166-1 alpha-2, sorted, unique, the home country included. */
  readonly supportedCountries: readonly string[];
  /** No upload is taken any more, for good (docs/sunset.md). */
  readonly ended: boolean;
  /** Whose certificates authorise uploads of Google's dialect; a version of its own. */
  readonly authorities: Authorities;
}

/** origin#Policy, bound by `verification` alone; what `Intake.policy` says, which is public. */
export interface PolicyRpc {
  policy(): Promise<PublishedPolicy>;
}

/** @returns whether a policy was asked for before another: two questions at once may be answered in either order */
export const isOlderPolicy = (one: PublishedPolicy, other: PublishedPolicy): boolean =>
  one.version < other.version || one.authorities.version < other.authorities.version;

/** What `origin` itself judges by: an `upload` may have asked before the last publication. */
export interface PolicyInForce extends PublishedPolicy {
  /** As `supportedCountries`, of the version before. */
  readonly formerCountries: readonly string[];
}

/** @param countries any @returns them with the home country, sorted, each once */
export function withHome(countries: readonly string[], homeCountry: string): string[] {
  return [...new Set([homeCountry, ...countries])].toSorted();
}

/**
 * Whether somebody was abroad, and not where: a rare combination of countries, stored with each key, would hold one traveller's
 * keys together (decision 021). Who names another country is warned for in all that the deployment supports, as with
 * Corona-Warn-App, whose apps name them all.
 *
 * @param visited as they came: any texts
 * @param homeCountry ISO 3166-1 alpha-2
 * @param supported asked only if another country than the home one is named
 * @returns ISO 3166-1 alpha-2, sorted, unique, the home country included
 * @throws what `supported` throws
 */
export async function regionsOf(
  visited: readonly string[],
  homeCountry: string,
  supported: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const others = visited.filter((country) => country !== homeCountry);
  if (others.length === 0) return [homeCountry];
  const countries = await supported();
  return others.some((country) => countries.includes(country)) ? withHome(countries, homeCountry) : [homeCountry];
}

/**
 * @param regions of an upload, as {@link regionsOf} gives them
 * @param policy in force
 * @returns whether they are what it leads to, or what the version before did
 */
export function areRegionsOf(
  regions: readonly string[],
  homeCountry: string,
  { supportedCountries, formerCountries }: PolicyInForce,
): boolean {
  const text = regions.join();
  return [[homeCountry], supportedCountries, formerCountries].some((known) => known.join() === text);
}
