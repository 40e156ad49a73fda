/** @module What a shard of test sessions is given, and what it answers. */
import type { StoredSession } from './session-ops.ts';

/** One row to issue: a teleTAN or a card. */
export interface IssuedRow extends StoredSession {
  readonly tokenHash: string;
}

/** Too many rows of tests that nobody vouched for were made in this hour; isFirst of the hour in this shard. */
type Later = { readonly kind: 'later'; readonly isFirst: boolean };

/** granted: the token is (still) given out. unknown: there is no session, and none was made. taken: the test is `by`'s. */
export type RegisterReply =
  | { readonly kind: 'granted' | 'refused' | 'unknown' }
  | Later
  | { readonly kind: 'taken'; readonly by: string };

/** new, held: it is the asker's, since now or before. card: it is a code card's, which no date of birth belongs to. */
export type ClaimReply =
  | { readonly kind: 'new' | 'held' | 'card' }
  | Later
  | { readonly kind: 'taken'; readonly by: string };

/** How a row may be made. */
export interface Making {
  /** Owner of the test that has ended and gives way, or null. */
  readonly replaces: string | null;
  /** Whether its laboratory has posted the test: such a row is made at any pace (registration-pace.ts). */
  readonly isPosted: boolean;
  /** Kept with the row where no test's hashes lead to it: what a credential opens. */
  readonly seed?: Uint8Array;
}

/** Which TAN a session is given, and until when (Unix seconds). */
export interface TakenTan {
  readonly n: number;
  readonly expiresAt: number;
}
