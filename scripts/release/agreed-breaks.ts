/**
 * @module Breaks between the last release and this one that are none on the wire, each with its reason: a kind that is understood already and not given yet, a method that nobody called. Emptied with each release that is kept.
 */
import type { Break } from './compare-surfaces.ts';

export const AGREED_BREAKS: readonly (Break & { readonly why: string })[] = [
  {
    at: 'verification:TanLedger.issue()',
    what: 'was void, is {"list":"string"}',
    why: 'a ledger of before has one name for each TAN: its caller takes the first where nothing comes back (workers/verification/ledger.ts)',
  },
];
