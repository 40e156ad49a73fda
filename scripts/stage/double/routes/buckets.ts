/**
 * @module R2 buckets and the domains they are read at.
 */
import { Refusal, Reply, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import { type Bucket, timestamp } from '../state.ts';

const right = RIGHTS.buckets;
const BUCKETS = '/accounts/:account_id/r2/buckets';

const jurisdictionOf = ({ headers }: Context): string => headers['cf-r2-jurisdiction'] ?? 'default';

// A bucket is found in its own jurisdiction alone, as the platform does (R2, data location).
const find = (context: Context): Bucket =>
  required(
    context.account.buckets.find(
      ({ name, jurisdiction }) => name === context.params['bucket'] && jurisdiction === jurisdictionOf(context),
    ),
    new Refusal(404, 10_006, 'The specified bucket does not exist.'),
  );

const describe = ({ name, jurisdiction, location, storage_class, creation_date }: Bucket): object => ({
  name,
  jurisdiction,
  location,
  storage_class,
  creation_date,
});

function create(context: Context): object {
  const { account } = context;
  const body = context.body as { name: string; locationHint?: string; storageClass?: string };
  const jurisdiction = jurisdictionOf(context);
  if (!/^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/.test(body.name)) {
    throw new Refusal(400, 10_005, 'The specified bucket name is not valid.');
  }
  if (account.buckets.some((bucket) => bucket.name === body.name && bucket.jurisdiction === jurisdiction)) {
    throw new Refusal(409, 10_004, 'The bucket you tried to create already exists, and you own it.');
  }
  const bucket: Bucket = {
    name: body.name,
    jurisdiction,
    location: (body.locationHint ?? 'weur').toUpperCase(),
    storage_class: body.storageClass ?? 'Standard',
    creation_date: timestamp(),
    managedDomain: false,
    customDomains: [],
  };
  account.buckets.push(bucket);
  return describe(bucket);
}

function list(context: Context): Reply {
  const { account, query } = context;
  const buckets = account.buckets
    .filter(
      ({ jurisdiction, name }) =>
        jurisdiction === jurisdictionOf(context) && name.includes(query['name_contains'] ?? ''),
    )
    .map(describe);
  return new Reply({ buckets }, { result_info: { cursor: '', per_page: 1000 } });
}

async function remove(context: Context): Promise<object> {
  const bucket = find(context);
  if ((await context.objects.list(bucket)).length > 0) {
    throw new Refusal(409, 10_008, 'The bucket you tried to delete is not empty.');
  }
  context.account.buckets = context.account.buckets.filter((other) => other !== bucket);
  return {};
}

async function listObjects(context: Context): Promise<Reply> {
  const { query } = context;
  const listed = (await context.objects.list(find(context)))
    .filter(({ key }) => key.startsWith(query['prefix'] ?? '') && key > (query['start_after'] ?? ''))
    .slice(0, Number(query['per_page'] ?? 1000));
  return new Reply(listed, { result_info: { cursor: '', is_truncated: false, per_page: listed.length } });
}

async function removeObject(context: Context): Promise<object> {
  const bucket = find(context);
  const key = context.params['key'] ?? '';
  const there = (await context.objects.list(bucket)).some((object) => object.key === key);
  if (!there) throw new Refusal(404, 10_007, 'The specified key does not exist.');
  await context.objects.remove(bucket, key);
  return { key };
}

interface CustomBody {
  readonly domain: string;
  readonly enabled: boolean;
  readonly zoneId: string;
  readonly minTLS?: string;
}

const describeCustom = (body: CustomBody, zoneName: string): Record<string, unknown> => ({
  domain: body.domain,
  enabled: body.enabled,
  zoneId: body.zoneId,
  zoneName,
  minTLS: body.minTLS ?? '1.0',
  status: { ownership: 'active', ssl: 'active' },
});

function addDomain(context: Context): object {
  const body = context.body as CustomBody;
  const { account } = context;
  const zone = required(
    account.zones.find(({ id }) => id === body.zoneId),
    new Refusal(400, 10_021, 'the zone is not of this account'),
  );
  if (account.domains.some(({ hostname }) => hostname === body.domain)) {
    throw new Refusal(409, 100_117, `Hostname '${body.domain}' is already in use.`);
  }
  const bucket = find(context);
  if (bucket.customDomains.some(({ domain }) => domain === body.domain)) {
    throw new Refusal(409, 10_021, `the bucket has the domain '${body.domain}' already`);
  }
  const made = describeCustom(body, zone.name);
  bucket.customDomains.push(made);
  return made;
}

const domainOf = (context: Context): Record<string, unknown> =>
  required(
    find(context).customDomains.find(({ domain }) => domain === context.params['domain']),
    new Refusal(404, 10_021, 'The specified domain does not exist.'),
  );

const managed = (bucket: Bucket): object => ({
  bucketId: bucket.name,
  domain: `pub-${bucket.name}.r2.dev`,
  enabled: bucket.managedDomain,
});

/** Buckets, in the jurisdiction that the header `cf-r2-jurisdiction` names. */
export const BUCKET_ROUTES: readonly Route[] = [
  { method: 'GET', path: BUCKETS, right, params: 'BucketListParams', handle: list },
  { method: 'POST', path: BUCKETS, right, params: 'BucketCreateParams', handle: create },
  { method: 'GET', path: `${BUCKETS}/:bucket`, right, handle: (context) => describe(find(context)) },
  { method: 'DELETE', path: `${BUCKETS}/:bucket`, right, handle: remove },
  {
    method: 'GET',
    path: `${BUCKETS}/:bucket/objects`,
    right,
    params: 'ObjectListParams',
    handle: listObjects,
  },
  { method: 'DELETE', path: `${BUCKETS}/:bucket/objects/:key`, right, handle: removeObject },
  {
    method: 'GET',
    path: `${BUCKETS}/:bucket/domains/custom`,
    right,
    handle: (context) => ({ domains: find(context).customDomains }),
  },
  { method: 'POST', path: `${BUCKETS}/:bucket/domains/custom`, right, params: 'CustomCreateParams', handle: addDomain },
  { method: 'GET', path: `${BUCKETS}/:bucket/domains/custom/:domain`, right, handle: domainOf },
  {
    method: 'PUT',
    path: `${BUCKETS}/:bucket/domains/custom/:domain`,
    right,
    params: 'CustomUpdateParams',
    handle: (context) => Object.assign(domainOf(context), context.body),
  },
  {
    method: 'DELETE',
    path: `${BUCKETS}/:bucket/domains/custom/:domain`,
    right,
    handle: (context) => {
      const gone = domainOf(context);
      const bucket = find(context);
      bucket.customDomains = bucket.customDomains.filter((domain) => domain !== gone);
      return { domain: gone['domain'] };
    },
  },
  { method: 'GET', path: `${BUCKETS}/:bucket/domains/managed`, right, handle: (context) => managed(find(context)) },
  {
    method: 'PUT',
    path: `${BUCKETS}/:bucket/domains/managed`,
    right,
    params: 'ManagedUpdateParams',
    handle: (context) => {
      const bucket = find(context);
      bucket.managedDomain = (context.body as { enabled: boolean }).enabled;
      return managed(bucket);
    },
  },
];
