/** @module Why a signed list of laboratories is refused (domain/laboratory-list.ts), by names that a page has texts for. */

/** Rules that a list can break, by name, so that a page can say them in its reader's language. */
export const LIST_RULES = {
  object: 'must be an object',
  version: 'must be an integer of at least 1',
  array: 'must be an array',
  id: 'must match [a-z0-9-]{1,64}',
  twice: 'stands twice',
  name: 'must have 1..200 characters',
  certificates: 'must name at least one certificate',
  fingerprint: 'must be SHA-256 in 64 lowercase hex digits',
  shared: 'belongs to two laboratories',
  birthDate: 'must be optional (which it is when left out) or required',
} as const;
export type ListRule = keyof typeof LIST_RULES;

/** Why a list is refused. document, type, key, signature: as a signed document. newer: its version is not higher than the stored one. */
export type ListRefusal =
  | { readonly kind: 'document' | 'type' | 'key' | 'signature' | 'newer' }
  | {
      readonly kind: 'content';
      readonly rule: ListRule;
      /** Which laboratory of the list, from 0; null when it isn't one of them. */
      readonly at: number | null;
    };
