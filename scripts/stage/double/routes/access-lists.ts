/**
 * @module The lists that Access keeps for an account: created, read, changed and deleted the same way each.
 */
import { Refusal, required } from '../refusal.ts';
import type { Context } from '../router.ts';
import type { Json } from '../schemas/validate.ts';
import { newUuid, timestamp } from '../state.ts';

/** Path of all. */
export const ACCESS = '/accounts/:account_id/access';

const notFound = (): Refusal => new Refusal(404, 12_135, 'access.api.error.not_found');

type ListName = 'accessApplications' | 'accessPolicies' | 'accessServiceTokens' | 'accessCertificates';

/** @param list of the account; @returns a handler that finds the item that the path names */
export const findIn =
  (list: ListName) =>
  ({ account, params }: Context): Json =>
    required(
      account[list].find(({ id }) => id === params['id']),
      notFound(),
    );

/** @param list of the account; @param refuse throws where it is in use; @returns a handler that deletes */
export const removeFrom =
  (list: ListName, refuse: (context: Context, gone: Json) => void) =>
  (context: Context): object => {
    const gone = findIn(list)(context);
    refuse(context, gone);
    context.account[list] = context.account[list].filter((item) => item !== gone);
    return { id: gone['id'] };
  };

/** @param body of a creation; @returns the new item */
export const stamped = (body: unknown): Json => ({
  id: newUuid(),
  created_at: timestamp(),
  updated_at: timestamp(),
  ...(body as Json),
});

/** @param before changed in place; @param body of a PUT; @returns it */
export const changed = (before: Json, body: unknown): Json => {
  // PUT: what isn't sent is taken away.
  for (const key of Object.keys(before)) {
    if (!['id', 'aud', 'created_at', 'client_id', 'client_secret', 'expires_at'].includes(key)) delete before[key];
  }
  return Object.assign(before, body, { updated_at: timestamp() });
};
