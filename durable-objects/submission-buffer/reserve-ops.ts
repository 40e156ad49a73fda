/**
 * @module Synthetic uploads that are set aside with each published hour, to go with keys that are taken back (decision 040): as many in each part of the set that peers tell apart (feed-parts.ts), since
 * a peer that subtracts what it reads from the public list of what was taken back is left with a part of it.
 *
 * Runs inside the transaction that fixes the set.
 */
import type { RegionCount } from '../../domain/chunk-policy.ts';
import { certainKeys } from '../../domain/publication/company.ts';
import { planDecoys } from '../../domain/decoy-plan.ts';
import { publishingRegions } from '../../domain/publication/record.ts';
import { below, type RandomBytes } from '../../domain/random.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
import type { RowKind } from './contract.ts';
import { hoursOfWaiting, storeDecoy } from './decoy-ops.ts';
import { labelsByPart, partCounts } from './feed-parts.ts';
import type { Ciphers } from './hour-keys.ts';
import { readCounts } from './received-ops.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { waitingHours } from './waiting-rows.ts';

/**
 * Sets whole synthetic uploads aside, beyond the minima: they are published with the set, and taken back with keys that are (decision 040). They come as of the
 * hours in which real uploads came that wait, as decoys do, and go where most keys of the home country go, so that every region has them.
 *
 * @param ciphers ready for the hour
 * @param set the set, which is published whatever is added
 */
export function addReserve(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  random: RandomBytes,
  { first, hour, counts, isLast }: SetCounts & { readonly isLast: boolean },
): void {
  const groups = likesOf(sql, config, ciphers, { first, hour, counts });
  if (groups.length === 0) return;
  const received = readCounts(sql, ciphers, random, hourEnd(hour));
  // None is missing, so that each is whole.
  const plan = planDecoys(received, { first, hour, ...hoursOfWaiting(sql, config, first, hour), missing: 0, isLast });
  for (const likes of groups) {
    for (let n = 0; n < config.policy.reserveUploads; n++) {
      const { regions, consentToFederation, origin, issueId } = likes[below(random, likes.length)]!;
      storeDecoy(sql, config, ciphers, random, hour, received, plan(random), {
        upload: { regions, consentToFederation, origin, issueId },
        reserve: true,
      });
    }
  }
}

/**
 * Sets as many aside as a list of what is taken back needs by itself, beside what the set has: once a deployment is stopped, no hour to come would (docs/sunset.md).
 *
 * @param ciphers ready for the hour
 * @param kinds of rows that wait to be taken back: for each so many
 */
export function addCompany(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  random: RandomBytes,
  hour: number,
  kinds: readonly RowKind[],
): void {
  if (kinds.length === 0) return;
  const { minKeys, minUploads } = config.policy;
  const enough = Math.max(minKeys, certainKeys(minUploads));
  const received = readCounts(sql, ciphers, random, hourEnd(hour));
  const uploads = new Map<number, number>();
  const plan = planDecoys(received, { first: hour, hour, uploads, decoyRests: 0, missing: 0, isLast: true });
  for (const { regions, consentToFederation } of kinds) {
    const upload = { regions, consentToFederation, origin: config.homeCountry, issueId: null };
    let keys = 0;
    while (keys < enough) {
      keys += storeDecoy(sql, config, ciphers, random, hour, received, plan(random), { upload, reserve: true });
    }
  }
}

interface SetCounts {
  readonly first: number;
  readonly hour: number;
  readonly counts: readonly RegionCount[];
}

/** @returns labels that synthetic uploads are drawn like, of each part by itself; one group without feeds */
function likesOf(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  { first, hour, counts }: SetCounts,
): RowLabel[][] {
  const isThere = (region: string): boolean => counts.some((one) => one.region === region && one.keys > 0);
  // Never into a region that has nothing else: there they would stand alone. A label stays when its rows were dropped.
  const isFit = (label: RowLabel): boolean =>
    label.origin === config.homeCountry && publishingRegions(config.regions, config.unionRegion, label).every(isThere);
  const parts = partCounts(sql, config, first, hour);
  const byPart = labelsByPart(sql, config, ciphers, first, hour);
  const groups =
    parts.length > 0
      ? parts.map(({ part }) => byPart.get(part) ?? [])
      : [waitingHours(sql, first, hour).flatMap((waiting) => [...labelsOf(sql, ciphers, waiting).values()])];
  return groups.flatMap((labels) => {
    const there = labels.filter(isFit);
    const real = there.filter(({ synthetic }) => !synthetic);
    const home = real.filter(({ regions }) => regions.includes(config.homeCountry));
    const likes = [home, real, there].find((some) => some.length > 0);
    return likes === undefined ? [] : [likes];
  });
}
