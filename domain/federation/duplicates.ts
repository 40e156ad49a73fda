/**
 * @module Which of two with the same key data stays (docs/spec/europe.md §2.4 R12): the first one, and a local one before a peer's. A peer's key that only waits becomes local when its person shares it here, and
 * is published once. One that is published, or about to be, stays the peer's: phones would get nothing new, and who uploads a key that everybody can read must not be able to take it back.
 */

/** What is known of a key. */
export type Present =
  /** Nothing. */
  | 'none'
  /** Of a person here, waiting or published. */
  | 'local'
  /** A peer's, in no set yet. */
  | 'remote-waiting'
  /** A peer's, in a set. */
  | 'remote-published';

/** @returns store: it is new; take-over: the peer's row goes, and this is stored in its place; leave: nothing is stored */
export function rank(present: Present, comes: 'local' | 'remote'): 'store' | 'take-over' | 'leave' {
  if (present === 'none') return 'store';
  return present === 'remote-waiting' && comes === 'local' ? 'take-over' : 'leave';
}
