/**
 * @module Buckets, in the stage's jurisdiction. None has an address of the platform's (`r2.dev`). No lifecycle rules, locks or copies: `Publisher` removes what has died, a rule would race
 * with it, and `row-keys/` of the private bucket must be where nothing can be recovered (decision 022).
 */
import type { LifecycleGetResponse } from 'cloudflare/resources/r2/buckets/lifecycle';
import { orNull } from './calls.ts';
import { differing } from './compare.ts';
import type { Context } from './context.ts';
import { emptyBucket } from './empty-bucket.ts';
import { BUCKETS, JURISDICTIONS, bucketName } from './names.ts';
import { type Resource, type Work, resource } from './resource.ts';

/** R2 keeps the names of each jurisdiction apart. */
const PLACES = [...new Set(Object.values(JURISDICTIONS))];

interface FoundBucket {
  readonly name: string;
  readonly isThere: boolean;
  /** Jurisdictions that have a bucket of this name, where the stage's hasn't. */
  readonly elsewhere: readonly string[];
  /** Whether it answers at `r2.dev`. */
  readonly isPublic: boolean;
  /** Rules by which R2 deletes what is old, by their names; and those by which nothing can be deleted. */
  readonly lifecycle: readonly LifecycleGetResponse.Rule[];
  readonly locks: readonly string[];
}

type Found = readonly FoundBucket[];

async function read(context: Context): Promise<Found> {
  const { client, accountId, stage } = context;
  const jurisdiction = JURISDICTIONS[stage.jurisdiction];
  const has = async (name: string, place: (typeof PLACES)[number]): Promise<boolean> =>
    (await orNull(client.r2.buckets.get(name, { account_id: accountId, 'cf-r2-jurisdiction': place }))) !== null;
  const found: FoundBucket[] = [];
  for (const bucket of BUCKETS) {
    const name = bucketName(stage, bucket);
    // One after the other: an account's calls are counted, and a few seconds are nobody's loss.
    if (await has(name, jurisdiction)) {
      const parameters = { account_id: accountId, 'cf-r2-jurisdiction': jurisdiction };
      const { enabled } = await client.r2.buckets.domains.managed.list(name, parameters);
      const { rules: lifecycle = [] } = await client.r2.buckets.lifecycle.get(name, parameters);
      const { rules: locks = [] } = await client.r2.buckets.locks.get(name, parameters);
      const names = locks.map(({ id }) => id);
      found.push({ name, isThere: true, elsewhere: [], isPublic: enabled, lifecycle, locks: names });
      continue;
    }
    const elsewhere: string[] = [];
    for (const place of PLACES) if (place !== jurisdiction && (await has(name, place))) elsewhere.push(place);
    found.push({ name, isThere: false, elsewhere, isPublic: false, lifecycle: [], locks: [] });
  }
  return found;
}

function work({ client, accountId, stage }: Context, found: Found): Work[] {
  const jurisdiction = JURISDICTIONS[stage.jurisdiction];
  const parameters = { account_id: accountId, 'cf-r2-jurisdiction': jurisdiction };
  return found.map(({ name, isThere, elsewhere, isPublic, lifecycle, locks }): Work => {
    const what = `bucket ${name}`;
    if (elsewhere.length > 0) {
      const fields = differing({ jurisdiction: elsewhere.join(', ') }, { jurisdiction });
      return {
        difference: { resource: what, action: 'change', fields, foreign: true },
        refuse: `it is there in jurisdiction ${elsewhere.join(', ')}, the stage says ${jurisdiction}, and a bucket never moves; field jurisdiction must be as it was when the stage was made`,
      };
    }
    if (!isThere) {
      return {
        difference: { resource: what, action: 'create', fields: differing(null, { jurisdiction }) },
        run: () => client.r2.buckets.create({ ...parameters, name }),
      };
    }
    const deleting = lifecycle.filter(isDeleting);
    const rules = { 'lifecycle rules': deleting.map(({ id }) => id), locks };
    const fields = differing({ 'r2.dev': isPublic, ...rules }, { 'r2.dev': false, 'lifecycle rules': [], locks: [] });
    if (fields.length === 0) return { difference: { resource: what, action: 'keep', fields } };
    return {
      difference: { resource: what, action: 'change', fields },
      async run() {
        const { domains, lifecycle: rulesOf, locks: locksOf } = client.r2.buckets;
        if (isPublic) await domains.managed.update(name, { ...parameters, enabled: false });
        const kept = lifecycle.filter((rule) => !isDeleting(rule));
        if (deleting.length > 0) await rulesOf.update(name, { ...parameters, rules: kept });
        if (locks.length > 0) await locksOf.update(name, { ...parameters, rules: [] });
      },
    };
  });
}

/** A rule that gives up unfinished uploads is the platform's own, and does no harm. */
const isDeleting = ({ deleteObjectsTransition, storageClassTransitions = [] }: LifecycleGetResponse.Rule): boolean =>
  deleteObjectsTransition !== undefined || storageClassTransitions.length > 0;

/** Everything in them is deleted, one object after the other: the API has no faster way, and what is left after a break is deleted by the next destroy. */
function remove(context: Context, found: Found): Work[] {
  return found
    .filter(({ isThere }) => isThere)
    .map(({ name }) => ({
      difference: { resource: `bucket ${name}, with everything in it`, action: 'delete', fields: [] },
      run: () => emptyBucket(context, name),
    }));
}

/** The four buckets. */
export const R2_BUCKETS: Resource<Found> = resource({
  name: 'buckets',
  phase: 'before-workers',
  rights: ['Account: Workers R2 Storage Write'],
  afterBreak:
    'the buckets that are there are empty and bound to nothing; a destroy that broke off has deleted some objects. The same command again goes on',
  read,
  work,
  remove,
});
