/**
 * @module Synthetic uploads that are set aside with each published hour, to go with keys that are taken back (decision 040): as many in each part of the set that peers tell apart (feed-parts.ts), since
 * a peer that subtracts what it reads from the public list of what was taken back is left with a part of it.
 *
 * Runs inside the transaction that fixes the set.
 */
import type { RegionCount } from '../../domain/chunk-policy.ts';
import { planDecoys } from '../../domain/decoy-plan.ts';
import { publishingRegions } from '../../domain/publication/record.ts';
import { below, type RandomBytes } from '../../domain/random.ts';
import { hourEnd } from '../../protocol/gaen/intervals.ts';
import type { BufferConfig } from './config.ts';
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
  { first, hour, counts }: SetCounts,
): void {
  const groups = likesOf(sql, config, ciphers, { first, hour, counts });
  if (groups.length === 0) return;
  const received = readCounts(sql, ciphers, random, hourEnd(hour));
  // None is missing, so that each is whole.
  const plan = planDecoys(received, { first, hour, ...hoursOfWaiting(sql, config, first, hour), missing: 0 });
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
