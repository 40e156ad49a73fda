/**
 * @module How many code cards make a batch. With each key lies the batch whose card authorised it, so that a batch can be
 * withdrawn: a batch of one would join a card to its keys.
 */

/** A key with a batch could be from any card of it: at least so many. */
export const MIN_CARDS_PER_BATCH = 20;
/** Some 15 s of CPU to print, each with a QR code. */
export const MAX_CARDS_PER_BATCH = 10_000;
