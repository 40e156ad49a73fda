/**
 * @module Rules of a bucket by which R2 deletes objects, or keeps them from being deleted.
 */
import { Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import type { Bucket } from '../state.ts';

const BUCKET = '/accounts/:account_id/r2/buckets/:bucket';
const right = RIGHTS.buckets;

const bucketOf = ({ account, params, headers }: Context): Bucket =>
  required(
    account.buckets.find(
      ({ name, jurisdiction }) =>
        name === params['bucket'] && jurisdiction === (headers['cf-r2-jurisdiction'] ?? 'default'),
    ),
    new Refusal(404, 10_006, 'The specified bucket does not exist.'),
  );

const sent = ({ body }: Context): Json[] => [...((body as { readonly rules?: Json[] }).rules ?? [])];

/** A new bucket has one: uploads in parts that nobody ended are given up after a week (developers.cloudflare.com/r2/buckets/object-lifecycles). */
const FIRST_RULES: readonly Json[] = [
  {
    id: 'Default Multipart Abort Rule',
    conditions: { prefix: '' },
    enabled: true,
    abortMultipartUploadsTransition: { condition: { type: 'Age', maxAge: 604_800 } },
  },
];

/** Lifecycle rules and locks. */
export const BUCKET_RULE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: `${BUCKET}/lifecycle`,
    right,
    handle: (context) => ({ rules: bucketOf(context).lifecycleRules ?? FIRST_RULES }),
  },
  {
    method: 'PUT',
    path: `${BUCKET}/lifecycle`,
    right,
    params: 'LifecycleUpdateParams',
    handle: (context) => void (bucketOf(context).lifecycleRules = sent(context)),
  },
  { method: 'GET', path: `${BUCKET}/lock`, right, handle: (context) => ({ rules: bucketOf(context).lockRules ?? [] }) },
  {
    method: 'PUT',
    path: `${BUCKET}/lock`,
    right,
    params: 'LockUpdateParams',
    handle: (context) => void (bucketOf(context).lockRules = sent(context)),
  },
];
