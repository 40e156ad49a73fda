/**
 * @module Rules of a bucket by which nothing in it can be deleted for a time.
 */
import { Refusal, required } from '../refusal.ts';
import { RIGHTS } from '../rights.ts';
import type { Context, Route } from '../router.ts';
import type { Bucket } from '../state.ts';

const LOCK = '/accounts/:account_id/r2/buckets/:bucket/lock';
const right = RIGHTS.buckets;

const bucketOf = ({ account, params, headers }: Context): Bucket =>
  required(
    account.buckets.find(
      ({ name, jurisdiction }) =>
        name === params['bucket'] && jurisdiction === (headers['cf-r2-jurisdiction'] ?? 'default'),
    ),
    new Refusal(404, 10_006, 'The specified bucket does not exist.'),
  );

function setLocks(context: Context): object {
  const { rules = [] } = context.body as { readonly rules?: unknown[] };
  bucketOf(context).locks = rules;
  return {};
}

/** Locks of a bucket. */
export const BUCKET_LOCK_ROUTES: readonly Route[] = [
  { method: 'GET', path: LOCK, right, handle: (context) => ({ rules: bucketOf(context).locks ?? [] }) },
  { method: 'PUT', path: LOCK, right, params: 'LockUpdateParams', handle: setLocks },
];
